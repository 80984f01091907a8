"""gymutil: command lines, devices, settings, line drawings, randomization, old NumPy names."""

from __future__ import annotations

import logging
import subprocess
import sys
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from isaacgym import _numpy_aliases, gymapi, gymutil


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    gymutil._warn_without_gpu.cache_clear()


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)


def parse(monkeypatch: pytest.MonkeyPatch, *words: str, **options: object) -> SimpleNamespace:
    monkeypatch.setattr(sys, "argv", ["train.py", *words])
    return gymutil.parse_arguments(**options)  # type: ignore[arg-type, return-value]


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cpu", ("cpu", 0)),
        ("cuda", ("cuda", 0)),
        ("cuda:3", ("cuda", 3)),
        ("GPU:1", ("cuda", 1)),
        ("cpu:0", ("cpu", 0)),
    ],
)
def test_devices_are_a_kind_and_a_number(text: str, expected: tuple[str, int]) -> None:
    assert gymutil.parse_device_str(text) == expected


@pytest.mark.parametrize("text", ["tpu", "cuda:x", "cuda:-1", ""])
def test_other_devices_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a device; write cpu, cuda or cuda:0"):
        gymutil.parse_device_str(text)


@pytest.mark.usefixtures("no_gpu")
def test_without_a_gpu_the_cpu_is_used_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert [gymutil.parse_device_str("cuda:0") for _ in range(3)] == [("cpu", 0)] * 3
    assert len(caplog.records) == 1 and "no CUDA device" in caplog.text


CUSTOM = [
    {"name": "--task", "type": str, "default": "go1", "help": "Name of the task."},
    {"name": "--resume", "action": "store_true", "default": False},
    {"name": "--headless", "action": "store_true", "type": bool},
    {"name": "--num_envs", "type": int},
    {"name": "--rl_device", "type": str, "default": "cuda:0"},
    {"name": "--num_threads", "type": int, "default": 8},
]


@pytest.mark.usefixtures("gpu")
def test_the_command_line_has_the_options_of_the_caller_and_what_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("--task", "a1", "--resume", "--num_envs", "32", "--sim_device", "cuda:1")
    args = parse(monkeypatch, *words, description="RL", custom_parameters=CUSTOM)
    assert (args.task, args.resume, args.headless, args.num_envs, args.rl_device) == ("a1", True, False, 32, "cuda:0")
    assert (args.sim_device, args.sim_device_type, args.compute_device_id) == ("cuda:1", "cuda", 1)
    assert (args.pipeline, args.use_gpu_pipeline, args.use_gpu) == ("gpu", True, True)
    assert (args.graphics_device_id, args.num_threads, args.subscenes, args.slices) == (0, 8, 0, 0)
    assert args.physics_engine == gymapi.SIM_PHYSX and not args.flex and args.device == "cuda"


@pytest.mark.usefixtures("no_gpu")
def test_on_a_laptop_every_device_becomes_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    args = parse(monkeypatch, custom_parameters=CUSTOM)
    assert (args.sim_device, args.sim_device_type, args.compute_device_id, args.rl_device) == ("cpu", "cpu", 0, "cpu")
    assert (args.pipeline, args.use_gpu_pipeline, args.use_gpu) == ("cpu", False, False)


@pytest.mark.usefixtures("gpu")
def test_a_cpu_pipeline_keeps_the_physics_on_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    args = parse(monkeypatch, "--pipeline", "CPU", "--subscenes", "2", "--flex", headless=True, no_graphics=True)
    assert (args.use_gpu_pipeline, args.use_gpu, args.slices) == (False, True, 2)
    assert args.physics_engine == gymapi.SIM_FLEX and not args.headless and not args.nographics


@pytest.mark.parametrize("words", [("--pipeline", "tpu"), ("--sim_device", "tpu"), ("--flex", "--physx"), ("--what",)])
def test_wrong_command_lines_end_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as stop:
        parse(monkeypatch, *words)
    assert stop.value.code == 2 and "error:" in capsys.readouterr().err


def test_a_custom_parameter_without_a_type_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="needs a name and a type"):
        parse(monkeypatch, custom_parameters=[{"name": "--x"}])


def test_settings_reach_the_parameters_of_the_simulation(caplog: pytest.LogCaptureFixture) -> None:
    params = gymapi.SimParams()
    config = {
        "dt": 0.005,
        "substeps": 1,
        "gravity": [0.0, 0.0, -9.81],
        "up_axis": 1,
        "use_gpu_pipeline": False,
        "no_camera": True,
        "physx": {
            "num_threads": 10,
            "solver_type": 1,
            "contact_collection": 1,
            "max_gpu_contact_pairs": 2**23,
            "odd": 1,
        },
        "flex": {"num_outer_iterations": 5},
    }
    with caplog.at_level(logging.DEBUG):
        gymutil.parse_sim_config(config, params)
    assert (params.dt, params.substeps, tuple(params.gravity)) == (0.005, 1, (0.0, 0.0, -9.81))
    assert params.up_axis == gymapi.UP_AXIS_Z
    assert params.physx.num_threads == 10 and params.physx.max_gpu_contact_pairs == 2**23
    assert params.physx.contact_collection == gymapi.ContactCollection.CC_LAST_SUBSTEP
    assert params.flex.num_outer_iterations == 5
    assert "no_camera" in caplog.text and "odd" in caplog.text


