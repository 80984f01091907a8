"""What several training processes agree on; every function is the identity in a single process."""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.distributed as dist


def active() -> bool:
    """Whether a process group of more than one process is initialised."""
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
