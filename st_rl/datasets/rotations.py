"""Interpolation of rotations given as unit quaternions, xyzw."""

from __future__ import annotations

import torch


def slerp(start: torch.Tensor, end: torch.Tensor, blend: torch.Tensor) -> torch.Tensor:
    """Spherical linear interpolation (Shoemake 1985, section 3.3) along the shorter arc.

    ``start`` and ``end`` are unit quaternions ``(..., 4)``, ``blend (...)`` is 0 at the start and 1 at the end;
    returns unit quaternions ``(..., 4)``.
    """
    cosine = (start * end).sum(-1)
    # q and -q are the same rotation; the one nearer to the start is the shorter way.
    end = torch.where(cosine.unsqueeze(-1) < 0.0, -end, end)
    # The angle from the chord, which stays exact for nearly equal quaternions where the cosine does not.
    angle = 2.0 * torch.atan2((end - start).norm(dim=-1), (end + start).norm(dim=-1))
    sine = torch.sin(angle)
    near = sine.abs() < 1e-6
    safe = torch.where(near, 1.0, sine)
    weight_start = torch.where(near, 1.0 - blend, torch.sin((1.0 - blend) * angle) / safe)
    weight_end = torch.where(near, blend, torch.sin(blend * angle) / safe)
    mixed = weight_start.unsqueeze(-1) * start + weight_end.unsqueeze(-1) * end
    return mixed / mixed.norm(dim=-1, keepdim=True)
