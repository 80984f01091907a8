"""The report on somebody's code, and the table of methods in the documentation."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from isaacgym.check import surface
from isaacgym.check.surface import DIFFERS, IMPLEMENTED, MISSING, Entry
from isaacgym.check.usage import Use, python_files, uses_of

HEADINGS = {
    MISSING: "missing: calls raise NotImplementedError or AttributeError",
    DIFFERS: "behaving differently",
    IMPLEMENTED: "implemented",
}
BEGIN, END = "<!-- methods: written by python -m isaacgym.check --table -->", "<!-- end of methods -->"


@dataclass
class Report:
    """What a folder of code uses."""

    folder: Path
    uses: dict[str, list[Use]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    """Files that are no Python 3, with the reason."""

    def entries(self, state: str) -> list[Entry]:
        """Return the used names that are answered in one way, in alphabetical order."""
        return [entry for name in sorted(self.uses) if (entry := surface.lookup(name)).state == state]

    def places(self, name: str) -> list[str]:
        """Return ``file:line`` of every use of a name, relative to the folder."""
        return [f"{use.path.relative_to(self.folder)}:{use.line}" for use in self.uses[name]]


def report_on(folder: Path) -> Report:
    """Return the report on all Python files below a folder."""
    found: defaultdict[str, list[Use]] = defaultdict(list)
    report = Report(folder)
    for path in python_files(folder):
        try:
            for use in uses_of(path):
                found[use.name].append(use)
        except (SyntaxError, UnicodeDecodeError, ValueError) as error:
            report.unread.append(f"{path.relative_to(folder)}: {error}")
    report.uses = dict(found)
    return report


def as_text(report: Report, every_place: bool = False) -> str:
    """Return the report as text: first what is missing, then what differs, then what is implemented.

    Places of implemented names are shortened to the first unless ``every_place``.
    """
    counts = {state: len(report.entries(state)) for state in HEADINGS}
    total = sum(len(places) for places in report.uses.values())
    lines = [
        f"{report.folder}: {total} uses of {len(report.uses)} names; {counts[IMPLEMENTED]} of these are implemented, "
        f"{counts[DIFFERS]} behave differently, {counts[MISSING]} are missing"
    ]
    for state, heading in HEADINGS.items():
        entries = report.entries(state)
        if entries:
            lines += ["", f"{heading} ({len(entries)})"]
        for entry in entries:
            places = report.places(entry.name)
            if state == IMPLEMENTED and not every_place:
                more = f" and {len(places) - 1} more" if len(places) > 1 else ""
                lines.append(f"  {entry.name}: {places[0]}{more}")
            else:
                lines.append(f"  {entry.name}: {entry.says}" if entry.says else f"  {entry.name}")
                lines += [f"    {place}" for place in places]
    if report.unread:
        lines += ["", f"not read, since they are no Python 3 ({len(report.unread)})"]
        lines += [f"  {line}" for line in report.unread]
    return "\n".join(lines)


def as_json(report: Report) -> str:
    """Return the report as JSON: for every name its state, what is said about it, and its places."""
    names = {
        entry.name: {"state": state, "says": entry.says, "places": report.places(entry.name)}
        for state in HEADINGS
        for entry in report.entries(state)
    }
    return json.dumps({"folder": str(report.folder), "names": names, "unread": report.unread}, indent=2)


def table() -> str:
    """Return the tables of methods and of structures in Markdown, derived from the code."""
    methods = sorted(surface.methods().values(), key=lambda entry: entry.name)
    counts = {state: sum(entry.state == state for entry in methods) for state in HEADINGS}
    lines = [
        f"{counts[IMPLEMENTED]} methods of the `Gym` object are implemented, {counts[DIFFERS]} more behave differently "
        f"from Isaac Gym in what is said about them, and {counts[MISSING]} raise `NotImplementedError`.",
        "",
        "| method | state | what it does, what differs, or what to do instead |",
        "|---|---|---|",
        *(_row(entry, entry.name.removeprefix("gym.")) for entry in methods),
        "",
        "Fields and options that are accepted and behave differently:",
        "",
        "| structure and fields | what differs |",
        "|---|---|",
    ]
    for kind in sorted(surface.structures().values(), key=lambda kind: kind.__name__):
        alike: defaultdict[str, list[str]] = defaultdict(list)
        for name, entry in surface.fields(kind).items():
            if entry.state == DIFFERS:
                alike[entry.says].append(f"`{name}`")
        lines += [f"| `{kind.__name__}`: {', '.join(names)} | {_cell(says)} |" for says, names in alike.items()]
    return "\n".join(lines)


def _row(entry: Entry, name: str) -> str:
    return f"| `{name}` | {entry.state} | {_cell(entry.says)} |"


def _cell(text: str) -> str:
    """Return a text for a cell of a table: Markdown's code marks, no bars."""
    return text.replace("``", "`").replace("|", "or")


def with_table(document: str) -> str:
    """Return a document whose part between ``BEGIN`` and ``END`` is the table. Raises ``ValueError`` without them."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document has no lines '{BEGIN}' and '{END}' between which the table goes")
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def missing(report: Report) -> Iterable[str]:
    """Return the names that are used and missing."""
    return [entry.name for entry in report.entries(MISSING)]
