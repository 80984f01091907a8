"""``EnvState``: everything a term may read, for N worlds at one control step.

Terms are free functions of it. ``LeggedEnv`` owns one. Once in a control step it calls ``begin_step`` with the actions,
then, after the physics steps, ``update_kinematics`` and ``update_contacts``, and ``update_camera`` before it observes;
at resets it calls ``clear``. It writes commands, failures and tracking scores itself. Events and curricula write where
episodes start and at which level; rewards, observations, terminations and metrics only read.
"""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym_ext.mdp.own_legs import OwnLegs
from legged_gym_ext.mdp.track_state import TrackState
from legged_gym_ext.sensors.depth_camera import DepthCamera, DepthCameraCfg
from legged_gym_ext.sim.interface import Simulator
from legged_gym_ext.terrain.height_field import HeightField
from legged_gym_ext.terrain.tracks import TrackCfg
from st_rl.utils.attributes import copies, restore_copies
from st_rl.utils.rotations import quat_rotate_inverse

CONTACT_FORCE = 1.0
"""A body is in contact when the net contact force on it exceeds this, N."""


class EnvState:
    """State of all worlds. N worlds, D = 12 joints, 4 feet in the order FL, FR, RL, RR; base frame = trunk frame."""

    def __init__(
        self,
        sim: Simulator,
        height_field: HeightField | None,
        *,
        action_scale: float,
        max_episode_length: int,
        generator: torch.Generator,
        track_cfg: TrackCfg | None = None,
        camera_cfg: DepthCameraCfg | None = None,
        gait: str = "",
    ) -> None:
        n, device = sim.num_envs, sim.device
        robot = sim.robot
        self.sim, self.robot, self.height_field = sim, robot, height_field
        self.num_envs, self.device, self.generator = n, device, generator
        self.skip_empty = device.type == "cpu"
        """Whether to look at masks and leave out work that no world needs; on a GPU looking would wait."""
        self.action_scale, self.max_episode_length = action_scale, max_episode_length
        self.control_dt = sim.cfg.dt * sim.cfg.decimation
        """Duration of a control step, s."""

        def indices(names: tuple[str, ...]) -> Tensor:
            return torch.tensor([robot.body_names.index(name) for name in names], device=device)

        def per_joint(values: list[float]) -> Tensor:
            return torch.tensor(values, device=device)

        self.foot_ids = indices(robot.foot_names)
        self.thigh_ids, self.calf_ids = indices(robot.thigh_names), indices(robot.calf_names)
        self.penalized_ids = torch.cat((indices((robot.trunk_name, *robot.hip_names)), self.thigh_ids, self.calf_ids))
        """Bodies that should not touch anything: all but the feet."""
        self.default_dof_pos = per_joint(list(robot.default_dof_pos))
        self.dof_lower, self.dof_upper = (per_joint([getter(j) for j in robot.joints]) for getter in _LIMITS)
        self.torque_limit = per_joint([joint.torque_limit for joint in robot.joints])
        self.velocity_limit = per_joint([joint.velocity_limit for joint in robot.joints])
        self.mass = sum(link.mass for link in robot.links)
        """Nominal mass of the whole robot, kg."""
        self.gait = gait
        """Name of the reference gait, in tasks that have one; else empty."""
        self.track = None if track_cfg is None else TrackState(track_cfg, sim, generator)
        """The tracks of the worlds, in tasks that have them."""
        self.camera = self._make_camera(camera_cfg, track_cfg)
        """The robots' depth cameras, in tasks that have them."""

        self._make_history(n, device)
        self._down = torch.tensor([0.0, 0.0, -1.0], device=device).expand(n, 1, 3)
        self.contact_forces = sim.contact_forces
        self.update_kinematics()

    def _make_camera(self, cfg: DepthCameraCfg | None, track: TrackCfg | None) -> DepthCamera | None:
        if cfg is None:
            return None
        turned = track is None or "slope" in track.blocks or cfg.own_legs
        made_for = (cfg, self.num_envs, self.control_dt, self.generator, self.device)
        ground = None if self.height_field is None else self.height_field.height_at
        self._own_legs = OwnLegs(self.robot, self.device) if cfg.own_legs else None
        return DepthCamera(*made_for, turned=turned, num_threads=self.sim.cfg.num_threads, height_at=ground)

    def update_camera(self) -> None:
        """Let the cameras see; to be called once per control step, after resets."""
        if self.camera is not None:
            boxes = self.sim.boxes
            if self._own_legs is not None:
                boxes = torch.cat((boxes, self._own_legs.boxes(self.sim)), dim=1)
            self.camera.update(self.base_pos, self.base_quat, boxes, self.episode_length == 0)

    def _make_history(self, n: int, device: torch.device) -> None:
        """What carries over from step to step, at the start of an episode."""
        self.actions = torch.zeros(n, self.robot.num_dof, device=device)
        """(N, D) of this step, after clipping, in units of ``action_scale`` rad."""
        self.last_actions = torch.zeros_like(self.actions)
        self.last_dof_vel = torch.zeros_like(self.actions)
        """(N, D) rad/s one control step ago."""
        self.commands = torch.zeros(n, 3, device=device)
        """(N, 3) forward and lateral velocity in m/s, yaw rate in rad/s, base frame."""
        self.episode_length = torch.zeros(n, dtype=torch.long, device=device)
        """(N,) control steps since the last reset."""
        self.steps_lived = torch.zeros_like(self.episode_length)
        """(N,) control steps since the last reset, whatever ``episode_length`` was set to."""
        self.broken_actions = torch.zeros(n, dtype=torch.bool, device=device)
        """(N,) worlds whose actions in this step were not finite."""
        self.num_broken_actions = torch.zeros((), dtype=torch.long, device=device)
        """How many such actions there have been since the start."""
        self.env_origins = torch.zeros(n, 3, device=device)
        """(N, 3) m, where the world's episode started, on the ground."""
        self.terrain_levels = torch.zeros(n, dtype=torch.long, device=device)
        self.tracking_score = torch.zeros(n, device=device)
        """(N,) how well the episode's velocity commands were followed so far, summed to at most 1 at full length."""
        self.air_time = torch.zeros(n, 4, device=device)
        """(N, 4) s that each foot has been off the ground."""
        self.contact_time = torch.zeros(n, 4, device=device)
        """(N, 4) s that each foot has been on the ground."""
        self.last_air_time = torch.zeros(n, 4, device=device)
        """(N, 4) s in the air that ended with the foot's latest touch-down."""
        self.touch_down = torch.zeros(n, 4, dtype=torch.bool, device=device)
        """(N, 4) feet that touched down in this step."""
        self.fell = torch.zeros(n, dtype=torch.bool, device=device)
        """(N,) episodes that ended in this step for a reason other than time."""
        self.contacts = torch.zeros(n, 4, dtype=torch.bool, device=device)
        """(N, 4) feet that touch something."""
        self.foot_forces = torch.zeros(n, 4, device=device)
        """(N, 4) N, magnitude of the net contact force on each foot."""

    def update_kinematics(self) -> None:
        """Recompute what follows from the simulator's state alone; to be called after a step and after a reset."""
        root = self.sim.root_states
        world = torch.cat((root[:, 7:13].view(-1, 2, 3), self._down), dim=1)
        base = quat_rotate_inverse(root[:, None, 3:7].expand(-1, 3, -1), world)
        self.base_pos, self.base_quat = root[:, 0:3], root[:, 3:7]
        self.base_lin_vel, self.base_ang_vel, self.projected_gravity = base[:, 0], base[:, 1], base[:, 2]
        """(N, 3) each, base frame: m/s, rad/s, and the unit vector of gravity."""
        self.dof_pos, self.dof_vel = self.sim.dof_pos, self.sim.dof_vel
        if self.track is not None:
            self.track.update(self.base_pos)

    def update_contacts(self) -> None:
        """Advance contact times by one control step; to be called once after each ``sim.step``."""
        self.contact_forces = self.sim.contact_forces
        """(N, B, 3) N, world frame."""
        self.foot_forces = self.contact_forces[:, self.foot_ids].norm(dim=-1)
        contacts = self.foot_forces > CONTACT_FORCE
        self.touch_down = contacts & (self.air_time > 0.0)
        torch.where(self.touch_down, self.air_time + self.control_dt, self.last_air_time, out=self.last_air_time)
        self.air_time.add_(self.control_dt).mul_(~contacts)
        self.contact_time.add_(self.control_dt).mul_(contacts)
        self.contacts = contacts

    def begin_step(self, actions: Tensor) -> None:
        """Take over the actions of a new step, (N, D); those that are not finite become zero, and are counted."""
        self.broken_actions = ~actions.isfinite().all(dim=1)
        self.num_broken_actions += self.broken_actions.sum()
        self.last_actions, self.actions = self.actions, actions.masked_fill(self.broken_actions[:, None], 0.0)
        self.last_dof_vel = self.dof_vel.clone()
        self.episode_length += 1
        self.steps_lived += 1

    @property
    def whole_episode(self) -> Tensor:
        """(N,) bool: the episode began at its beginning, not in the middle as the first ones of a training do."""
        return self.steps_lived == self.episode_length

    def clear(self, mask: Tensor) -> None:
        """Forget the history of the worlds in ``mask (N,)`` that start a new episode."""
        column = mask[:, None]
        # Filled and not multiplied by zero, which a value that is not finite would survive. Out of place where the
        # caller may still hold the action tensor that it passed in.
        self.actions = self.actions.masked_fill(column, 0.0)
        self.last_actions = self.last_actions.masked_fill(column, 0.0)
        self.last_dof_vel = self.last_dof_vel.masked_fill(column, 0.0)
        self.air_time.masked_fill_(column, 0.0)
        self.contact_time.masked_fill_(column, 0.0)
        self.last_air_time.masked_fill_(column, 0.0)
        self.touch_down = self.touch_down & ~column
        self.contacts = self.contacts & ~column
        self.episode_length.masked_fill_(mask, 0)
        self.steps_lived.masked_fill_(mask, 0)
        self.tracking_score.masked_fill_(mask, 0.0)

    def rows(self, mask: Tensor) -> Tensor | slice:
        """Return the numbers (n,) of the worlds in ``mask (N,)``, or all where the host must not look at the mask."""
        return mask.nonzero().squeeze(1) if self.skip_empty else slice(None)

    def rand(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Uniform random numbers (N, *shape) from the environment's own generator."""
        return self.draw(slice(None), *shape, low=low, high=high)

    def draw(self, rows: Tensor | slice, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Uniform random numbers (n, *shape) like those of ``rand``, for the worlds in ``rows`` alone."""
        count = self.num_envs if isinstance(rows, slice) else len(rows)
        uniform = torch.rand(count, *shape, device=self.device, generator=self.generator)
        return uniform * (high - low) + low

    def spread(self, rows: Tensor | slice, values: Tensor) -> Tensor:
        """Return ``values (n, ...)`` at the ``rows`` of a tensor (N, ...) that is zero elsewhere."""
        if isinstance(rows, slice):
            return values
        return values.new_zeros(self.num_envs, *values.shape[1:]).index_copy_(0, rows, values)

    def ground_height(self, xy: Tensor) -> Tensor:
        """Height of the ground under world points ``xy (N, ..., 2)``; (N, ...) m. Boxes are not part of the ground."""
        if self.height_field is None:
            return torch.zeros(xy.shape[:-1], device=self.device)
        return self.height_field.height_at(xy)

    def state_dict(self) -> dict[str, Tensor]:
        """The tensors that carry over from step to step."""
        own = copies(self, _HISTORY)
        if self.camera is not None:
            own |= {f"camera.{name}": value for name, value in self.camera.state_dict().items()}
        return own if self.track is None else own | self.track.state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore ``state_dict``; the simulator's state must have been restored before."""
        # What was saved before episodes were told apart began at its beginning.
        state = {"steps_lived": state["episode_length"], **state}
        restore_copies(self, _HISTORY, state)
        if self.track is not None:
            self.track.load_state_dict(state)
        if self.camera is not None:
            prefix = "camera."
            own = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
            self.camera.load_state_dict(own)
        self.update_kinematics()


_LIMITS = (lambda joint: joint.lower, lambda joint: joint.upper)
_HISTORY = (
    "actions",
    "last_actions",
    "last_dof_vel",
    "commands",
    "episode_length",
    "steps_lived",
    "env_origins",
    "terrain_levels",
    "tracking_score",
    "foot_forces",
    "fell",
    "air_time",
    "contact_time",
    "last_air_time",
    "touch_down",
    "contacts",
)
