"""``python -m isaacgym.check FOLDER``: what of the interface a repository uses, and whether it is there."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path

from isaacgym.check.report import as_json, as_text, missing, report_on, with_table


def main(words: list[str] | None = None) -> int:
    """Run the command; return 0 where nothing is missing, 1 where something is, 2 for a wrong call."""
    parser = ArgumentParser(
        prog="python -m isaacgym.check",
        description="List every use of the Isaac Gym interface below a folder as implemented, behaving differently or "
        "missing. Nothing of the code is run. The exit code is 1 where something that is used is missing.",
    )
    parser.add_argument("folder", type=Path, nargs="?", help="Folder of the code to read.")
    parser.add_argument("--all", action="store_true", help="List every place of implemented names, not the first.")
    parser.add_argument("--json", action="store_true", help="Print JSON instead of text.")
    parser.add_argument("--table", type=Path, metavar="FILE", help="Write the table of methods into a Markdown file.")
    args = parser.parse_args(words)
    if args.table is not None:
        try:
            args.table.write_text(with_table(args.table.read_text(encoding="utf-8")), encoding="utf-8")
        except (OSError, ValueError) as error:
            parser.error(str(error))
        return 0
    if args.folder is None or not args.folder.is_dir():
        parser.error("name a folder of code to read")
    report = report_on(args.folder)
    print(as_json(report) if args.json else as_text(report, every_place=args.all))
    return 1 if missing(report) else 0


if __name__ == "__main__":
    sys.exit(main())