def test_the_up_axis_has_a_letter_or_a_number() -> None:
    params = gymapi.SimParams()
    for value, axis in (
        ("z", gymapi.UP_AXIS_Z),
        ("y", gymapi.UP_AXIS_Y),
        (0, gymapi.UP_AXIS_Y),
        (gymapi.UP_AXIS_Z, gymapi.UP_AXIS_Z),
    ):
        gymutil.parse_sim_config({"up_axis": value}, params)
        assert params.up_axis == axis
    with pytest.raises(ValueError, match="up_axis is 'x'"):
        gymutil.parse_sim_config({"up_axis": "x"}, params)


def segments(geometry: gymutil.LineGeometry) -> np.ndarray:
    points = geometry.vertices().reshape(-1, 2, 3)
    assert len(points) == geometry.num_lines() == len(geometry.colors())
    return points


def test_a_box_has_twelve_edges_of_its_sides() -> None:
    lengths = np.linalg.norm(np.diff(segments(gymutil.WireframeBoxGeometry(1, 2, 3)), axis=1), axis=-1).ravel()
    assert sorted(lengths.tolist()) == [1] * 4 + [2] * 4 + [3] * 4
    box = gymutil.WireframeBBoxGeometry([gymapi.Vec3(0, 0, 0), gymapi.Vec3(1, 2, 3)], color=(0, 1, 0))
    points = segments(box)
    assert points.min(axis=(0, 1)).tolist() == [0, 0, 0] and points.max(axis=(0, 1)).tolist() == [1, 2, 3]
    assert (box.colors() == (0, 1, 0)).all()


def test_a_sphere_is_made_of_chords_between_points_at_its_radius() -> None:
    sphere = gymutil.WireframeSphereGeometry(0.5, 4, 6, None, color=(1, 1, 0), color2=(0, 0, 1))
    points = segments(sphere)
    np.testing.assert_allclose(np.linalg.norm(points, axis=-1), 0.5, rtol=1e-6)
    assert len(points) == 4 * 6 + 3 * 6  # meridians, and parallels without the poles
    assert {tuple(color) for color in sphere.colors().tolist()} == {(1, 1, 0), (0, 0, 1)}


def test_poses_move_geometries_when_they_are_made_and_when_they_are_drawn() -> None:
    turn = gymapi.Quat.from_axis_angle(gymapi.Vec3(0, 0, 1), np.pi / 2)
    axes = gymutil.AxesGeometry(2.0, gymapi.Transform(gymapi.Vec3(1, 0, 0), turn))
    np.testing.assert_allclose(segments(axes)[0], [[1, 0, 0], [1, 2, 0]], atol=1e-6)  # the red axis points along y
    drawn = axes.instance_verts(gymapi.Transform(p=gymapi.Vec3(0, 0, 5)))
    np.testing.assert_allclose(drawn[1], (1, 2, 5), atol=1e-6)
    np.testing.assert_allclose(axes.vertices()[1], (1, 2, 0), atol=1e-6)


class Recorder:
    """A gym that remembers the lines that it should draw."""

    def __init__(self) -> None:
        self.calls: list[tuple] = []

    def add_lines(self, *call: object) -> None:
        self.calls.append(call)


def test_geometries_and_single_lines_reach_the_viewer() -> None:
    gym = Recorder()
    pose = gymapi.Transform(gymapi.Vec3(0, 0, 1), None)
    gymutil.draw_lines(gymutil.AxesGeometry(1.0), gym, "viewer", "env", pose)  # type: ignore[arg-type]
    gymutil.draw_line(gymapi.Vec3(0, 0, 0), gymapi.Vec3(1, 2, 3), gymapi.Vec3(1, 0, 0), gym, "viewer", "env")  # type: ignore[arg-type]
    (viewer, env, count, points, colors), (*_, line_count, line, color) = gym.calls
    assert (viewer, env, count) == ("viewer", "env", 3) and points.shape == (6, 3) and colors.shape == (3, 3)
    assert points[0].tolist() == [0, 0, 1]
    assert line_count == 1 and line.tolist() == [[0, 0, 0], [1, 2, 3]] and color.tolist() == [[1, 0, 0]]


def test_xml_is_indented_one_element_a_line() -> None:
    root = ElementTree.fromstring("<a><b><c/></b><d>text</d></a>")
    gymutil._indent_xml(root)
    assert ElementTree.tostring(root, encoding="unicode") == "<a>\n  <b>\n    <c />\n  </b>\n  <d>text</d>\n</a>"


