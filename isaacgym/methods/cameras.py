"""Camera sensors."""

from __future__ import annotations

import numpy as np

from isaacgym.api.enums import CameraFollowMode, ImageType
from isaacgym.api.handles import Env, Tensor
from isaacgym.api.params import CameraProperties
from isaacgym.api.vectors import Transform, Vec3
from isaacgym.engine.cameras import cameras_of
from isaacgym.engine.png import write_png
from isaacgym.engine.simulation import Sim
from isaacgym.engine.viewer import look_at


class CameraMethods:
    """See the module. A camera looks along its +x axis with +z up and sees its own environment and the ground."""

    def create_camera_sensor(self, env: Env, properties: CameraProperties) -> int:
        """Return the handle of a new camera, its number in the environment."""
        return cameras_of(env.sim).add(env, properties)

    def destroy_camera_sensor(self, sim: Sim, env: Env, camera: int) -> None:
        """Remove a camera."""
        cameras_of(sim).remove(env, camera)

    def set_camera_location(self, camera: int, env: Env, position: Vec3, target: Vec3) -> None:
        """Put a camera at a position, looking at a target, m, in the environment's frame; it is detached."""
        cameras_of(env.sim).place(env, camera, look_at(position, target))

    def set_camera_transform(self, camera: int, env: Env, pose: Transform) -> None:
        """Put a camera at a pose in the environment's frame; it is detached."""
        cameras_of(env.sim).place(env, camera, pose)

    def attach_camera_to_body(
        self, camera: int, env: Env, body: int, pose: Transform, mode: CameraFollowMode | int
    ) -> None:
        """Attach a camera to a body, by its number in the environment, at a pose in the body's frame.

        ``FOLLOW_TRANSFORM`` turns with the body; ``FOLLOW_POSITION`` keeps its own rotation.
        """
        cameras_of(env.sim).attach(env, camera, int(body), pose, CameraFollowMode(mode))

    def get_camera_transform(self, sim: Sim, env: Env, camera: int) -> Transform:
        """Return where a camera is, in the environment's frame."""
        pose = cameras_of(sim).pose(env, camera)
        return Transform(pose.p - env.origin, pose.r)

    def get_camera_view_matrix(self, sim: Sim, env: Env, camera: int) -> np.ndarray:
        """Return (4, 4) that turns row vectors of the world frame into those of the camera (looking along -z)."""
        return cameras_of(sim).view_matrix(env, camera)

    def get_camera_proj_matrix(self, sim: Sim, env: Env, camera: int) -> np.ndarray:
        """Return (4, 4) that turns row vectors of the camera into clip space."""
        return cameras_of(sim).projection_matrix(env, camera)

    def render_all_camera_sensors(self, sim: Sim) -> None:
        """Take the pictures of all cameras."""
        cameras_of(sim).render_all()

    def get_camera_image(self, sim: Sim, env: Env, camera: int, kind: ImageType | int) -> np.ndarray:
        """Return a camera's last picture.

        Color: (H, 4 W) uint8, RGBA; depth: (H, W) float32, negative m, -inf where there is nothing; segmentation:
        (H, W) int32.
        """
        image = cameras_of(sim).image(env, camera, ImageType(kind)).cpu().numpy().copy()
        return image.reshape(image.shape[0], -1)

    def get_camera_image_gpu_tensor(self, sim: Sim, env: Env, camera: int, kind: ImageType | int) -> Tensor:
        """Return a handle of a camera's picture, which ``render_all_camera_sensors`` fills again.

        Color is (H, W, 4) uint8, RGBA; the others are as in ``get_camera_image``.
        """
        return Tensor(cameras_of(sim).image(env, camera, ImageType(kind)))

    def start_access_image_tensors(self, sim: Sim) -> None:
        """Announce that image tensors will be read."""

    def end_access_image_tensors(self, sim: Sim) -> None:
        """Announce that image tensors will no longer be read."""

    def write_camera_image_to_file(self, sim: Sim, env: Env, camera: int, kind: ImageType | int, path: str) -> None:
        """Write a camera's color picture as a PNG file."""
        if kind != ImageType.IMAGE_COLOR:
            raise NotImplementedError("only color images are written to files; save others with numpy.save")
        write_png(path, cameras_of(sim).image(env, camera, ImageType.IMAGE_COLOR).cpu().numpy())
