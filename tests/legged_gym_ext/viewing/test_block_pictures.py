"""Pictures of blocks: what is in them, and that the page which shows them is complete."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from legged_gym_ext.cli.block_pictures import main
from legged_gym_ext.sim.interface import SceneCfg, SimCfg
from legged_gym_ext.sim.mujoco.gl import find_gl_library
from legged_gym_ext.sim.mujoco.model import WorldRenderer
from legged_gym_ext.terrain.blocks import BLOCKS
from legged_gym_ext.viewing.block_pictures import (
    DIFFICULTIES,
    PICTURED,
    block_scene,
    block_track,
    write_png,
)
from st_rl.utils.errors import UserError
from st_rl.utils.rotations import quat_rotate

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_every_type_but_flat_is_pictured_and_in_the_docs() -> None:
    assert set(PICTURED) == set(BLOCKS) - {"flat"}
    page = (DOCS / "reference" / "obstacles.md").read_text()
    for name in BLOCKS:
        assert f"| `{name}` |" in page
    for name in PICTURED:
        assert f"(../images/blocks/{name}.png)" in page
        assert (DOCS / "images" / "blocks" / f"{name}.png").is_file()
    assert sum(path.stat().st_size for path in (DOCS / "images" / "blocks").iterdir()) < 1.5e6


@pytest.mark.parametrize("name", PICTURED)
def test_tracks_go_from_easy_to_hard(name: str) -> None:
    _, tracks = block_track(name)
    easy, hard = BLOCKS[name].parameter
    expected = torch.tensor([easy + (hard - easy) * difficulty for difficulty in DIFFICULTIES])
    torch.testing.assert_close(tracks.parameter[:, 0], expected)
    if name != "leap":
        assert tracks.start[:, 0].unique().numel() == 1  # only the parameter differs


def test_the_robot_stands_before_the_obstacle() -> None:
    sim, tracks = block_scene("leap", "a1")
    before = tracks.start[:, 0] - sim.root_states[:, 0]
    torch.testing.assert_close(before, torch.full((3,), 0.6))
    torch.testing.assert_close(
        sim.root_states[:, 2] - tracks.floor_height[:, 0], torch.full((3,), sim.robot.base_height)
    )
    assert sim.solid.all() and torch.equal(sim.boxes, tracks.boxes)
    sim.close()


def test_turned_boxes_are_drawn_turned() -> None:
    cfg, tracks = block_track("slope")
    sim, _ = block_scene("slope", "go1")
    boxes = tracks.boxes[2]
    renderer = WorldRenderer(sim.robot, SimCfg(), SceneCfg(num_boxes=len(boxes)), None)
    renderer.pose(renderer.data.qpos.copy(), boxes, torch.ones(len(boxes), dtype=torch.bool))
    drawn = [renderer.data.geom(f"box{index}").xmat.reshape(3, 3) for index in range(len(boxes))]
    axes = quat_rotate(boxes[:, None, 3:7].expand(-1, 3, -1), torch.eye(3).expand(len(boxes), -1, -1))
    np.testing.assert_allclose(np.stack(drawn), axes.transpose(1, 2).numpy(), atol=1e-6)
    assert cfg.blocks == ("slope",) and abs(float(axes[-1, 0, 2])) > 0.4
    sim.close()


def test_a_png_holds_the_image(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    path = tmp_path / "new" / "image.png"
    write_png(path, image)
    write_png(path, image)  # anew
    assert path.read_bytes().startswith(b"\x89PNG")
    np.testing.assert_array_equal(np.array(Image.open(path)), image)


def test_a_png_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"image\.png"):
        write_png(tmp_path / "file" / "image.png", np.zeros((2, 2, 3), dtype=np.uint8))


@pytest.mark.skipif(find_gl_library() is None, reason="needs EGL or OSMesa")
def test_the_script_draws_three_different_pictures(tmp_path: Path) -> None:
    assert main(["--out", str(tmp_path), "--blocks", "hurdle", "--robot", "a1"]) == 0
    sheet = np.array(Image.open(tmp_path / "hurdle.png"))
    assert sheet.shape == (240, 960, 3)
    easy, middle, hard = np.split(sheet.astype(int), 3, axis=1)
    assert np.abs(easy - middle).mean() > 1.0 and np.abs(middle - hard).mean() > 1.0
