"""Policies as TorchScript and ONNX files, checked against the policy they come from.

An exported policy is the mean action of ``act_inference``, the observation normalizer included. A feed-forward policy
maps ``observations (N, D)`` to ``actions (N, A)``; one with a memory also takes and returns its states, worlds in their
second dimension: start an episode with zeros. A mutex has the states of its sub-policies and its own
(``ActorCriticFieldMutex.step_states``). What the numbers mean can be written into the files as text.
"""

from __future__ import annotations

import contextlib
import copy
import errno
import importlib.util
import json
import logging
import math
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from st_rl.utils.errors import UserError

DESCRIPTION = "policy.json"
"""Extra file of a TorchScript file, beside its code, that says what its numbers mean."""
_CHECK_ENVS = 3
_CHECK_STEPS = 20
_EPISODE_STEPS = 250
"""Steps that a policy which chooses among others is checked over."""
_TOLERANCE = 1e-3
"""Largest error of an action that rounding explains."""

Run = Callable[[list[Tensor]], list[Tensor]]


class ExportablePolicy(nn.Module):
    """A copy of a policy as a pure function of observation and states."""

    def __init__(self, policy: nn.Module, normalizer: nn.Module | None = None) -> None:
        """``policy``: any policy class that says how it acts."""
        super().__init__()
        # An exported policy runs on one device and in single precision, whatever the trainer used.
        self.policy: Any = copy.deepcopy(policy).cpu().float().eval()
        self.normalizer = None if normalizer is None else copy.deepcopy(normalizer).cpu().eval()
        self.num_obs = int(self.policy.num_actor_obs)
        self._state_names = list(self.policy.step_states(1))
        self.eval()
        with torch.no_grad():
            # TorchScript reads every property of what it traces, and some exist only after a first act.
            for module in [self.policy, *self._sub_policies()]:
                module.reset()
                module.act(torch.zeros(1, module.num_actor_obs))

    def _sub_policies(self) -> list[Any]:
        return [module for name, module in self.policy.named_children() if name == "submodules" for module in module]

    def forward(self, observations: Tensor, *states: Tensor) -> Any:
        """Actions ``(N, A)``; with states ``(actions, *new states)``."""
        actions, new_states = self.policy.pure_step(self.normalized(observations), states)
        return (actions, *new_states) if new_states else actions

    def normalized(self, observations: Tensor) -> Tensor:
        """``observations (N, D)`` as the policy reads them."""
        return observations if self.normalizer is None else self.normalizer(observations)

    def zero_states(self, batch_size: int) -> list[Tensor]:
        """The states to start an episode with, in the order of ``forward``."""
        return list(self.policy.step_states(batch_size).values())

    def input_names(self) -> list[str]:
        """Names of the inputs in an ONNX file; the outputs are ``actions`` and ``new_`` of the states' names."""
        return ["observations", *self._state_names]

    def check_steps(self) -> int:
        """How many steps a file is compared over."""
        return _EPISODE_STEPS if self._sub_policies() else _CHECK_STEPS


def as_exportable(policy: nn.Module, normalizer: nn.Module | None = None) -> ExportablePolicy:
    """The policy as a pure function; ``UserError`` for policies that cannot be one."""
    return ExportablePolicy(policy, normalizer)


@torch.no_grad()
def export_torchscript(
    policy: nn.Module,
    path: str | Path,
    normalizer: nn.Module | None = None,
    description: Mapping[str, Any] | None = None,
) -> float:
    """Write a TorchScript file that needs none of this library; returns the largest error of its actions.

    The file is read back, run over several steps with several worlds, and compared with the policy's own output; it
    appears under its name only if they agree. ``description`` is its extra file ``policy.json``.
    """
    exportable = as_exportable(policy, normalizer)
    example = (torch.zeros(2, exportable.num_obs), *exportable.zero_states(2))
    extra = {} if description is None else {DESCRIPTION: json.dumps(description, indent=2)}
    with _quiet(), _written_whole(path) as target:
        # Sizes that the tracer takes for constants are constants: a layout does not change.
        traced = torch.jit.trace(exportable, example, check_trace=False)
        torch.jit.save(traced, str(target), _extra_files=extra)
        loaded = torch.jit.load(str(target))
        return _checked(_largest_error(exportable, lambda inputs: _as_list(loaded(*inputs))), path)


