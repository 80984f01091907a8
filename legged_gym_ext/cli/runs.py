"""List the runs, and serve a page to the browser of this machine that compares them while they train."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from legged_gym_ext.pipeline.run_overview import summaries, text_table
from legged_gym_ext.pipeline.runs_server import RunsServer
from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.command_line import parse_options, run_script
from st_rl.utils.errors import UserError
from st_rl.utils.ranges import Bounds, Checked


@dataclass
class RunsOptions(Checked):
    """List the runs, and serve a page to the browser of this machine that compares them while they train."""

    log_root: Path = runs.LOG_ROOT
    """Folder of the runs."""
    task: str = ""
    """List the runs of this task alone."""
    serve: bool = False
    """Serve the page until Ctrl-C: learning curves, differences of the configurations, evaluations, films."""
    port: Annotated[int, Bounds(ge=0, le=65535)] = 8090
    """Port of the page; 0 takes a free one. Other machines cannot reach it: forward it through SSH."""


def main(argv: list[str] | None = None) -> int:
    """Return the exit code."""
    options = parse_options(RunsOptions, argv)
    if not options.log_root.is_dir():
        raise UserError(f"there is no folder '{options.log_root}'; train something first, or name one with --log-root")
    found = [run for run in summaries(options.log_root) if not options.task or run.task == options.task]
    print(text_table(found) if found else f"there are no runs in '{options.log_root}' yet", flush=True)
    if options.serve:
        server = RunsServer(options.log_root, options.port)
        print(f"open {server.address} in a browser; Ctrl-C here ends it", flush=True)
        try:
            server.wait()
        finally:
            server.close()
    return 0


def command() -> int:
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
