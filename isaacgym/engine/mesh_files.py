"""Where the mesh files are that a robot's file names, and what is said about those that cannot be used."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isaacgym.engine.asset import AssetError, AssetNotFoundError, Shape, Visual
from isaacgym.engine.meshes import is_readable, read_hull, read_mesh

logger = logging.getLogger(__name__)

Y_UP_TO_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


def find_mesh(name: str, folder: Path) -> Path | None:
    """Return the file that ``name`` in a file of ``folder`` means, or None.

    A prefix such as ``package://`` or ``file://`` is dropped; the rest, and the rest without the package's name, is
    looked for in the folder and in every folder above it.
    """
    rest = name.split("://", 1)[-1]
    if Path(rest).is_absolute():
        return Path(rest) if Path(rest).is_file() else None
    without_package = Path(*Path(rest).parts[1:]) if "://" in name and len(Path(rest).parts) > 1 else None
    for base in (folder, *folder.parents):
        for candidate in (Path(rest), without_package):
            if candidate is not None and (base / candidate).is_file():
                return base / candidate
    return None


@dataclass
class MeshFiles:
    """Reads the meshes of one robot; collects what was left out, for one warning each about visuals and shapes."""

    folder: Path
    """Folder of the robot's file."""
    flip: bool = False
    """Whether visuals are turned from y-up to z-up."""
    skipped_visuals: list[str] = field(default_factory=list)
    skipped_shapes: list[str] = field(default_factory=list)

    def shape(self, name: str, scale: tuple[float, float, float], link: str) -> Shape | None:
        """Return the convex hull of a mesh as a shape at the origin, or None where the file cannot be used."""
        path = find_mesh(name, self.folder)
        if path is None or not is_readable(path):
            self.skipped_shapes.append(f"{name} of link '{link}' ({_why(path)})")
            return None
        vertices, triangles = read_hull(path, scale)
        return Shape("mesh", (), vertices=vertices, triangles=triangles, source_link=link)

    def visual(self, name: str, scale: tuple[float, float, float], link: str) -> Visual | None:
        """Return a mesh to draw at the origin, or None where the file cannot be used."""
        path = find_mesh(name, self.folder)
        if path is None or not is_readable(path):
            self.skipped_visuals.append(f"{name} ({_why(path)})")
            return None
        try:
            vertices, triangles = read_mesh(path)
        except (AssetError, AssetNotFoundError) as error:
            self.skipped_visuals.append(str(error))
            return None
        vertices = vertices * np.asarray(scale)
        if self.flip:
            vertices = vertices @ Y_UP_TO_Z_UP.T
        return Visual("mesh", (), vertices=vertices, triangles=oriented(triangles, scale), source_link=link)

    def warn(self, file: str) -> None:
        """Log one warning about the visuals and one about the collision shapes that were left out."""
        if self.skipped_visuals:
            logger.warning(
                "%s: visual meshes that are not drawn: %s", file, ", ".join(sorted(set(self.skipped_visuals)))
            )
        if self.skipped_shapes:
            logger.warning(
                "%s: collision meshes that are left out, so nothing collides there: %s",
                file,
                ", ".join(sorted(set(self.skipped_shapes))),
            )


def oriented(triangles: NDArray[np.int32], scale: tuple[float, float, float]) -> NDArray[np.int32]:
    """Return triangles whose outside is still outside after scaling: a mirrored mesh is turned inside out."""
    return triangles[:, ::-1] if np.prod(scale) < 0 else triangles


def _why(path: Path | None) -> str:
    if path is None:
        return "there is no such file"
    return f"{path.suffix} files are not read; convert it to STL or OBJ"