@torch.no_grad()
def export_onnx(
    policy: nn.Module,
    path: str | Path,
    normalizer: nn.Module | None = None,
    description: Mapping[str, Any] | None = None,
) -> float:
    """Write an ONNX file with a free batch size; returns the largest error of its actions.

    The file is read back and compared by onnxruntime where it is installed, else by ONNX's reference evaluator; it
    appears under its name only if they agree. ``description`` becomes its metadata: each entry as JSON under its name.
    """
    require_onnx()
    import onnx  # type: ignore[import-not-found]

    exportable = as_exportable(policy, normalizer)
    names = exportable.input_names()
    example = (torch.zeros(2, exportable.num_obs), *exportable.zero_states(2))
    batch = torch.export.Dim("batch")
    with _quiet(), _written_whole(path) as target:
        torch.onnx.export(
            exportable,
            example,
            str(target),
            input_names=names,
            output_names=["actions", *(f"new_{name}" for name in names[1:])],
            dynamic_shapes=({0: batch}, tuple({1: batch} for _ in names[1:])) if names[1:] else ({0: batch},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        if description is not None:
            model = onnx.load(str(target))
            onnx.helper.set_model_props(model, {name: json.dumps(value) for name, value in description.items()})
            onnx.save(model, str(target))
        return _checked(_largest_error(exportable, _onnx_runner(target, names)), path)


def require_onnx() -> None:
    """``UserError`` where a package is missing that writing ONNX needs."""
    for package in ("onnx", "onnxscript"):
        if importlib.util.find_spec(package) is None:
            raise UserError(
                f"exporting to ONNX needs the package {package}; install this library with its extra 'export'"
            )


def _checked(error: float, path: str | Path) -> float:
    if not error <= _TOLERANCE:
        raise UserError(f"'{path}' was not written: its actions would differ from the policy's by {error:.2g}")
    return error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence torch's exporters, which warn of their own deprecated calls and of packages that nobody asked for."""
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        exporter.setLevel(level)


def _onnx_runner(path: Path, names: Sequence[str]) -> Run:
    """A function that runs the file."""
    if importlib.util.find_spec("onnxruntime") is not None:
        import onnxruntime  # type: ignore[import-not-found]

        session: Any = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    else:
        from onnx.reference import ReferenceEvaluator

        session = ReferenceEvaluator(str(path))

    def run(inputs: list[Tensor]) -> list[Tensor]:
        feeds = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
        return [torch.from_numpy(np.ascontiguousarray(output)) for output in session.run(None, feeds)]

    return run


@torch.no_grad()
def _largest_error(exportable: ExportablePolicy, run: Run) -> float:
    """Largest absolute difference of the actions from those of ``act_inference`` over an episode; NaN is infinite."""
    generator = torch.Generator().manual_seed(0)
    policy, states = exportable.policy, exportable.zero_states(_CHECK_ENVS)
    examples = policy.example_observations(exportable.check_steps(), _CHECK_ENVS, generator)
    expected = []
    policy.begin_as_exported(_CHECK_ENVS)
    for observations in examples:
        expected.append(policy.act_inference(exportable.normalized(observations)))
    largest = 0.0
    for observations, own in zip(examples, expected, strict=True):
        actions, *states = run([observations, *states])
        difference = float((actions - own).abs().max())
        largest = max(largest, difference if math.isfinite(difference) else math.inf)
    return largest


def _as_list(outputs: Any) -> list[Tensor]:
    return list(outputs) if isinstance(outputs, tuple | list) else [outputs]


@contextlib.contextmanager
def _written_whole(path: str | Path) -> Iterator[Path]:
    """A temporary name beside ``path``, which gets that name if nothing goes wrong."""
    target = Path(path)
    temporary = target.with_name(f".{os.getpid()}_{target.name}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        temporary.open("ab").close()
    except OSError as error:
        raise UserError(f"cannot write '{target}': {error.strerror}; choose another folder") from error
    try:
        yield temporary
        os.replace(temporary, target)
    except (OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise UserError(f"cannot write '{target}': {reason}") from error
    finally:
        temporary.unlink(missing_ok=True)
