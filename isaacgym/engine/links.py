"""The tree of links that a file describes, before fixed joints are collapsed. URDF and MJCF both become this."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from isaacgym.engine.asset import Dof, Shape, Visual, identity_quat, zeros3
from isaacgym.engine.inertia import MassProperties

Array = NDArray[np.float64]


@dataclass
class Link:
    """A link and the joint that holds it."""

    name: str
    joint: str = ""
    """Name of the joint to the parent; empty for the root."""
    pos: Array = field(default_factory=zeros3)
    """(3,) m, in the parent's frame with all joints at zero."""
    quat: Array = field(default_factory=identity_quat)
    """(4,) xyzw, from this frame to the parent's."""
    dofs: list[Dof] = field(default_factory=list)
    """What the joint lets move, in order; empty where it is fixed. Their ``body`` is set when the tree is flattened."""
    keep: bool = False
    """Whether the link stays a body of its own although its joint is fixed."""
    inertial: MassProperties | None = None
    """None where the file states no mass."""
    shapes: list[Shape] = field(default_factory=list)
    visuals: list[Visual] = field(default_factory=list)
    children: list[Link] = field(default_factory=list)

    def walk(self) -> Iterator[Link]:
        """Yield this link and all below it, depth first, children in their order."""
        yield self
        for child in self.children:
            yield from child.walk()
