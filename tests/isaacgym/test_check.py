"""python -m isaacgym.check: what it finds in somebody's code, what it says about it, and the table of methods."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from isaacgym import gymapi
from isaacgym.check import surface
from isaacgym.check.__main__ import main
from isaacgym.check.report import BEGIN, END, Report, as_json, as_text, report_on, with_table

ROOT = Path(__file__).parents[2]

TASK = """
import isaacgym
from isaacgym import gymapi, gymutil
from isaacgym import gymtorch as gt
from isaacgym.torch_utils import *
from isaacgym.terrain_utils import SubTerrain, hexagonal_terrain
import gym.spaces

class Task:
    def __init__(self, params: gymapi.SimParams):
        self.gym = gymapi.acquire_gym()
        self.options = gymapi.AssetOptions()
        params.physx.solver_type = 1
        self.sim = self.gym.create_sim(0, 0, gymapi.SIM_PHYSX, params)
        self.space = gym.spaces.Box(0, 1)

    def build(self):
        self.options.fix_base_link = True
        self.options.tint = "red"
        self.options.thickness = 0.1
        mesh = gymapi.TriangleMeshParams()
        mesh.transform.p.x = 1.0
        mesh.transform.p.q = 1.0
        for shape in self.gym.get_asset_rigid_shape_properties(None):
            shape.friction = 1.0
            shape.slip = 0.0
        props = self.gym.get_actor_rigid_body_properties(None, 0)
        props[0].mass += 1.0
        props[0].weight = 9.81
        self.gym.create_cloth_grid(self.sim)
        self.gym.make_coffee(self.sim)
        self.gym.begin_aggregate(None, 1, 1, True)
        tensor = gt.wrap_tensor(quat_rotate(None, torch.zeros(3)))
        kind = gymapi.IndexDomain.DOMAIN_ENV, gymapi.IndexDomain.DOMAIN_MOON
        tile = SubTerrain("t")
        return gymutil.parse_arguments(), isaacgym.gymapi.KEY_V

def helper(gym, env):
    normalize = 3
    return gym, normalize, env.gym.simulate

def scope():
    mesh = object()
    mesh.anything
