"""Draws numbers, in and out of their ranges, for every configuration class and every entry of the command line.

``LEGGED_DRAWS=2000 pytest tests/legged_gym_ext/test_numbers.py`` draws as many in all; without it there are fewer.
"""

from __future__ import annotations

import importlib
import math
import os
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Annotated, Any, Literal, get_args, get_origin

import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as st

import legged_gym_ext
import st_rl
from legged_gym_ext.envs.cfg import CurriculumTermCfg, EventTermCfg, MetricTermCfg, ObsTermCfg, TerminationTermCfg
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.mdp import curriculum, events, metrics, terminations, track_terms as tracks
from legged_gym_ext.pipeline.plan import SkillsPlan
from legged_gym_ext.robots.go1 import GO1
from legged_gym_ext.runs.command_line import parse_options, parse_task
from legged_gym_ext.runs.field_views import arguments_below
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.registry import get_task
from legged_gym_ext.tasks.skills import SKILLS
from legged_gym_ext.terrain.blocks import BLOCKS
from st_rl.utils.errors import UserError
from st_rl.utils.ranges import Bounds, Checked, checked_hints, without_ranges

DRAWS = int(os.environ.get("LEGGED_DRAWS", "280"))
"""In all; each of the tests has its part of them."""
SOME = settings(
    max_examples=max(1, DRAWS // 2),
    deadline=None,
    derandomize="LEGGED_DRAWS" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)
FEWER = settings(SOME, max_examples=max(1, DRAWS * 3 // 10))
FEWEST = settings(SOME, max_examples=max(1, DRAWS // 5))

SPECIAL = (0.0, -0.0, -1.0, 1.0, 2.0, 0.5, math.nan, math.inf, -math.inf, 1e-300, 1e-6, 1e6, 1e39, -3e38, 1e300)
WHOLE = (0, 1, -1, 2, 3, 16, 4096, 10_000, 2**31 - 1, 2**31, 2**32, 2**63, -(2**63), 10**40)
GARBAGE = ("", "x", "1e400", "0x10", "1_000", "None", "true", "--", "-", "3,5", "1 2", "\u0663", "\x00", "nan nan")


def modules(package: Any) -> Iterator[Any]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.endswith(("beside_mjlab", "__main__")) and "warp" not in found.name:
            try:
                yield importlib.import_module(found.name)
            except ModuleNotFoundError as error:
                # What an extra brings need not be there.
                assert str(error.name).partition(".")[0] not in ("legged_gym_ext", "st_rl")


def dataclasses_of_the_packages() -> set[type]:
    return {
        item
        for package in (st_rl, legged_gym_ext)
        for module in modules(package)
        for item in vars(module).values()
        if isinstance(item, type) and is_dataclass(item) and item.__module__ == module.__name__
    }


def is_checked(kind: type) -> bool:
    return issubclass(kind, Checked)


CLASSES = sorted(filter(is_checked, dataclasses_of_the_packages()), key=lambda kind: kind.__qualname__)


def examples() -> dict[type, Any]:
    """A valid instance of every class that cannot be made without arguments."""
    walk, field = get_task("go1_walk"), get_task("go1_field")
    leg = GO1.links[1]
    given_ = [
        *(walk, walk.env, walk.train, field.env.track, SKILLS["jump"], BLOCKS["jump"], GO1),
        *(GO1.joints[0], GO1.foot_mounts[0], leg, leg.collision[0]),
        *(SkillsPlan("go1", os.fspath("out")), walk.env.rewards["torque"]),  # pyright: ignore[reportArgumentType]
        ObsTermCfg(tracks.height_measurements),
        TerminationTermCfg(terminations.bad_orientation),
        EventTermCfg(events.push, "interval", (1.0, 2.0)),
        CurriculumTermCfg(curriculum.terrain_level),
        MetricTermCfg(metrics.planar_speed),
    ]
    return {type(item): item for item in given_}


EXAMPLES = examples()


def example_of(kind: type) -> Any:
    if kind in EXAMPLES:
        return EXAMPLES[kind]
    try:
        return kind()
    except TypeError:
        return None


def numeric_fields() -> list[tuple[type, str, Any]]:
    """Every class and field that is a number or several, with the type of the field."""
    found = []
    for kind in CLASSES:
        if example_of(kind) is None:
            continue
        for name, hint in checked_hints(kind).items():
            if {int, float} & set(plain_parts(without_ranges(hint))):
                found.append((kind, name, hint))
    return found


def plain_parts(hint: Any) -> list[Any]:
    if get_origin(hint) in (Literal, Callable):
        return []
    inner = [part for argument in get_args(hint) for part in plain_parts(argument)]
    return inner or [hint]


FIELDS = numeric_fields()


def edges(hint: Any) -> list[float]:
    """Numbers at and around the bounds that ``hint`` states."""
    if get_origin(hint) in (Literal, Callable):
        return []
    inner = [number for argument in get_args(hint) for number in edges(argument)]
    if get_origin(hint) is not Annotated:
        return inner
    stated = [
        limit
        for rule in hint.__metadata__
        if isinstance(rule, Bounds)
        for limit in (rule.ge, rule.gt, rule.le, rule.lt)
        if limit is not None
    ]
    return inner + [
        number for limit in stated for number in (limit, limit - 1, limit + 1, 0.999 * limit, 1.001 * limit)
    ]


def draw_number(draw: st.DataObject, hint: Any, *, whole: bool) -> float:
    near = [round(edge) if whole else edge for edge in edges(hint)] or [1]
    kinds = [st.sampled_from(WHOLE if whole else SPECIAL), st.sampled_from(near)]
    kinds.append(st.integers() if whole else st.floats())
    return draw.draw(st.one_of(*kinds))


def draw_value(draw: st.DataObject, hint: Any) -> Any:
    """A number, or as many as the type wants, not always of the right type or number."""
    plain = without_ranges(hint)
    whole = int in plain_parts(plain)
    if draw.draw(st.integers(0, 9)) == 0:
        return draw.draw(st.sampled_from([None, "text", True, (), (1.0,), {}, 1.5, [3, "x"], 2**70]))
    if any(get_origin(part) is tuple for part in (plain, *get_args(plain))):
        count = draw.draw(st.integers(0, 3))
        return tuple(draw_number(draw, hint, whole=whole) for _ in range(count))
    return draw_number(draw, hint, whole=whole)


def test_every_configuration_class_checks_its_numbers() -> None:
    names = {kind.__name__ for kind in dataclasses_of_the_packages() if not is_checked(kind)}
    assert not [name for name in names if name.endswith(("Cfg", "Options")) and not has_no_numbers(name)]
    assert len(CLASSES) > 45 and len(FIELDS) > 180


def has_no_numbers(name: str) -> bool:
    """Whether the classes called so have only texts, switches and paths."""
    kinds = [kind for kind in dataclasses_of_the_packages() if kind.__name__ == name]
    return not any({int, float} & set(plain_parts(hint)) for kind in kinds for hint in checked_hints(kind).values())


@SOME
@given(st.data())
def test_a_number_is_taken_where_it_is_in_range_and_refused_otherwise(draw: st.DataObject) -> None:
    kind, name, hint = draw.draw(st.sampled_from(FIELDS))
    value = draw_value(draw, hint)
    try:
        made = replace(example_of(kind), **{name: value})
    except UserError as error:
        assert str(error) and "\n" not in str(error)
        return
    for number in numbers_of(vars(made)[name]):
        assert math.isfinite(number) and abs(number) <= 3.4e38
    # One number with bounds lies within them.
    if get_origin(hint) is Annotated and isinstance(value, int | float):
        assert all(rule.accept(value) for rule in hint.__metadata__ if isinstance(rule, Bounds))


def numbers_of(value: Any) -> Iterator[float]:
    if isinstance(value, int | float):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from numbers_of(item)


COMMANDS = {
    "train": "TrainOptions",
    "evaluate": "EvaluateOptions",
    "record": "RecordOptions",
    "play": "PlayOptions",
    "collect": "CollectOptions",
    "benchmark": "BenchmarkOptions",
    "gpu_report": "GpuReportOptions",
    "parity": "ParityOptions",
    "train_skills": "TrainSkillsOptions",
    "make_mutex": "MakeMutexOptions",
}
TASKS = ("go1_walk", "go1_field", "a1_tilt")


def options_of(command: str) -> Any:
    return vars(importlib.import_module(f"legged_gym_ext.cli.{command}"))[COMMANDS[command]]


def draw_texts(draw: st.DataObject, hint: Any) -> list[str]:
    value = draw_value(draw, hint)
    texts = [str(item) for item in value] if isinstance(value, tuple | list) else [str(value)]
    return [draw.draw(st.sampled_from(GARBAGE))] if draw.draw(st.integers(0, 7)) == 0 else texts


@FEWER
@given(st.data())
def test_an_entry_of_the_command_line_is_taken_or_refused_in_a_sentence(draw: st.DataObject) -> None:
    options = options_of(draw.draw(st.sampled_from(sorted(COMMANDS))))
    task = draw.draw(st.sampled_from(TASKS))
    own = {item.name: checked_hints(options)[item.name] for item in fields(options)}
    takes_fields = options.__name__ in ("TrainOptions", "EvaluateOptions", "CollectOptions")
    known = [*arguments_below(get_task(task).env, "env."), *arguments_below(get_task(task).train, "train.")]
    names = sorted(own) + ([item.name for item in known] * 2 if takes_fields else [])
    name = draw.draw(st.sampled_from(names))
    arguments = [f"--{name.replace('_', '-')}", *draw_texts(draw, own.get(name, tuple[float, float]))]
    try:
        if takes_fields:
            parse_task(options, [task, *arguments])
        else:
            parse_options(options, arguments)
    except UserError as error:
        assert str(error) and "\n" not in str(error)


MOST_PIXELS = 20_000
"""An image that a CPU sees in no time."""


@FEWEST
@given(st.data())
def test_what_is_taken_can_be_simulated(draw: st.DataObject) -> None:
    task = get_task(draw.draw(st.sampled_from(TASKS)))
    task = replace(task, env=replace(task.env, num_envs=2))
    name = draw.draw(st.sampled_from([item.name for item in arguments_below(task.env, "env.")]))
    value = draw_value(draw, tuple[float, float] if draw.draw(st.booleans()) else float)
    texts = [str(item) for item in value] if isinstance(value, tuple | list) else [str(value)]
    try:
        _, changed = parse_task(options_of("train"), [task.name, f"--{name.replace('_', '-')}", *texts])
        cfg = changed.env if name == "env.num_envs" else replace(changed.env, num_envs=2)
        if cfg.camera is not None and cfg.camera.width * cfg.camera.height > MOST_PIXELS:
            return
        if name == "env.num_envs" and 1000 < cfg.num_envs < 10**7:
            return  # what a large machine can hold, and this test need not
        env = LeggedEnv(cfg, Where(num_threads=1), seed=1)
    except UserError as error:
        assert str(error) and "\n" not in str(error)
        return
    try:
        for _ in range(2):
            env.step(torch.zeros(env.num_envs, 12))
    finally:
        env.close()


@pytest.mark.parametrize("field", ["camera", "latency"])
def test_parts_that_may_be_missing_are_set_on_and_off(field: str) -> None:
    options = options_of("train")
    _, task = parse_task(options, ["go1_jump", f"--env.{field}", "on"])
    part = vars(task.env)[field]
    assert part == type(part)()
    _, task = parse_task(options, ["go1_jump", f"--env.{field}", "off"])
    assert vars(task.env)[field] is None
    name = "rate" if field == "camera" else "interval"
    values = ["10"] if field == "camera" else ["2", "6"]  # what they are by default
    _, task = parse_task(options, ["go1_jump", f"--env.{field}.{name}", *values])
    assert vars(task.env)[field] == part
