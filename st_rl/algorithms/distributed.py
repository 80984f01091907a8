"""What several training processes agree on; every function is the identity in a single process."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from st_rl.utils.errors import UserError

T = TypeVar("T")


def launched() -> int:
    """How many processes ``torchrun`` has started together; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


@contextlib.contextmanager
def process_group(device: torch.device | str = "cpu") -> Iterator[torch.device]:
    """Join the group of the processes that ``torchrun`` has started together, and leave it at the end.

    They talk by gloo on the CPU and by nccl on GPUs, where each process takes the GPU of its local rank. Yields the
    device of this process; a process that was started alone keeps ``device``, and nothing happens.
    """
    device = torch.device(device)
    if launched() == 1:
        yield device
        return
    on_gpu = device.type == "cuda"
    if on_gpu:
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield device
    finally:
        dist.destroy_process_group()


def processes_here() -> int:
    """How many of the processes that train together run on this machine, and share its cores."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1")) if active() else 1


def from_first(function: Callable[[], T]) -> T:
    """Call ``function`` in process 0 alone and give every process its result.

    Raises:
        UserError: as in process 0; the others leave silently with exit code 2, so that it is said once.
    """
    if not active():
        return function()
    answer: list[Any] = [None, True]
    error: UserError | None = None
    if rank() == 0:
        try:
            answer[0] = function()
        except UserError as caught:
            error, answer[1] = caught, False
    dist.broadcast_object_list(answer, src=0)
    if error is not None:
        raise error
    if not answer[1]:
        raise SystemExit(2)
    return answer[0]


def share(total: int) -> int:
    """The equal part of ``total`` worlds that each process simulates; ``UserError`` where they do not divide."""
    if total % world_size():
        raise UserError(f"{total} worlds cannot be divided among {world_size()} processes; set num_envs to a multiple")
    return total // world_size()


def active() -> bool:
    """Whether a process group of more than one process is initialized."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def rank() -> int:
    """This process's number; 0 in a single process."""
    return dist.get_rank() if active() else 0


def world_size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if active() else 1


def mean(tensor: torch.Tensor) -> torch.Tensor:
    """Average of ``tensor`` over the processes, equal weights; the argument is left as it is."""
    if not active():
        return tensor
    total = tensor.detach().clone()
    dist.all_reduce(total)
    return total / dist.get_world_size()


def average_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Replace every gradient by its average over the processes, in one message.

    A parameter without a gradient counts as zero, so that processes whose losses reach different
    parameters still exchange the same number of values.
    """
    if not active():
        return
    parameters = list(parameters)
    flat = torch.cat([torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten() for p in parameters])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for parameter, piece in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
        if parameter.grad is None:
            parameter.grad = piece.view_as(parameter).clone()
        else:
            parameter.grad.copy_(piece.view_as(parameter))


def broadcast_module(module: torch.nn.Module) -> None:
    """Give every process the parameters and buffers of process 0."""
    if not active():
        return
    for tensor in module.state_dict().values():
        dist.broadcast(tensor, src=0)


def gather_rows(rows: torch.Tensor) -> torch.Tensor:
    """Rows ``(B, ...)`` of every process, concatenated in the order of their ranks; B must agree."""
    if not active():
        return rows
    pieces = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
    dist.all_gather(pieces, rows.contiguous())
    return torch.cat(pieces)


def standardize(values: torch.Tensor, eps: float = 1e-8) -> torch.Tensor:
    """``values`` shifted and scaled to zero mean and unit (unbiased) standard deviation over all processes."""
    if not active():
        return (values - values.mean()) / (values.std() + eps)
    count = values.numel() * dist.get_world_size()
    average = mean(values.mean())
    variance = mean((values - average).square().sum()) * dist.get_world_size() / (count - 1)
    return (values - average) / (variance.sqrt() + eps)


def any_process(flag: bool, device: torch.device | str = "cpu") -> bool:
    """Whether ``flag`` is set in at least one process; all of them must ask."""
    if not active():
        return flag
    vote = torch.tensor(int(flag), device=device)
    dist.all_reduce(vote, op=dist.ReduceOp.MAX)
    return bool(vote.item())


def barrier() -> None:
    """Wait until every process has come here."""
    if active():
        dist.barrier()