"""


@pytest.fixture
def report(tmp_path: Path) -> Report:
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs" / "task.py").write_text(TASK)
    return report_on(tmp_path)


def line_of(text: str) -> int:
    return next(i for i, line in enumerate(TASK.splitlines(), 1) if text in line)


def names(report: Report, state: str) -> set[str]:
    return {entry.name for entry in report.entries(state)}


def test_what_is_missing_is_found_with_file_and_line(report: Report) -> None:
    assert names(report, surface.MISSING) == {
        "gym.create_cloth_grid",
        "gym.make_coffee",
        "gymapi.AssetOptions.tint",
        "gymapi.IndexDomain.DOMAIN_MOON",
        "gymapi.RigidBodyProperties.weight",
        "gymapi.RigidShapeProperties.slip",
        "gymapi.Vec3.q",
        "terrain_utils.hexagonal_terrain",
    }
    assert report.places("gym.make_coffee") == [f"envs/task.py:{line_of('make_coffee')}"]
    assert report.places("gymapi.Vec3.q") == [f"envs/task.py:{line_of('p.q')}"]
    assert "soft bodies" in surface.lookup("gym.create_cloth_grid").says


def test_what_behaves_differently_says_how(report: Report) -> None:
    assert names(report, surface.DIFFERS) == {
        "gym.begin_aggregate",
        "gymapi.AssetOptions.thickness",
        "gymapi.PhysXParams.solver_type",
    }
    text = as_text(report)
    assert "gym.begin_aggregate: it has no effect." in text
    assert f"    envs/task.py:{line_of('solver_type')}" in text


def test_what_is_implemented_is_followed_through_names_attributes_loops_and_subscripts(report: Report) -> None:
    found = names(report, surface.IMPLEMENTED)
    assert found >= {
        "gym.create_sim",
        "gym.simulate",
        "gymapi.AssetOptions.fix_base_link",
        "gymapi.IndexDomain.DOMAIN_ENV",
        "gymapi.KEY_V",
        "gymapi.RigidBodyProperties.mass",
        "gymapi.RigidShapeProperties.friction",
        "gymapi.SIM_PHYSX",
        "gymapi.SimParams.physx",
        "gymapi.TriangleMeshParams.transform",
        "gymapi.Vec3.x",
        "gymtorch.wrap_tensor",
        "gymutil.parse_arguments",
        "terrain_utils.SubTerrain",
        "torch_utils.quat_rotate",
    }
    # Another package called gym, a local variable called like a function, and a variable of another function.
    assert not {name for name in found if "spaces" in name or "normalize" in name or "anything" in name}


def test_the_report_is_text_or_json(report: Report) -> None:
    text = as_text(report)
    assert "8 are missing" in text.splitlines()[0]
    assert text.index("make_coffee") < text.index("begin_aggregate") < text.index("create_sim")
    assert f"gym.create_sim: envs/task.py:{line_of('create_sim')}" in text
    parsed = json.loads(as_json(report))
    assert parsed["names"]["gym.make_coffee"]["state"] == "missing"
    assert parsed["names"]["gym.simulate"]["places"] == [f"envs/task.py:{line_of('env.gym')}"]


def test_environments_and_isaac_gyms_own_files_are_not_read(tmp_path: Path) -> None:
    for folder in (".venv/lib", "isaacgym", "third/isaacgym/python/isaacgym"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "gymapi.py").write_text("from isaacgym import gymapi\ngymapi.nothing\n")
    (tmp_path / "old.py").write_text("print 'python 2'\n")
    (tmp_path / "train.py").write_text("from isaacgym import gymapi, rlgpu\ngymapi.Vec3(1)\n")
    report = report_on(tmp_path)
    assert set(report.uses) == {"gymapi.Vec3", "isaacgym.rlgpu"}
    assert len(report.unread) == 1 and report.unread[0].startswith("old.py: ")
    assert "old.py" in as_text(report)


def test_every_method_of_the_gym_object_is_told_apart_by_the_code_itself() -> None:
    entries = surface.methods()
    assert entries["simulate"].state == surface.IMPLEMENTED
    assert entries["create_usd_exporter"].state == surface.MISSING
    with pytest.raises(NotImplementedError):
        gymapi.acquire_gym().create_usd_exporter()
    for name, entry in entries.items():
        assert entry.says, f"{name} says nothing about itself"


def test_fields_that_a_class_excepts_are_implemented() -> None:
    physx = surface.fields(gymapi.PhysXParams)
    assert physx["num_threads"].state == surface.IMPLEMENTED
    assert physx["contact_offset"].state == surface.DIFFERS
    assert {entry.state for entry in surface.fields(gymapi.VhacdParams).values()} == {surface.DIFFERS}


def test_a_sentence_that_begins_with_differs_is_a_difference() -> None:
    assert surface.difference("Do it. Differs: only\n    on Mondays.\n\nArgs: none") == (
        "only on Mondays.",
        frozenset(),
    )
    assert surface.difference("Differs for all but a, b: no effect.") == ("no effect.", frozenset({"a", "b"}))
    assert surface.difference("Do it, which differs: not.") is None
    assert surface.summary("Return the sum, 1.5 m. And more.\n\nArgs:") == "Return the sum, 1.5 m."


def test_the_command_tells_by_its_exit_code_whether_something_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good.py").write_text("from isaacgym import gymapi\ngym = gymapi.acquire_gym()\ngym.simulate(None)\n")
    assert main([str(tmp_path)]) == 0
    assert "gym.simulate: good.py:3" in capsys.readouterr().out
    (tmp_path / "bad.py").write_text("from isaacgym import gymapi\ngymapi.HeightFieldProperties()\n")
    command = [sys.executable, "-m", "isaacgym.check", str(tmp_path), "--json"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert result.returncode == 1, result.stderr
    assert json.loads(result.stdout)["names"]["gymapi.HeightFieldProperties"]["places"] == ["bad.py:2"]
    with pytest.raises(SystemExit) as stop:
        main([str(tmp_path / "nothing")])
    assert stop.value.code == 2


def test_the_table_in_the_documentation_is_that_of_the_code(tmp_path: Path) -> None:
    document = (ROOT / "docs" / "isaac_gym.md").read_text(encoding="utf-8")
    assert with_table(document) == document, "run python -m isaacgym.check --table docs/isaac_gym.md"
    copy = tmp_path / "copy.md"
    copy.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    assert main(["--table", str(copy)]) == 0
    text = copy.read_text()
    assert "| `simulate` | implemented |" in text and "\nold\n" not in text and text.startswith("before\n")
    copy.write_text("no place for a table")
    with pytest.raises(SystemExit):
        main(["--table", str(copy)])
