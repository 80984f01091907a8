"""Domain randomization of properties, as tasks in the style of IsaacGymEnvs drive it from their configuration.

A property is randomized by a mapping with ``range`` (two numbers, or two lists), ``distribution`` (``uniform``,
``loguniform`` or ``gaussian``, whose range is mean and variance), ``operation`` (``scaling`` or ``additive``) and
optionally ``schedule`` (``linear``: grows over ``schedule_steps`` steps; ``constant``: starts after them) and
``num_buckets`` (friction and restitution take that many different values, as PhysX allows only so many materials).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from isaacgym.gym import Gym

Parameters = Mapping[str, Any]

MOST_MATERIALS = 64_000
"""Materials that PhysX has room for; kept as the bound that callers' configurations are checked against."""
BUCKETED = ("friction", "restitution")


def get_property_setter_map(gym: Gym) -> dict[str, Callable[..., Any]]:
    """Return the method of ``gym`` that sets each kind of properties."""
    return {
        "dof_properties": gym.set_actor_dof_properties,
        "tendon_properties": gym.set_actor_tendon_properties,
        "rigid_body_properties": gym.set_actor_rigid_body_properties,
        "rigid_shape_properties": gym.set_actor_rigid_shape_properties,
        "sim_params": gym.set_sim_params,
    }


def get_property_getter_map(gym: Gym) -> dict[str, Callable[..., Any]]:
    """Return the method of ``gym`` that returns each kind of properties."""
    return {
        "dof_properties": gym.get_actor_dof_properties,
        "tendon_properties": gym.get_actor_tendon_properties,
        "rigid_body_properties": gym.get_actor_rigid_body_properties,
        "rigid_shape_properties": gym.get_actor_rigid_shape_properties,
        "sim_params": gym.get_sim_params,
    }


def get_default_setter_args(gym: Gym) -> dict[str, list[Any]]:
    """Return what follows the properties in a call of each setter: bodies recompute their inertia with their mass."""
    return {
        "dof_properties": [],
        "tendon_properties": [],
        "rigid_body_properties": [True],
        "rigid_shape_properties": [],
        "sim_params": [],
    }


def _strength(parameters: Parameters, step: int) -> float:
    """Return how much of the randomization its schedule allows after ``step`` steps, 0 to 1."""
    kind = parameters.get("schedule")
    if kind is None:
        return 1.0
    steps = parameters["schedule_steps"]
    if kind == "linear":
        return min(step, steps) / steps
    if kind == "constant":
        return 0.0 if step < steps else 1.0
    raise ValueError(f"'{kind}' is not a schedule; write linear or constant")


def _neutral(parameters: Parameters) -> float:
    """Return the sample that changes nothing."""
    operation = parameters.get("operation")
    if operation not in ("scaling", "additive"):
        raise ValueError(f"'{operation}' is not an operation; write scaling or additive")
    return 1.0 if operation == "scaling" else 0.0


def generate_random_samples(
    attr_randomization_params: Parameters,
    shape: Any,
    curr_gym_step_count: int,
    extern_sample: Any = None,
) -> Any:
    """Return an array of a shape (an int: a vector of that length; 1: a number) of random samples.

    ``extern_sample`` takes their place where it is given; the schedule draws either toward what changes nothing.
    """
    parameters = attr_randomization_params
    strength, neutral = _strength(parameters, curr_gym_step_count), _neutral(parameters)
    if extern_sample is not None:
        sample = np.asarray(extern_sample)
    else:
        sample = _drawn(parameters, None if shape in (1, (1,)) else shape)
    result = neutral + strength * (sample - neutral)
    return result if np.ndim(result) else float(result)


def _drawn(parameters: Parameters, shape: Any) -> Any:
    kind, (low, high) = parameters.get("distribution"), parameters["range"]
    low, high = (np.asarray(end, dtype=np.float64) if isinstance(end, list | tuple) else end for end in (low, high))
    if kind == "gaussian":
        return np.random.normal(low, np.sqrt(high), shape)  # noqa: NPY002 (callers seed this one)
    if kind == "uniform":
        return np.random.uniform(low, high, shape)  # noqa: NPY002
    if kind == "loguniform":
        return np.exp(np.random.uniform(np.log(low), np.log(high), shape))  # noqa: NPY002
    raise ValueError(f"'{kind}' is not a distribution; write uniform, loguniform or gaussian")


def _combined(parameters: Parameters, original: Any, sample: Any) -> Any:
    return original * sample if _neutral(parameters) == 1.0 else original + sample


def apply_random_samples(
    prop: Any,
    og_prop: Any,
    attr: str,
    attr_randomization_params: Parameters,
    curr_gym_step_count: int,
    extern_sample: Any = None,
) -> None:
    """Randomize one attribute of a property in place, starting from what it was in ``og_prop``.

    ``prop`` is the structured array of joints (all are randomized), or a structure, whose original is a mapping of
    attributes. Three components of a vector (gravity, a center of mass) get a sample each.
    """
    parameters = attr_randomization_params
    if isinstance(prop, np.ndarray):
        sample = generate_random_samples(parameters, prop[attr].shape, curr_gym_step_count, extern_sample)
        prop[attr] = _combined(parameters, og_prop[attr], sample)
        return
    original = og_prop[attr]
    if hasattr(original, "x"):
        samples = np.broadcast_to(generate_random_samples(parameters, 3, curr_gym_step_count, extern_sample), 3)
        values = [_combined(parameters, value, s) for value, s in zip(tuple(original), samples, strict=True)]
        setattr(prop, attr, type(original)(*values))
        return
    sample = generate_random_samples(parameters, 1, curr_gym_step_count, extern_sample)
    if attr in BUCKETED and "num_buckets" in parameters and extern_sample is None:
        sample = _bucketed(parameters, sample)
    setattr(prop, attr, _combined(parameters, original, sample))


def _bucketed(parameters: Parameters, sample: float) -> float:
    """Return the lower edge of the bucket that a sample falls into."""
    low, high = parameters["range"]
    if parameters.get("distribution") == "gaussian":
        low, high = low - 2 * np.sqrt(high), low + 2 * np.sqrt(high)
    edges = np.linspace(low, high, int(parameters["num_buckets"]) + 1)[:-1]
    return float(edges[max(int(np.searchsorted(edges, sample, side="right")) - 1, 0)])


def check_buckets(gym: Gym, envs: Any, dr_params: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` where a configuration asks for more different materials than PhysX has room for.

    Shapes that randomize friction or restitution need buckets; all that are asked for are multiplied and added up.
    """
    total = 0
    for actor, properties in dr_params.get("actor_params", {}).items():
        shapes = properties.get("rigid_shape_properties", {})
        asked = [parameters for attr, parameters in shapes.items() if attr in BUCKETED]
        if not asked:
            continue
        counts = [int(parameters.get("num_buckets", 0)) for parameters in asked]
        if any(count > 0 for count in counts):
            total += int(np.prod([max(count, 1) for count in counts]))
        else:
            handle = gym.find_actor_handle(envs[0], actor)
            total += gym.get_actor_rigid_shape_count(envs[0], handle) * len(envs)
    if total > MOST_MATERIALS:
        raise ValueError(
            f"the randomization asks for {total} different materials, and there is room for {MOST_MATERIALS}; "
            "set num_buckets of friction and restitution"
        )
