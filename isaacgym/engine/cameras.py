"""Camera sensors: where they are, what they saw when ``render_all_camera_sensors`` was last called."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from isaacgym.api.enums import CameraFollowMode, ImageType
from isaacgym.api.handles import Env
from isaacgym.api.params import CameraProperties
from isaacgym.api.vectors import Quat, Transform, Vec3
from isaacgym.engine.errors import GymError
from isaacgym.engine.ground_window import CAMERA_SIZE
from isaacgym.engine.painter import Painter, View
from isaacgym.engine.simulation import Sim


@dataclass
class _Camera:
    env: int
    properties: CameraProperties
    pose: Transform = field(default_factory=Transform)
    """In the frame of the world, or of the body that it is attached to."""
    body: int = -1
    """Number in the environment of the body that it is attached to, or -1."""
    mode: CameraFollowMode = CameraFollowMode.FOLLOW_TRANSFORM
    images: dict[ImageType, torch.Tensor] = field(default_factory=dict)
    """What has been asked for, at fixed addresses."""


class Cameras:
    """All cameras of a simulation. A camera sees its own environment and the ground."""

    def __init__(self, sim: Sim) -> None:
        self._sim = sim
        self._cameras: dict[tuple[int, int], _Camera] = {}
        self._counts: dict[int, int] = {}
        self._painter: Painter | None = None

    def add(self, env: Env, properties: CameraProperties) -> int:
        """Return the number, within its environment, of a new camera."""
        if not (properties.width > 0 and properties.height > 0 and 0.0 < properties.horizontal_fov < 180.0):
            raise ValueError("a camera needs a positive size and a horizontal field of view within 0 and 180 degrees")
        number = self._counts.get(env.index, 0)
        self._counts[env.index] = number + 1
        self._cameras[env.index, number] = _Camera(env.index, properties)
        return number

    def remove(self, env: Env, number: int) -> None:
        """Forget a camera."""
        self._of(env, number)
        del self._cameras[env.index, number]

    def _of(self, env: Env, number: int) -> _Camera:
        camera = self._cameras.get((env.index, number))
        if camera is None:
            raise GymError(f"environment {env.index} has no camera {number}")
        return camera

    # ---------------------------------------------------------------- placing

    def place(self, env: Env, number: int, pose: Transform) -> None:
        """Put a camera at a pose in the environment's frame and detach it."""
        camera = self._of(env, number)
        camera.pose, camera.body = Transform(pose.p + env.origin, pose.r.normalize()), -1

    def attach(self, env: Env, number: int, body: int, pose: Transform, mode: CameraFollowMode) -> None:
        """Attach a camera to a body, by its number in the environment."""
        camera = self._of(env, number)
        count = sum(len(actor.bodies) for actor in env.actors)
        if not 0 <= body < count:
            raise IndexError(f"environment {env.index} has {count} bodies, and none has the number {body}")
        camera.body, camera.pose, camera.mode = body, Transform(pose.p, pose.r.normalize()), mode

    def pose(self, env: Env, number: int) -> Transform:
        """Return where a camera is now, world frame."""
        return self._world_pose(self._of(env, number), {})

    def _world_pose(self, camera: _Camera, states: dict[str, np.ndarray]) -> Transform:
        if camera.body < 0:
            return camera.pose
        if not states:
            states["bodies"] = self._body_rows()
        row = states["bodies"][camera.env, camera.body].tolist()
        body = Transform(Vec3(*row[0:3]), Quat(*row[3:7]))
        if camera.mode == CameraFollowMode.FOLLOW_POSITION:
            return Transform(body.p + camera.pose.p, camera.pose.r)
        return body * camera.pose

    def _body_rows(self) -> np.ndarray:
        tensors = self._sim.live.tensors
        with torch.no_grad():
            kept = tensors.bodies.clone()
            tensors.refresh_bodies()
            rows = tensors.bodies.view(tensors.num_worlds, tensors.num_bodies, 13).cpu().numpy().copy()
            tensors.bodies.copy_(kept)
        return rows

    # ---------------------------------------------------------------- pictures

    def image(self, env: Env, number: int, kind: ImageType) -> torch.Tensor:
        """Return a camera's last picture, which is taken now where none of this kind was taken before.

        Color (H, W, 4) uint8 RGBA; depth (H, W) float32, negative m; segmentation (H, W) int32.
        """
        camera = self._of(env, number)
        if kind not in camera.images:
            with torch.inference_mode(False):
                picture = torch.from_numpy(self._paint(camera, kind, {}))
                camera.images[kind] = picture.to(self._sim.live.tensors.root.device)
        return camera.images[kind]

    def render_all(self) -> None:
        """Take all pictures that have been asked for so far again."""
        states: dict[str, np.ndarray] = {}
        for camera in self._cameras.values():
            for kind, image in camera.images.items():
                image.copy_(torch.from_numpy(self._paint(camera, kind, states)))

    def _paint(self, camera: _Camera, kind: ImageType, states: dict[str, np.ndarray]) -> np.ndarray:
        properties = camera.properties
        view = View(
            pose=self._world_pose(camera, states),
            width=properties.width,
            height=properties.height,
            horizontal_fov=properties.horizontal_fov,
            near=properties.near_plane,
            far=properties.far_plane,
            collision=properties.use_collision_geometry,
        )
        painter = self.painter()
        if kind == ImageType.IMAGE_DEPTH:
            return -painter.depth(camera.env, view)
        if kind == ImageType.IMAGE_SEGMENTATION:
            return painter.segmentation(camera.env, view)
        if kind == ImageType.IMAGE_COLOR:
            rgb = painter.color([camera.env], view)
            return np.concatenate((rgb, np.full((*rgb.shape[:2], 1), 255, np.uint8)), axis=-1)
        raise NotImplementedError("IMAGE_OPTICAL_FLOW is not implemented; difference two depth images instead")

    def painter(self) -> Painter:
        """Return what draws, made when it is first needed."""
        if self._painter is None:
            self._painter = Painter(self._sim, CAMERA_SIZE)
        return self._painter

    def view_matrix(self, env: Env, number: int) -> np.ndarray:
        """Return (4, 4): row vectors of the world frame to those of the camera, which looks along -z with +y up."""
        pose = self.pose(env, number)
        forward, left, up = (pose.r.rotate(axis) for axis in (Vec3(1, 0, 0), Vec3(0, 1, 0), Vec3(0, 0, 1)))
        matrix = np.eye(4, dtype=np.float32)
        matrix[:3, 0], matrix[:3, 1], matrix[:3, 2] = (-left).values(), up.values(), (-forward).values()
        matrix[3, :3] = -np.array(pose.p.values()) @ matrix[:3, :3]
        return matrix

    def projection_matrix(self, env: Env, number: int) -> np.ndarray:
        """Return (4, 4): row vectors of the camera to clip space, with the far plane at infinity."""
        properties = self._of(env, number).properties
        across = 1.0 / np.tan(np.radians(0.5 * properties.horizontal_fov))
        matrix = np.zeros((4, 4), np.float32)
        matrix[0, 0], matrix[1, 1] = across, across * properties.width / properties.height
        matrix[2, 3], matrix[3, 2] = -1.0, properties.near_plane
        return matrix

    def close(self) -> None:
        """Free what draws."""
        if self._painter is not None:
            self._painter.close()
            self._painter = None


def cameras_of(sim: Sim) -> Cameras:
    """Return the cameras of a simulation, made when they are first needed."""
    if sim.cameras is None:
        sim.cameras = Cameras(sim)
    return sim.cameras
