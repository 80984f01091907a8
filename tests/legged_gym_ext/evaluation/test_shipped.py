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


def test_what_else_was_measured_of_a_policy_stands_in_the_table_of_its_protocol(tmp_path: Path) -> None:
    block = {"episodes": 10, "success_rate": 0.9, "success_ci": [0.6, 0.98]}
    report = {"protocol": "rpl", "per_block": {"leap": block}, "mean_power": 200.4, "peak_torque": 39.1}
    (tmp_path / "go1_vision").mkdir()
    (tmp_path / "go1_vision" / "rpl.json").write_text(json.dumps(report))
    row = "| `go1_vision` | leap 0.30 to 0.90 m | 90.0% (60.0% to 98.0%) | 200 W | 39.1 N m | not measured |"
    assert shipped_tables(tmp_path)["rpl"].splitlines()[-1] == row
