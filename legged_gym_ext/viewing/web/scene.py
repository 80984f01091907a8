"""What a browser draws: robots, obstacles and ground of a session.

To follow a robot the whole picture moves below the node ``/world``, and no camera does: cameras stay their owners'.
"""

# pyright: reportMissingImports=false
# (viser and trimesh come with the extra 'web')

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import torch
import trimesh

from legged_gym_ext.robots.base import GeomCfg, RobotCfg
from legged_gym_ext.terrain.height_field import HeightField
from legged_gym_ext.viewing.web.shown import Shown
from st_rl.utils.rotations import quat_from_euler_xyz

_WORLD = "/world"
LANE_WIDTH = 4.0
"""Distance of the lanes of a session on tracks, m."""
_GROUND, _FLOOR, _OBSTACLE = (150, 156, 160), (176, 182, 186), (216, 140, 70)
_TINTS = ((1.0, 1.0, 1.0), (0.65, 0.85, 1.0), (1.0, 0.8, 0.6), (0.75, 1.0, 0.75))
"""Factors on the colors of the robots of the first lanes, so that they can be told apart."""
_NEWTON = 0.002
"""Length of an arrow for a contact force, m per N."""
_UNIT_BOX = trimesh.creation.box(extents=(2.0, 2.0, 2.0))


def geom_mesh(geom: GeomCfg) -> trimesh.Trimesh:
    """The surface of a primitive shape, in the frame of its link."""
    if geom.type == "box":
        mesh = trimesh.creation.box(extents=[2.0 * half for half in geom.size])
    elif geom.type == "capsule":
        mesh = trimesh.creation.capsule(radius=geom.size[0], height=2.0 * geom.size[1], count=[12, 12])
        # trimesh centers capsules on the origin in some versions and stands them on it in others.
        mesh.apply_translation(-mesh.bounds.mean(axis=0))
    elif geom.type == "cylinder":
        mesh = trimesh.creation.cylinder(radius=geom.size[0], height=2.0 * geom.size[1], sections=20)
    else:
        mesh = trimesh.creation.icosphere(subdivisions=2)
        mesh.apply_scale(geom.size if geom.type == "ellipsoid" else geom.size[0])
    quat = quat_from_euler_xyz(*torch.tensor(geom.rpy, dtype=torch.float64))
    matrix = trimesh.transformations.quaternion_matrix(wxyz(quat.numpy()))
    matrix[:3, 3] = geom.pos
    mesh.apply_transform(matrix)
    return mesh


def wxyz(quat: np.ndarray) -> np.ndarray:
    """Quaternions (..., 4) in xyzw order as wxyz."""
    return np.roll(quat, 1, axis=-1)


