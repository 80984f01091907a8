"""A depth camera on the trunk: rays through its pixels, its rate and its latency.

N worlds, images of H x W pixels. Camera frame: x forward along the optical axis, y left, z up; row 0 is the top.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import torch
from torch import Tensor

from legged_gym_ext.kernels.available import compiled_kernels
from legged_gym_ext.sensors.depth_noise import DepthNoiseCfg, noisy
from legged_gym_ext.sensors.latency import Delays
from legged_gym_ext.sensors.raycast import HeightAt, cast_rays, cast_rays_on_cpu, cast_rays_on_surface
from st_rl.utils.attributes import copies, restore_copies
from st_rl.utils.errors import UserError
from st_rl.utils.ranges import Bounds, Checked, Pixels, RangeError, SecondsInterval
from st_rl.utils.rotations import quat_from_euler_xyz, quat_rotate

if TYPE_CHECKING:
    from legged_gym_ext.sensors.compiled_camera import CompiledCamera

Offset = Annotated[float, Bounds(ge=-10.0, le=10.0)]


_ROUNDING = 1e-4
"""s; an image of just the age of the latency has arrived in spite of rounding."""


@dataclass(frozen=True)
class DepthCameraCfg(Checked):
    """Optics, place and timing of the camera."""

    height: Pixels = 48
    width: Pixels = 64
    horizontal_fov: Annotated[float, Bounds(ge=1.0, le=170.0)] = 87.0
    """Degrees, over the width of the image."""
    near: Annotated[float, Bounds(gt=0.0, le=1000.0)] = 0.1
    """What is nearer reads this, m along the optical axis."""
    far: Annotated[float, Bounds(gt=0.0, le=1000.0)] = 3.0
    """What is farther, or not measured, reads this, m along the optical axis."""
    position: tuple[Offset, Offset, Offset] = (0.26, 0.0, 0.03)
    """m, trunk frame."""
    pitch: Annotated[float, Bounds(ge=-180.0, le=180.0)] = 15.0
    """Degrees by which it looks down."""
    position_range: Annotated[float, Bounds(ge=0.0, le=10.0)] = 0.01
    """Each coordinate of a world's camera is off by up to this, m."""
    angle_range: Annotated[float, Bounds(ge=0.0, le=180.0)] = 2.0
    """Each angle of a world's camera is off by up to this, degrees."""
    rate: Annotated[float, Bounds(ge=0.01, le=1000.0)] = 10.0
    """Images per second."""
    latency: Delays = (0.08, 0.26)
    """From the exposure to the delivery of an image, s; drawn for each world."""
    latency_interval: SecondsInterval = (2.0, 6.0)
    """Time between two draws, s."""
    noise: DepthNoiseCfg | None = field(default_factory=DepthNoiseCfg)
    """``None`` is a perfect image."""
    own_legs: bool = False
    """Whether it sees the legs of the robot that carries it, as boxes around their shapes."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.near >= self.far:
            raise RangeError("near", f"must be less than far, {self.far:g} m, not {self.near:g} m")


def pixel_rays(cfg: DepthCameraCfg, device: torch.device | str = "cpu") -> Tensor:
    """(H * W, 3) directions of the pixels in the camera frame, row by row, 1 long along the optical axis."""
    focal = 0.5 * cfg.width / math.tan(math.radians(0.5 * cfg.horizontal_fov))
    u = (torch.arange(cfg.width, device=device) + 0.5 - 0.5 * cfg.width) / focal
    v = (torch.arange(cfg.height, device=device) + 0.5 - 0.5 * cfg.height) / focal
    down, right = torch.meshgrid(v, u, indexing="ij")
    return torch.stack((torch.ones_like(down), -right, -down), dim=-1).reshape(-1, 3)


class DepthCamera:
    """The cameras of N worlds. Draws from its generator; nothing waits for the device except, on a CPU, for savings."""

    def __init__(
        self,
        cfg: DepthCameraCfg,
        num_envs: int,
        control_dt: float,
        generator: torch.Generator,
        device: torch.device | str,
        *,
        turned: bool = True,
        num_threads: int = 0,
        height_at: HeightAt | None = None,
    ) -> None:
        """``control_dt`` is the time between two updates, s.

        Args:
            turned: whether boxes may be turned.
            num_threads: on a CPU, 0 for one per core.
            height_at: the ground, where it is not flat; it is looked at every 5 cm.
        """
        self.cfg, self.num_envs, self._dt, self._turned = cfg, num_envs, control_dt, turned
        self.device, self._generator = torch.device(device), generator
        self.skip_empty = self.device.type == "cpu"
        """Look only with the cameras that take an image, for which the host must know which they are, and by compiled
        kernels if there are any."""
        self._height_at = height_at
        self._rays = pixel_rays(cfg, device)
        self._kernels = self._compile(num_threads)
        self.position, self.angles = self._rand(3), self._rand(3)
        self._place()
        if cfg.rate * control_dt > 1.0 + 1e-6:
            raise UserError(
                f"camera.rate is {cfg.rate:g} images per second, more than the {1.0 / control_dt:g} control steps; "
                "lower it to that"
            )
        # One more than between whole periods: an image is taken up to half a control step before or after its time.
        length = math.ceil(cfg.latency[1] * cfg.rate) + 2
        self.images = torch.full((length, num_envs, cfg.height, cfg.width), cfg.far, device=device)
        """(L, N, H, W) m, the last images taken, the newest first."""
        self.ages = torch.zeros(length, num_envs, device=device)
        """(L, N) s since each of them was taken."""
        self.since = torch.zeros(num_envs, device=device)
        """(N,) s since the newest image was due; it was taken in the control step nearest to that."""
        self.latency, self.clock = self._draw_latency()
        """(N,) s each; the clock counts down to the next draw of the latency."""

    def _compile(self, num_threads: int) -> CompiledCamera | None:
        """Compiled kernels, on a CPU and where there is a compiler."""
        if self.device.type != "cpu" or self._height_at is not None or not compiled_kernels():
            return None
        from legged_gym_ext.sensors.compiled_camera import CompiledCamera

        cfg = self.cfg
        optics = (self._rays, (cfg.height, cfg.width), (cfg.near, cfg.far))
        return CompiledCamera(*optics, num_threads, cfg.horizontal_fov)

    @property
    def _compiled(self) -> CompiledCamera | None:
        return self._kernels if self.skip_empty else None

    def _rand(self, *shape: int) -> Tensor:
        """Uniform in [-1, 1), (N, *shape)."""
        uniform = torch.rand(self.num_envs, *shape, generator=self._generator, device=self.device)
        return 2.0 * uniform - 1.0

    def _place(self) -> None:
        """Position (N, 3) m and angles (N, 3) rad in the trunk frame, around where they should be."""
        cfg = self.cfg
        nominal = torch.zeros(2, 3, device=self.device)
        for axis, value in enumerate(cfg.position):
            nominal[0, axis] = value
        nominal[1, 1] = math.radians(cfg.pitch)
        self.position = nominal[0] + cfg.position_range * self.position
        self.angles = nominal[1] + math.radians(cfg.angle_range) * self.angles

    def _draw_latency(self) -> tuple[Tensor, Tensor]:
        fractions = 0.5 * (self._rand(2) + 1.0)
        (low, high), (first, last) = self.cfg.latency, self.cfg.latency_interval
        return low + (high - low) * fractions[:, 0], first + (last - first) * fractions[:, 1]

    # ---------------------------------------------------------------- in every control step

    def update(self, base_pos: Tensor, base_quat: Tensor, boxes: Tensor, fresh: Tensor) -> None:
        """A control step has passed: take the images that are due.

        Args:
            base_pos: (N, 3) m.
            base_quat: (N, 4) xyzw.
            boxes: (N, K, 10) what there is to see besides the ground.
            fresh: (N,) bool, worlds that were reset, whose earlier images are of another episode.
        """
        since, period = self.since + self._dt, 1.0 / self.cfg.rate
        phase = 0.5 * (self._rand() + 1.0) * period
        due = fresh | (since > period - 0.5 * self._dt)
        if self._compiled is not None:
            self._take(self._compiled, base_pos, base_quat, boxes, fresh, due)
        else:
            self._take_with_tensors(base_pos, base_quat, boxes, fresh, due)
        older = self.ages + self._dt
        shifted = torch.cat((torch.zeros_like(older[:1]), torch.where(fresh, 0.0, older[:-1])))
        self.ages = torch.where(due, shifted, older)
        # After a reset each camera begins somewhere between two images, or all worlds would take theirs at once.
        # What is left of a period counts for the next one, so that the rate is right on average.
        self.since = torch.where(fresh, phase, torch.where(due, since - period, since))
        clock = self.clock - self._dt
        latency, interval = self._draw_latency()
        self.latency = torch.where(clock <= 0.0, latency, self.latency)
        self.clock = torch.where(clock <= 0.0, interval, clock)

    def _take(
        self, kernels: CompiledCamera, base_pos: Tensor, base_quat: Tensor, boxes: Tensor, fresh: Tensor, due: Tensor
    ) -> None:
        rows = due.nonzero().squeeze(1)
        if len(rows):
            pose = torch.cat((base_pos, base_quat), dim=1)
            taken = kernels.depth(rows, pose, self.position, self._mount(), boxes)
            kernels.measure(taken, self.cfg.noise, self._generator)
            kernels.keep(rows, fresh, taken, self.images)

    def _take_with_tensors(
        self, base_pos: Tensor, base_quat: Tensor, boxes: Tensor, fresh: Tensor, due: Tensor
    ) -> None:
        if self.skip_empty:
            rows = due.nonzero().squeeze(1)
            taken = self.images[0].clone()
            if len(rows):
                taken[rows] = self._measured(base_pos[rows], base_quat[rows], boxes[rows], rows)
        else:
            taken = self._measured(base_pos, base_quat, boxes, slice(None))
        shifted = torch.cat((taken[None], torch.where(fresh[:, None, None], taken, self.images[:-1])))
        self.images = torch.where(due[:, None, None], shifted, self.images)

    def _mount(self) -> Tensor:
        """(N, 4) xyzw of the cameras in the frames of their bases."""
        return quat_from_euler_xyz(*self.angles.unbind(-1))

    def _measured(self, base_pos: Tensor, base_quat: Tensor, boxes: Tensor, rows: Tensor | slice) -> Tensor:
        depth = self.depth(base_pos, base_quat, boxes, rows)
        cfg = self.cfg
        if cfg.noise is None:
            return depth.clamp(cfg.near, cfg.far)
        return noisy(depth, cfg.noise, self._generator, near=cfg.near, far=cfg.far)

    def depth(self, base_pos: Tensor, base_quat: Tensor, boxes: Tensor, rows: Tensor | slice = slice(None)) -> Tensor:
        """(n, H, W) m along the optical axis of the n worlds ``rows``, perfect and unclipped.

        What is beyond ``far`` may be there or not; infinite is nothing.
        """
        count = len(base_pos)
        position, mount = self.position[rows], self._mount()[rows]
        if self._compiled is not None:
            each = torch.arange(count)
            return self._compiled.depth(each, torch.cat((base_pos, base_quat), dim=1), position, mount, boxes)
        origin = base_pos + quat_rotate(base_quat, position)
        axes = torch.eye(3, device=self.device).expand(count, -1, -1)
        for quat in (mount, base_quat):
            axes = quat_rotate(quat[:, None].expand(-1, 3, -1), axes)
        # Row k of axes is where axis k of the camera points; each coordinate of the rays is contiguous.
        rays = (axes.transpose(1, 2) @ self._rays.t()).transpose(1, 2)
        if self._height_at is not None:
            on_boxes = cast_rays(origin, rays, boxes, turned=self._turned, ground=False)
            found = cast_rays_on_surface(origin, rays, self._height_at, self.cfg.far, _STRIDE).minimum(on_boxes)
        elif self.skip_empty:
            found = cast_rays_on_cpu(origin, rays, boxes, self.cfg.far)
        else:
            found = cast_rays(origin, rays, boxes, turned=self._turned)
        return found.view(count, self.cfg.height, self.cfg.width)

    def delivered(self) -> Tensor:
        """(N, 1, H, W): the newest images that have arrived, from -0.5 for ``near`` to 0.5 for ``far``."""
        cfg = self.cfg
        arrived = self._arrived()
        if self._compiled is not None:
            return self._compiled.deliver(self.images, arrived)
        index = arrived[None, :, None, None].expand(1, -1, cfg.height, cfg.width)
        image = self.images.gather(0, index).transpose(0, 1)
        return (image - cfg.near) / (cfg.far - cfg.near) - 0.5

    def delivered_age(self) -> Tensor:
        """(N, 1) s since the images that ``delivered`` shows were taken; it falls when a new one arrives."""
        return self.ages.gather(0, self._arrived()[None]).t()

    def _arrived(self) -> Tensor:
        """(N,) long: which of the last images is the newest that has arrived."""
        # Ages grow along the first dimension: as many images as are too young come before the newest that is not.
        return (self.ages < self.latency - _ROUNDING).sum(dim=0).clamp(max=len(self.images) - 1)

    # ---------------------------------------------------------------- persistence

    def state_dict(self) -> dict[str, Tensor]:
        """Everything that later images depend on, besides the generator."""
        return copies(self, _CARRIED)

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore ``state_dict``."""
        restore_copies(self, _CARRIED, state)


_STRIDE = 0.05
"""Distance along a ray between two looks at rough ground, m in depth."""
_CARRIED = ("position", "angles", "images", "ages", "since", "latency", "clock")
