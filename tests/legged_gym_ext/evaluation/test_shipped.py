"""The README says of the shipped policies what their evaluations say."""

import json
from pathlib import Path

from legged_gym_ext.evaluation.shipped import shipped_tables
from legged_gym_ext.runs.folders import SHIPPED, checkpoint_facts

README = Path(__file__).resolve().parents[3] / "README.md"


def test_the_tables_of_the_readme_are_those_of_the_evaluations() -> None:
    tables = shipped_tables(SHIPPED)
    assert {"walk", "rpl"} <= set(tables)
    text = README.read_text(encoding="utf-8")
    for table in tables.values():
        assert table in text, "print the tables anew with legged-list --tables"


def test_every_shipped_policy_was_evaluated_as_it_is() -> None:
    for folder in (path for path in SHIPPED.iterdir() if path.is_dir()):
        report = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
        assert report.items() >= checkpoint_facts(folder).items(), folder.name
        assert report["task"].split("_")[0] == folder.name.split("_")[0]
