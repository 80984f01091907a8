"""The engine's own answers about boxes: rays and contacts, to compare ours with. Boxes are (K, 10), see ``blocks``."""

# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
import torch
from torch import Tensor


def world(boxes: Tensor, *, ground: bool, sphere: float | None = None) -> tuple[Any, Any]:
    """Model and data of a world of ``boxes``, on a plane or on none, with a free sphere of that radius or none."""
    geoms = ['<geom type="plane" size="0 0 1"/>'] if ground else []
    for numbers in boxes.double().tolist():
        x, y, z, qx, qy, qz, qw, *half = numbers
        if min(half) > 0.0:
            size = " ".join(map(str, half))
            geoms.append(f'<geom type="box" pos="{x} {y} {z}" quat="{qw} {qx} {qy} {qz}" size="{size}"/>')
    if sphere is not None:
        geoms.append(f'<body><freejoint/><geom type="sphere" size="{sphere}"/></body>')
    model = mujoco.MjModel.from_xml_string(f"<mujoco><worldbody>{''.join(geoms)}</worldbody></mujoco>")
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return model, data


def ray_heights(boxes: Tensor, xy: Tensor) -> Tensor:
    """(P,) m: height at which rays straight down on ``xy (P, 2)`` meet the boxes or the ground."""
    model, data = world(boxes, ground=True)
    heights = []
    for x, y in xy.double().tolist():
        start, down = np.array([x, y, 20.0]), np.array([0.0, 0.0, -1.0])
        distance = mujoco.mj_ray(model, data, start, down, None, 1, -1, np.zeros(1, np.int32), None)
        assert distance > 0.0
        heights.append(20.0 - distance)
    return torch.tensor(heights, dtype=torch.float32)


def ray_distances(boxes: Tensor, origin: Tensor, rays: Tensor) -> Tensor:
    """(R,) m from ``origin (3,)`` along ``rays (R, 3)`` to the boxes or the ground, infinite where there is nothing."""
    model, data = world(boxes, ground=True)
    unit = (rays.double() / rays.double().norm(dim=1, keepdim=True)).numpy().ravel()
    count = len(rays)
    geoms, found = np.zeros(count, np.int32), np.zeros(count)
    start = origin.double().numpy()
    mujoco.mj_multiRay(model, data, start, unit, None, 1, -1, geoms, found, None, count, 1e6)
    return torch.tensor(np.where(found < 0.0, np.inf, found), dtype=torch.float32)


def sphere_depths(boxes: Tensor, points: Tensor, radius: float) -> Tensor:
    """(P,) m: depth of the deepest contact of a sphere around each of ``points (P, 3)``, 0 without contact."""
    model, data = world(boxes, ground=False, sphere=radius)
    depths = []
    for point in points.double().tolist():
        data.qpos[:3] = point
        mujoco.mj_forward(model, data)
        depths.append(max(-data.contact.dist[: data.ncon].min(), 0.0) if data.ncon else 0.0)
    return torch.tensor(depths, dtype=torch.float32)
