"""What callers use beside the ``Gym`` object: command lines, devices, settings from files, line drawings."""

from __future__ import annotations

import logging
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from xml.etree.ElementTree import Element

import torch

from isaacgym.api.enums import ContactCollection, SimType, UpAxis
from isaacgym.api.fields import Closed
from isaacgym.api.params import FlexParams, PhysXParams, SimParams
from isaacgym.api.vectors import Vec3
from isaacgym.lines import (
    AxesGeometry as AxesGeometry,
    LineGeometry as LineGeometry,
    WireframeBBoxGeometry as WireframeBBoxGeometry,
    WireframeBoxGeometry as WireframeBoxGeometry,
    WireframeSphereGeometry as WireframeSphereGeometry,
    draw_line as draw_line,
    draw_lines as draw_lines,
)
from isaacgym.randomization import (
    apply_random_samples as apply_random_samples,
    check_buckets as check_buckets,
    generate_random_samples as generate_random_samples,
    get_default_setter_args as get_default_setter_args,
    get_property_getter_map as get_property_getter_map,
    get_property_setter_map as get_property_setter_map,
)

logger = logging.getLogger(__name__)

# ------------------------------------------------------------------------------------------------------- devices


@cache
def _warn_without_gpu(device: str) -> None:
    """Say once that a device is replaced by the CPU."""
    logger.warning("there is no CUDA device, so the CPU is used in place of '%s'", device)


def parse_device_str(device_str: str) -> tuple[str, int]:
    """Return the kind of a device, ``cpu`` or ``cuda``, and its number: ``cuda:1`` is ``("cuda", 1)``.

    ``gpu`` means ``cuda``; a number may be left out. Without a CUDA device the CPU is returned, with one warning, so
    that scripts whose default is a GPU run. Raises ``ValueError`` for anything else.
    """
    kind, _, number = str(device_str).strip().lower().partition(":")
    if kind not in ("cpu", "cuda", "gpu") or (number and not number.isdecimal()):
        raise ValueError(f"'{device_str}' is not a device; write cpu, cuda or cuda:0")
    if kind == "cpu":
        return "cpu", 0
    if not torch.cuda.is_available():
        _warn_without_gpu(str(device_str))
        return "cpu", 0
    return "cuda", int(number or 0)


# -------------------------------------------------------------------------------------------------- command lines


def parse_arguments(
    description: str = "Isaac Gym",
    headless: bool = False,
    no_graphics: bool = False,
    custom_parameters: Sequence[Mapping[str, Any]] = (),
) -> Namespace:
    """Return the parsed command line: the options below and those of the caller.

    ``headless`` and ``no_graphics`` add the options ``--headless`` and ``--nographics``. An entry of
    ``custom_parameters`` has a ``name`` (with its dashes) and what ``ArgumentParser.add_argument`` takes: ``type``,
    ``action``, ``default``, ``help``, ``choices``, ``nargs``; one that is called as an option below replaces it.

    The result also has ``sim_device_type`` and ``compute_device_id`` (the two parts of ``sim_device``), ``device`` (the
    former, unless the caller has an option of that name), ``use_gpu``, ``use_gpu_pipeline`` and ``physics_engine``.
    Without a CUDA device, every device that names one becomes the CPU, those of the caller's options whose name ends in
    ``device`` included.
    """
    parser = ArgumentParser(description=description, conflict_handler="resolve")
    if headless:
        parser.add_argument("--headless", action="store_true", help="Run without a window.")
    if no_graphics:
        parser.add_argument("--nographics", action="store_true", help="Render nothing, not even camera images.")
    parser.add_argument("--sim_device", default="cuda:0", help="Device of the physics: cpu, cuda or cuda:0.")
    parser.add_argument("--pipeline", default="gpu", help="Where tensors are: cpu or gpu.")
    parser.add_argument("--graphics_device_id", type=int, default=0, help="Number of the device that renders.")
    engine = parser.add_mutually_exclusive_group()
    engine.add_argument("--flex", action="store_true", help="Ask for FleX, which is not simulated.")
    engine.add_argument("--physx", action="store_true", help="Ask for PhysX, the default, which MuJoCo stands in for.")
    parser.add_argument("--num_threads", type=int, default=0, help="Threads of the CPU pipeline; 0: all cores.")
    parser.add_argument("--subscenes", type=int, default=0, help="Kept from PhysX, without effect.")
    parser.add_argument("--slices", type=int, help="Number of client threads that process environments.")
    for parameter in custom_parameters:
        _add(parser, parameter)
    args = parser.parse_args()
    try:
        return _completed(args, [str(parameter["name"]) for parameter in custom_parameters])
    except ValueError as error:
        parser.error(str(error))