def params(**more: object) -> dict:
    return {"range": [0.5, 1.5], "distribution": "uniform", "operation": "scaling"} | more


def test_samples_follow_their_distribution_and_operation() -> None:
    np.random.seed(0)  # noqa: NPY002
    uniform = gymutil.generate_random_samples(params(), 4000, 0)
    assert uniform.min() >= 0.5 and uniform.max() <= 1.5 and uniform.mean() == pytest.approx(1.0, abs=0.02)
    gaussian = gymutil.generate_random_samples(params(range=[2.0, 0.25], distribution="gaussian"), 4000, 0)
    assert gaussian.mean() == pytest.approx(2.0, abs=0.05) and gaussian.std() == pytest.approx(0.5, abs=0.05)
    log = gymutil.generate_random_samples(params(range=[0.1, 10.0], distribution="loguniform"), 4000, 0)
    assert np.median(log) == pytest.approx(1.0, abs=0.2)
    assert isinstance(gymutil.generate_random_samples(params(), 1, 0), float)


def test_schedules_grow_or_start_late() -> None:
    fixed = params(range=[3.0, 3.0])
    linear = [
        gymutil.generate_random_samples(fixed | {"schedule": "linear", "schedule_steps": 10}, 1, n) for n in (0, 5, 99)
    ]
    assert linear == pytest.approx([1.0, 2.0, 3.0])  # scaling by 1 changes nothing
    late = fixed | {"operation": "additive", "schedule": "constant", "schedule_steps": 10}
    assert [gymutil.generate_random_samples(late, 1, n) for n in (0, 9, 10)] == [0.0, 0.0, 3.0]
    assert gymutil.generate_random_samples(params(), 1, 0, extern_sample=1.25) == 1.25


def test_properties_are_randomized_from_their_original() -> None:
    joints = np.ones(4, dtype=[("damping", "f4")])
    joints["damping"] = 9.0
    gymutil.apply_random_samples(
        joints, np.full(4, 2.0, dtype=[("damping", "f4")]), "damping", params(range=[3.0, 3.0]), 0
    )
    assert joints["damping"].tolist() == [6.0] * 4
    shape = gymapi.RigidShapeProperties()
    gymutil.apply_random_samples(
        shape, {"friction": 0.5}, "friction", params(range=[0.2, 0.2], operation="additive"), 0
    )
    assert shape.friction == pytest.approx(0.7)
    sim = gymapi.SimParams()
    gravity = {"gravity": gymapi.Vec3(0, 0, -9.81)}
    gymutil.apply_random_samples(sim, gravity, "gravity", params(range=[0.5, 0.5], operation="additive"), 0)
    assert tuple(sim.gravity) == pytest.approx((0.5, 0.5, -9.31))


def test_friction_takes_as_many_values_as_there_are_buckets() -> None:
    np.random.seed(0)  # noqa: NPY002
    values = set()
    for _ in range(300):
        shape = gymapi.RigidShapeProperties()
        gymutil.apply_random_samples(shape, {"friction": 1.0}, "friction", params(num_buckets=4), 0)
        values.add(round(shape.friction, 6))
    assert values == {0.5, 0.75, 1.0, 1.25}


def test_too_many_materials_and_unknown_words_are_refused() -> None:
    config = {"actor_params": {"robot": {"rigid_shape_properties": {"friction": params(num_buckets=65_000)}}}}
    with pytest.raises(ValueError, match="65000 different materials"):
        gymutil.check_buckets(Recorder(), [], config)  # type: ignore[arg-type]
    config["actor_params"]["robot"]["rigid_shape_properties"]["friction"]["num_buckets"] = 250
    gymutil.check_buckets(Recorder(), [], config)  # type: ignore[arg-type]
    for wrong in ({"distribution": "cauchy"}, {"operation": "power"}, {"schedule": "cosine", "schedule_steps": 1}):
        with pytest.raises(ValueError, match="write "):
            gymutil.generate_random_samples(params(**wrong), 1, 0)


def test_setters_getters_and_what_follows_them_have_the_same_names() -> None:
    gym = gymapi.acquire_gym()
    setters, getters = gymutil.get_property_setter_map(gym), gymutil.get_property_getter_map(gym)
    assert set(setters) == set(getters) == set(gymutil.get_default_setter_args(gym))
    assert setters["dof_properties"] == gym.set_actor_dof_properties


def test_old_numpy_names_are_back_after_importing_the_package() -> None:
    program = (
        "import isaacgym, numpy as np; "
        "print(np.float(1), np.int(2), np.object is object, np.float_ is np.float64, np.Inf, np.bool(1), "
        "np.product([2, 3]))"
    )
    result = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert result.stdout.split() == ["1.0", "2", "True", "True", "inf", "True", "6"], result.stderr


def test_names_that_numpy_has_are_left_alone() -> None:
    before = np.bool, np.float64
    assert _numpy_aliases.restore_numpy_aliases() == [] and (np.bool, np.float64) == before
