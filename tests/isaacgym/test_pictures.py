"""Cameras and the viewer, drawn without a display."""

from __future__ import annotations

import math
import zlib
from pathlib import Path

import numpy as np
import pytest
from gym_worlds import GYM, World, add_env, add_plane, make_sim, options

from isaacgym import gymapi, gymtorch
from isaacgym.engine.gl import find_gl_library

pytestmark = pytest.mark.skipif(find_gl_library() is None, reason="no OpenGL library")


def _camera(width: int = 64, height: int = 48, fov: float = 90.0) -> gymapi.CameraProperties:
    properties = gymapi.CameraProperties()
    properties.width, properties.height, properties.horizontal_fov = width, height, fov
    properties.enable_tensors = True
    return properties


def _box_ahead() -> World:
    """A red box of 1 m, its near face at x = 1.5, above the ground; segmentation id 7."""
    world = World(make_sim(gravity=0.0))
    add_plane(world.sim)
    box = GYM.create_box(world.sim, 1.0, 1.0, 1.0, options())
    env = GYM.create_env(world.sim, gymapi.Vec3(), gymapi.Vec3(), 1)
    world.envs.append(env)
    GYM.create_actor(env, box, gymapi.Transform(gymapi.Vec3(2.0, 0.0, 1.0)), "box", 0, 0, 7)
    GYM.set_rigid_body_color(env, 0, 0, gymapi.MESH_VISUAL, gymapi.Vec3(1.0, 0.0, 0.0))
    return world


def test_depth_is_negative_meters_along_the_optical_axis() -> None:
    world = _box_ahead()
    camera = GYM.create_camera_sensor(world.envs[0], _camera())
    world.prepare()
    GYM.set_camera_location(camera, world.envs[0], gymapi.Vec3(0.5, 0.0, 1.0), gymapi.Vec3(2.0, 0.0, 1.0))
    depth = GYM.get_camera_image(world.sim, world.envs[0], camera, gymapi.IMAGE_DEPTH)
    assert depth.shape == (48, 64) and depth.dtype == np.float32
    # The face is 1 m away and seen under 53 degrees: half of a picture that is 2 m wide at that distance.
    assert depth[24, 32] == pytest.approx(-1.0, abs=1e-3)
    assert np.isclose(depth[24], -1.0, atol=1e-3).sum() == 32
    assert np.isneginf(depth[0, 0])
    # The ground, 1 m below: a ray of row r looks down by (r + 0.5 - 24) / 32 for each meter ahead.
    assert depth[47, 2] == pytest.approx(-32.0 / 23.5, rel=5e-3)


def test_color_and_segmentation_show_the_body() -> None:
    world = _box_ahead()
    camera = GYM.create_camera_sensor(world.envs[0], _camera())
    world.prepare()
    GYM.set_camera_location(camera, world.envs[0], gymapi.Vec3(0.5, 0.0, 1.0), gymapi.Vec3(2.0, 0.0, 1.0))
    color = GYM.get_camera_image(world.sim, world.envs[0], camera, gymapi.IMAGE_COLOR)
    assert color.shape == (48, 4 * 64) and color.dtype == np.uint8
    red, green, blue, alpha = color.reshape(48, 64, 4)[24, 32]
    assert red > 60 and green < 20 and blue < 20 and alpha == 255
    ids = GYM.get_camera_image(world.sim, world.envs[0], camera, gymapi.IMAGE_SEGMENTATION)
    assert ids[24, 32] == 7 and ids[47, 2] == 0 and ids[0, 0] == 0
    with pytest.raises(NotImplementedError, match="OPTICAL_FLOW"):
        GYM.get_camera_image(world.sim, world.envs[0], camera, gymapi.IMAGE_OPTICAL_FLOW)