def _add(parser: ArgumentParser, parameter: Mapping[str, Any]) -> None:
    settings = {key: value for key, value in parameter.items() if key != "name"}
    if "name" not in parameter or not ({"type", "action", "default"} & set(settings)):
        raise ValueError(f"a custom parameter needs a name and a type, an action or a default; this one is {parameter}")
    if "action" in settings:
        settings.pop("type", None)  # flags take no value; callers give both
    parser.add_argument(str(parameter["name"]), **settings)


def _completed(args: Namespace, custom: Sequence[str]) -> Namespace:
    """Add what follows from the options to a parsed command line."""
    values = args.__dict__
    for name in custom:
        key = name.lstrip("-").replace("-", "_")
        if key.endswith("device") and str(values.get(key)).startswith("cuda") and not torch.cuda.is_available():
            values[key], _ = parse_device_str(values[key])
    args.sim_device_type, args.compute_device_id = parse_device_str(args.sim_device)
    if args.sim_device_type == "cpu":
        args.sim_device = "cpu"
    pipeline = str(args.pipeline).lower()
    if pipeline not in ("cpu", "gpu", "cuda"):
        raise ValueError(f"'{args.pipeline}' is not a pipeline; write cpu or gpu")
    args.use_gpu_pipeline = pipeline != "cpu" and args.sim_device_type == "cuda"
    if pipeline != "cpu" and not args.use_gpu_pipeline:
        logger.info("tensors are on the CPU, as the physics is")
        args.pipeline = "cpu"
    args.physics_engine = SimType.SIM_FLEX if args.flex else SimType.SIM_PHYSX
    args.use_gpu = args.sim_device_type == "cuda"
    values.setdefault("device", args.sim_device_type)
    if args.slices is None:
        args.slices = args.subscenes
    return args


# ------------------------------------------------------------------------------------------------ settings of a sim


def parse_sim_config(config: Mapping[str, Any], sim_params: SimParams) -> None:
    """Set the fields of ``sim_params`` that a nested mapping names; names that it does not have are ignored.

    ``gravity`` is a list of three, ``up_axis`` 0 or ``y``, 1 or ``z``; ``physx`` and ``flex`` are mappings.
    """
    for name, value in config.items():
        if name == "physx":
            _set_known(sim_params.physx, value)
        elif name == "flex":
            _set_known(sim_params.flex, value)
        elif name == "gravity":
            sim_params.gravity = value if isinstance(value, Vec3) else Vec3(*value)
        elif name == "up_axis":
            sim_params.up_axis = _up_axis(value)
        else:
            _set_known(sim_params, {name: value})


def _set_known(target: Closed, values: Mapping[str, Any]) -> None:
    """Set the fields of a structure that it has; say at debug level which it has not."""
    known = _fields(type(target))
    for name, value in values.items():
        if name not in known:
            logger.debug("%s has no field '%s', which is ignored", type(target).__name__, name)
        elif name == "contact_collection":
            setattr(target, name, ContactCollection(int(value)))
        else:
            setattr(target, name, value)


def _fields(kind: type[Closed]) -> set[str]:
    """Return the names of the fields of a structure, apart from those that are structures themselves."""
    nested = {"physx", "flex", "gravity", "up_axis"} if kind is SimParams else set()
    assert kind in (SimParams, PhysXParams, FlexParams)
    return {name for name in vars(kind) if not name.startswith("_")} - nested


def _up_axis(value: Any) -> UpAxis:
    names = {"y": UpAxis.UP_AXIS_Y, "z": UpAxis.UP_AXIS_Z}
    if str(value).lower() in names:
        return names[str(value).lower()]
    try:
        return UpAxis(int(value))
    except (TypeError, ValueError):
        raise ValueError(f"up_axis is {value!r}; write 0 or y, 1 or z") from None


# ------------------------------------------------------------------------------------------------------------ XML


def _indent_xml(elem: Element, level: int = 0) -> None:
    """Put line breaks and two blanks a level into an XML tree, so that it is written one element a line."""
    gap = "\n" + "  " * level
    children = list(elem)
    if children and not (elem.text or "").strip():
        elem.text = gap + "  "
    for child in children:
        _indent_xml(child, level + 1)
        child.tail = gap + ("" if child is children[-1] else "  ")
