"""Policies as TorchScript and ONNX files, checked against the policy they come from.

An exported policy is the mean action of ``act_inference``, the observation normalizer included. A feed-forward policy
maps ``observations (N, D)`` to ``actions (N, A)``; a recurrent one also takes and returns its hidden states, one
tensor ``(layers, N, H)`` each for a GRU and two, hidden and cell, for an LSTM: start an episode with zeros.
"""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from st_rl.utils.errors import UserError

_CHECK_STEPS = 5
_CHECK_ENVS = 3

Run = Callable[[list[Tensor]], list[Tensor]]


class ExportablePolicy(nn.Module):
    """A copy of a policy as a pure function of observation and hidden states."""

    def __init__(self, policy: nn.Module, normalizer: nn.Module | None = None) -> None:
        """``policy``: any policy class but the mutex ones, whose selection has a memory of its own."""
        super().__init__()
        if hasattr(policy, "submodules"):
            raise UserError("a mutex policy cannot be exported; export its sub-policies, or a policy distilled from it")
        # An exported policy runs on one device and in single precision, whatever the trainer used.
        self.policy: Any = copy.deepcopy(policy).cpu().float().eval()
        self.normalizer = None if normalizer is None else copy.deepcopy(normalizer).cpu().eval()
        self.num_obs = int(self.policy.num_actor_obs)
        self.memories: list[Any] = self.policy.actor_memories()
        self._states_per_memory = [2 if memory.is_lstm else 1 for memory in self.memories]
        self.eval()
        with torch.no_grad():
            # TorchScript reads every property of what it traces, and some exist only after a first act.
            self.policy.reset()
            self.policy.act(torch.zeros(1, self.num_obs))

    def forward(self, observations: Tensor, *states: Tensor) -> Any:
        """Actions ``(N, A)``; with memories ``(actions, *new states)``."""
        remaining = list(states)
        for memory, number in zip(self.memories, self._states_per_memory, strict=True):
            memory.set_flat_state(remaining[:number])
            remaining = remaining[number:]
        if self.normalizer is not None:
            observations = self.normalizer(observations)
        actions = self.policy.act_inference(observations)
        new_states = [state for memory in self.memories for state in memory.flat_state()]
        return (actions, *new_states) if new_states else actions

    def zero_states(self, batch_size: int) -> list[Tensor]:
        """The states to start an episode with, in the order of ``forward``."""
        states = []
        for memory in self.memories:
            zero = memory.zero_state(batch_size)
            states += list(zero) if memory.is_lstm else [zero]
        return states

    def input_names(self) -> list[str]:
        """Names of the inputs in an ONNX file; the outputs are ``actions`` and ``new_`` of the states' names."""
        names = ["observations"]
        for index, memory in enumerate(self.memories):
            names += [f"hidden_{index}", f"cell_{index}"] if memory.is_lstm else [f"hidden_{index}"]
        return names


def as_exportable(policy: nn.Module, normalizer: nn.Module | None = None) -> ExportablePolicy:
    """The policy as a pure function; ``UserError`` for policies that cannot be one."""
    return ExportablePolicy(policy, normalizer)


@torch.no_grad()
def export_torchscript(policy: nn.Module, path: str | Path, normalizer: nn.Module | None = None) -> float:
    """Write a TorchScript file that needs none of this library; returns the largest error of its actions.

    The file is read back, run over several steps with several worlds, and compared with the policy's own output.
    """
    exportable = as_exportable(policy, normalizer)
    example = (torch.zeros(2, exportable.num_obs), *exportable.zero_states(2))
    with _quiet():  # sizes that the tracer takes for constants are constants: a layout does not change
        traced = torch.jit.trace(exportable, example, check_trace=False)
        target = _prepare(path)
        torch.jit.save(traced, str(target))
        loaded = torch.jit.load(str(target))
    return _largest_error(exportable, lambda inputs: _as_list(loaded(*inputs)))


@torch.no_grad()
def export_onnx(policy: nn.Module, path: str | Path, normalizer: nn.Module | None = None) -> float:
    """Write an ONNX file with a free batch size; returns the largest error of its actions.

    The file is read back and compared by onnxruntime where it is installed, else by ONNX's reference evaluator.
    """
    for package in ("onnx", "onnxscript"):
        if importlib.util.find_spec(package) is None:
            raise UserError(
                f"exporting to ONNX needs the package {package}; install this library with its extra 'export'"
            )
    exportable = as_exportable(policy, normalizer)
    names = exportable.input_names()
    example = (torch.zeros(2, exportable.num_obs), *exportable.zero_states(2))
    target = _prepare(path)
    batch = torch.export.Dim("batch")
    with _quiet():
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
    return _largest_error(exportable, _onnx_runner(target, names))


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
    """Largest absolute difference of the actions over a few steps, each fed with its own hidden states."""
    generator = torch.Generator().manual_seed(0)
    ours, theirs = exportable.zero_states(_CHECK_ENVS), exportable.zero_states(_CHECK_ENVS)
    largest = 0.0
    for _ in range(_CHECK_STEPS):
        observations = torch.randn(_CHECK_ENVS, exportable.num_obs, generator=generator)
        expected, *ours = _as_list(exportable(observations, *ours))
        actions, *theirs = run([observations, *theirs])
        largest = max(largest, float((actions - expected).abs().max()))
    return largest


def _as_list(outputs: Any) -> list[Tensor]:
    return list(outputs) if isinstance(outputs, tuple | list) else [outputs]


def _prepare(path: str | Path) -> Path:
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.open("ab").close()
    except OSError as error:
        raise UserError(f"cannot write '{target}': {error.strerror}; choose another folder") from error
    return target
