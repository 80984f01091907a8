"""Which shapes can meet, on a robot small enough to list its pairs by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from isaacgym.engine import meeting
from isaacgym.engine.actors import Actor, Asset
from isaacgym.engine.meeting import meeting_pairs
from isaacgym.engine.options import AssetOptions
from isaacgym.engine.urdf import load_urdf

BALL = '<collision><geometry><sphere radius="0.1"/></geometry></collision>'


def link(name: str) -> str:
    inertia = '<inertia ixx="0.01" iyy="0.01" izz="0.01" ixy="0" ixz="0" iyz="0"/>'
    return f'<link name="{name}"><inertial><mass value="1"/>{inertia}</inertial>{BALL}</link>'


def joint(parent: str, child: str, kind: str = "revolute") -> str:
    keep = ' dont_collapse="true"' if kind == "fixed" else ""
    return (
        f'<joint name="{child}" type="{kind}"{keep}><parent link="{parent}"/><child link="{child}"/>'
        '<axis xyz="0 1 0"/><limit lower="-1" upper="1" effort="1" velocity="1"/></joint>'
    )


@pytest.fixture
def leg(tmp_path: Path) -> Asset:
    """base 0 - thigh 1 - shank 2 - foot 3, which is fixed to the shank and kept."""
    names = ("base", "thigh", "shank", "foot")
    kinds = ("revolute", "revolute", "fixed")
    joints = "".join(joint(a, b, kind) for a, b, kind in zip(names, names[1:], kinds, strict=False))
    path = tmp_path / "leg.urdf"
    path.write_text(f'<robot name="leg">{"".join(map(link, names))}{joints}</robot>')
    return Asset(load_urdf(path, AssetOptions(collapse_fixed_joints=True)))


def actor(asset: Asset, group: int = 0, bits: int = 0) -> Actor:
    pos, quat = np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0])
    return Actor(asset, "leg", pos, quat, group, bits, 0, asset.bodies, asset.shapes, asset.dofs)


def test_neighbors_and_bodies_that_are_fixed_together_never_meet(leg: Asset) -> None:
    # 0-1 and 1-2 share a joint, 2-3 are one rigid part, and 3 hangs on the joint of 1-2 as well.
    assert meeting_pairs([actor(leg)]) == [(0, 2), (0, 3)]


def test_a_filter_bit_switches_collisions_of_an_actor_with_itself_off(leg: Asset) -> None:
    assert meeting_pairs([actor(leg, bits=1)]) == []


def test_all_shapes_of_two_actors_can_meet_in_one_group_alone(leg: Asset) -> None:
    both = meeting_pairs([actor(leg, bits=1), actor(leg, bits=2)])
    assert both == [(a, b) for a in range(4) for b in range(4, 8)]
    assert meeting_pairs([actor(leg, 0, 1), actor(leg, 1, 2)]) == []
    assert meeting.kinds_meet((0, -1, 0), (1, 5, 0))