def ground_mesh(ground: HeightField) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) in m and triangles (T, 3) of rough ground, split along the diagonals that the engine has."""
    heights = ground.heights.cpu().numpy()
    nx, ny = heights.shape
    x = ground.x_min + ground.cfg.cell * np.arange(nx)
    y = ground.y_min + ground.cfg.cell * np.arange(ny)
    vertices = np.stack((*np.meshgrid(x, y, indexing="ij"), heights), axis=-1).reshape(-1, 3)
    corner = (np.arange(nx - 1)[:, None] * ny + np.arange(ny - 1)).reshape(-1, 1)
    lower = corner + np.array([0, ny, ny + 1])
    upper = corner + np.array([0, ny + 1, 1])
    return vertices.astype(np.float32), np.concatenate((lower, upper)).astype(np.uint32)


class LaneScene:
    """Robot and obstacles of one lane, below the node ``/world/lane_<index>``."""

    def __init__(self, server: Any, session: Shown, index: int) -> None:
        self._scene, self._session, self._index = server.scene, session, index
        self._root = f"{_WORLD}/lane_{index}"
        self.offset = np.array([0.0, LANE_WIDTH * index if session.has_track else 0.0, 0.0])
        """(3,) m, where the origin of the lane's world is drawn."""
        self._scene.add_frame(self._root, position=tuple(self.offset), show_axes=False)
        self._bodies = self._add_robot(session.robot(index), _TINTS[index % len(_TINTS)])
        self._boxes: list[Any] = []
        self._drawn_boxes = torch.empty(0)
        self._forces: Any = None

    def _add_robot(self, robot: RobotCfg, tint: tuple[float, ...]) -> list[Any]:
        frames = []
        for link in robot.links:
            name = f"{self._root}/robot/{link.name}"
            frames.append(self._scene.add_frame(name, show_axes=False))
            by_color: dict[Any, list[trimesh.Trimesh]] = defaultdict(list)
            for geom in link.visual:
                by_color[geom.rgba[:3]].append(geom_mesh(geom))
            for number, (color, meshes) in enumerate(by_color.items()):
                mesh: Any = trimesh.util.concatenate(meshes)
                shade = tuple(round(255 * part * factor) for part, factor in zip(color, tint, strict=True))
                self._scene.add_mesh_simple(
                    f"{name}/{number}", np.asarray(mesh.vertices, np.float32), np.asarray(mesh.faces), color=shade
                )
        return frames

    def update(self, show_forces: bool) -> None:
        """Bring everything to where it is now."""
        session, index = self._session, self._index
        for frame, pose in zip(self._bodies, session.body_poses(index).numpy().astype(float), strict=True):
            frame.position, frame.wxyz = pose[:3], wxyz(pose[3:])
        boxes = session.boxes(index)
        if boxes.shape != self._drawn_boxes.shape or not torch.equal(boxes, self._drawn_boxes):
            self._drawn_boxes = boxes
            self._draw_boxes(boxes.numpy().astype(np.float32))
        self._draw_forces(show_forces)

    def _draw_boxes(self, boxes: np.ndarray) -> None:
        for drawn in self._boxes:
            drawn.remove()
        self._boxes = []
        there = (boxes[:, 7:10] > 0.0).all(axis=1)
        obstacle = self._session.obstacles(self._index).numpy()
        for name, color, chosen in (("floors", _FLOOR, there & ~obstacle), ("obstacles", _OBSTACLE, there & obstacle)):
            if chosen.any():
                self._boxes.append(self._add_boxes(name, color, boxes[chosen]))

    def _add_boxes(self, name: str, color: tuple[int, int, int], boxes: np.ndarray) -> Any:
        return self._scene.add_batched_meshes_simple(
            f"{self._root}/{name}",
            np.asarray(_UNIT_BOX.vertices, np.float32),
            np.asarray(_UNIT_BOX.faces, np.uint32),
            batched_wxyzs=wxyz(boxes[:, 3:7]),
            batched_positions=boxes[:, 0:3],
            batched_scales=boxes[:, 7:10],
            batched_colors=color,
            flat_shading=True,
            lod="off",
        )

    def _draw_forces(self, show: bool) -> None:
        if self._forces is not None:
            self._forces.remove()
            self._forces = None
        if not show:
            return
        forces = self._session.contact_forces(self._index).numpy()
        where = self._session.body_poses(self._index)[:, :3].numpy()
        touched = np.linalg.norm(forces, axis=1) > 1.0
        if touched.any():
            points = np.stack((where[touched], where[touched] + _NEWTON * forces[touched]), axis=1)
            self._forces = self._scene.add_arrows(
                f"{self._root}/forces", points.astype(np.float32), colors=(60, 160, 60), shaft_radius=0.008,
                head_radius=0.02, head_length=0.04,
            )  # fmt: skip

    def trunk(self) -> np.ndarray:
        """(3,) m, where the trunk of the robot is drawn."""
        return self._session.body_poses(self._index)[0, :3].numpy().astype(float) + self.offset

    def remove(self) -> None:
        """Take the lane out of the picture."""
        self._scene.remove_by_name(self._root)


class SessionScene:
    """The whole picture of a session, the same for every browser."""

    def __init__(self, server: Any, session: Shown) -> None:
        self._server, self._session = server, session
        server.scene.set_up_direction("+z")
        self.set_shadows(False)
        self._world = server.scene.add_frame(_WORLD, show_axes=False)
        self.lanes: list[LaneScene] = []
        self._made_of: list[Any] = []
        self._add_ground()
        self._rebuild()

    def _add_ground(self) -> None:
        ground = self._session.ground()
        name = f"{_WORLD}/ground"
        if ground is None:
            self._server.scene.add_grid(name, width=200.0, height=200.0, cell_size=0.5, section_size=2.0)
        else:
            vertices, faces = ground_mesh(ground)
            self._server.scene.add_mesh_simple(name, vertices, faces, color=_GROUND, flat_shading=True)

    def _rebuild(self) -> None:
        """Draw the lanes anew, as after the course was changed."""
        for lane in self.lanes:
            lane.remove()
        self.lanes = [LaneScene(self._server, self._session, index) for index in range(len(self._session.lanes))]
        self._made_of = list(self._session.lanes)

    def update(self, *, follow: bool, show_forces: bool) -> None:
        """Bring everything to where it is now; where ``follow`` is set, the first robot stays in the middle."""
        if self._made_of != list(self._session.lanes):
            self._rebuild()
        with self._server.atomic():
            for lane in self.lanes:
                lane.update(show_forces)
            if follow:
                self._world.position = tuple(-self.lanes[0].trunk())

    def set_shadows(self, on: bool) -> None:
        """Draw shadows, which browsers without a graphics card are slow at, or leave them out."""
        self._server.scene.configure_default_lights(enabled=True, cast_shadow=on)

    def show_from_the_side(self, client: Any) -> None:
        """Put the camera of a browser beside the first robot, which is in the middle."""
        client.camera.position = (-1.2, -1.7, 0.9)
        client.camera.look_at = (0.3, 0.0, 0.0)