def test_an_attached_camera_follows_its_body_and_its_tensor_stays_where_it_is() -> None:
    world = _box_ahead()
    camera = GYM.create_camera_sensor(world.envs[0], _camera(32, 32))
    down = gymapi.Transform(gymapi.Vec3(0, 0, -0.5), gymapi.Quat.from_euler_zyx(0.0, math.pi / 2, 0.0))
    GYM.attach_camera_to_body(camera, world.envs[0], 0, down, gymapi.FOLLOW_TRANSFORM)
    world.prepare()
    handle = GYM.get_camera_image_gpu_tensor(world.sim, world.envs[0], camera, gymapi.IMAGE_DEPTH)
    image = gymtorch.wrap_tensor(handle)
    assert image[16, 16].item() == pytest.approx(-0.5, abs=1e-3)
    world.root[0, 0, 2] = 2.0
    world.set_root(0)
    assert image[16, 16].item() == pytest.approx(-0.5, abs=1e-3)
    GYM.step_graphics(world.sim)
    GYM.render_all_camera_sensors(world.sim)
    GYM.start_access_image_tensors(world.sim)
    assert image[16, 16].item() == pytest.approx(-1.5, abs=1e-3)
    GYM.end_access_image_tensors(world.sim)
    pose = GYM.get_camera_transform(world.sim, world.envs[0], camera)
    assert pose.p.z == pytest.approx(1.5)
    view, projection = (
        get(world.sim, world.envs[0], camera) for get in (GYM.get_camera_view_matrix, GYM.get_camera_proj_matrix)
    )
    # A point straight below is on the camera's axis, at negative z; it is projected to the middle.
    seen = np.array([2.0, 0.0, 0.0, 1.0]) @ view
    assert seen[:3].tolist() == pytest.approx([0.0, 0.0, -1.5], abs=1e-5)
    clip = seen @ projection
    assert (clip[:2] / clip[3]).tolist() == pytest.approx([0.0, 0.0], abs=1e-5)


def test_a_large_height_field_is_seen_where_the_camera_is() -> None:
    world = World(make_sim(gravity=0.0))
    params = gymapi.HeightFieldParams()
    params.nbColumns, params.nbRows = 700, 400
    params.column_scale = params.row_scale = 0.1
    params.vertical_scale = 0.01
    params.transform.p = gymapi.Vec3(-10.0, -20.0, 0.0)
    x = np.arange(700)[:, None] * 0.1 - 10.0
    samples = np.broadcast_to(np.round(x * 10.0), (700, 400)).astype(np.int16)
    GYM.add_heightfield(world.sim, samples.flatten(), params)
    add_env(world, GYM.create_sphere(world.sim, 0.1, options()), z=20.0)
    camera = GYM.create_camera_sensor(world.envs[0], _camera(32, 32, 20.0))
    world.prepare()
    for at in (-5.0, 40.0):
        # The ground rises by 0.1 m a meter, so its height at x is 0.1 x.
        pose = gymapi.Transform(gymapi.Vec3(at, 3.0, 9.0), gymapi.Quat.from_euler_zyx(0.0, math.pi / 2, 0.0))
        GYM.set_camera_transform(camera, world.envs[0], pose)
        GYM.get_camera_image(world.sim, world.envs[0], camera, gymapi.IMAGE_DEPTH)
        GYM.render_all_camera_sensors(world.sim)
        depth = GYM.get_camera_image(world.sim, world.envs[0], camera, gymapi.IMAGE_DEPTH)
        assert depth[15:17, 15:17].mean() == pytest.approx(-(9.0 - 0.1 * at), abs=0.02)


def test_the_viewer_without_a_display_writes_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    world = _box_ahead()
    world.prepare()
    viewer = GYM.create_viewer(world.sim, _camera(80, 60))
    GYM.subscribe_viewer_keyboard_event(viewer, gymapi.KEY_V, "toggle")
    assert not GYM.query_viewer_has_closed(viewer)
    GYM.viewer_camera_look_at(viewer, None, gymapi.Vec3(0.0, 0.0, 1.0), gymapi.Vec3(2.0, 0.0, 1.0))
    pose = GYM.get_viewer_camera_transform(viewer, None)
    assert pose.r.rotate(gymapi.Vec3(1, 0, 0)).x == pytest.approx(1.0)
    GYM.step_graphics(world.sim)
    GYM.draw_viewer(viewer, world.sim, True)
    first = viewer.frame()
    assert first.shape == (60, 80, 3) and first[30, 40, 0] > 60 > first[30, 40, 1]
    GYM.add_lines(viewer, world.envs[0], 1, [1.4, -0.3, 1.0, 1.4, 0.3, 1.0], [0.0, 1.0, 0.0])
    assert viewer.frame()[28:33, 40, 1].max() > 100
    GYM.clear_lines(viewer)
    assert np.array_equal(viewer.frame(), first)
    viewer.press(gymapi.KEY_V)
    assert [(event.action, event.value) for event in GYM.query_viewer_action_events(viewer)] == [
        ("toggle", 1.0),
        ("toggle", 0.0),
    ]
    assert GYM.query_viewer_action_events(viewer) == []
    path = tmp_path / "frames" / "0.png"
    GYM.write_viewer_image_to_file(viewer, str(path))
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG") and int.from_bytes(data[16:20], "big") == 80
    start = data.index(b"IDAT") + 4
    rows = np.frombuffer(zlib.decompressobj().decompress(data[start:]), np.uint8).reshape(60, 1 + 240)
    assert np.array_equal(rows[:, 1:].reshape(60, 80, 3), first)
    GYM.destroy_viewer(viewer)
    assert GYM.query_viewer_has_closed(viewer)
