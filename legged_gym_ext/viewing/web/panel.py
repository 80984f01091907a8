"""The controls beside the picture: every one calls a method of the session, and what is measured is shown live."""

# pyright: reportMissingImports=false
# (viser comes with the extra 'web')

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from legged_gym_ext.envs.episode import SUFFIX, episode_bytes
from legged_gym_ext.viewing.web.measurements import Measurements, number, plain
from legged_gym_ext.viewing.web.session import PlaySession, known_blocks
from st_rl.utils.errors import UserError

log = logging.getLogger(__name__)

_COMMANDS = ("forward, m/s", "left, m/s", "turn, rad/s")
_KEYS: dict[str, tuple[str, tuple[float, float, float]]] = {
    "Faster": ("arrowup", (0.1, 0.0, 0.0)),
    "Slower": ("arrowdown", (-0.1, 0.0, 0.0)),
    "Turn left": ("arrowleft", (0.0, 0.0, 0.2)),
    "Turn right": ("arrowright", (0.0, 0.0, -0.2)),
    "Step left": ("pageup", (0.0, 0.1, 0.0)),
    "Step right": ("pagedown", (0.0, -0.1, 0.0)),
}
"""Name of a command -> its key, and what it adds to the velocity command."""
_PUSHES = {"front": (-1.0, 0.0), "behind": (1.0, 0.0), "left": (0.0, -1.0), "right": (0.0, 1.0)}
"""Side that a push comes from -> its direction, forward and left."""
_MAX_BLOCKS, _MAX_TEXT = 40, 2000
"""Obstacles of a course, and characters that name them, at most."""


class Panel:
    """The controls of a session, the same in every browser."""

    def __init__(self, server: Any, session: PlaySession) -> None:
        self._gui, self._session = server.gui, session
        self._gui.configure_theme(show_logo=False, show_share_button=False)
        self._gui.main_panel.dock_right()
        self.message = self._gui.add_markdown("")
        self._add_playback()
        self._add_command()
        if session.has_track:
            self._add_course()
        self._add_policies()
        self._add_view()
        self._measurements = Measurements(self._gui, session)

    def update(self) -> None:
        """Show what is measured now."""
        self._measurements.update()

    def _do(self, action: Callable[[], None]) -> None:
        """Take an action; what is wrong with it is said beside the picture and changes nothing."""
        try:
            action()
            self.message.content = ""
        except UserError as error:
            self.message.content = f"**{plain(str(error))}**"

    # ---------------------------------------------------------------- controls

    def _add_playback(self) -> None:
        gui, session = self._gui, self._session
        with gui.add_folder("Play"):
            self.pause = gui.add_button("Pause", hint="space")
            self.step = gui.add_button("Step", hint="one control step while paused")
            self.speed = gui.add_slider("speed", 0.1, 4.0, 0.1, 1.0, hint="1 is real time")
            self.seed = gui.add_number("seed", session.seed, min=0, max=2**31 - 1, step=1)
            self.restart = gui.add_button("Restart", hint="begin anew from the seed")
            self.go_on = gui.add_checkbox("new course at the end", True)
            self.save = gui.add_button("Save this episode", hint="lane 1, to be seen again with legged-play --replay")
        self.pause.on_click(lambda _: self._toggle())
        gui.add_command("Pause or play", hotkey="space").on_trigger(lambda _: self._toggle())
        self.step.on_click(lambda _: session.request(session.step))
        self.restart.on_click(
            lambda _: self._do(lambda: session.request(lambda: session.restart(int(number(self.seed)))))
        )
        self.speed.on_update(lambda _: session.set_speed(number(self.speed)))
        self.go_on.on_update(lambda _: self._set_go_on())
        self.save.on_click(lambda event: session.request(lambda: self._do(lambda: self._save(event.client))))

    def _toggle(self) -> None:
        self._session.playing = not self._session.playing
        self.pause.label = "Pause" if self._session.playing else "Play"

    def _save(self, client: Any) -> None:
        """Send the episode in progress to the browser that asked, as a file."""
        episode = self._session.episode()
        if client is not None:
            client.send_file_download(f"episode{SUFFIX}", episode_bytes(episode))

    def _set_go_on(self) -> None:
        self._session.restart_at_end = bool(self.go_on.value)

    def _add_command(self) -> None:
        gui, session = self._gui, self._session
        ranges = session.cfg.task.env.commands
        limits = (ranges.lin_vel_x, ranges.lin_vel_y, ranges.ang_vel_yaw)
        self.sliders: list[Any] = []
        with gui.add_folder("Command"):
            for label, value, (low, high) in zip(_COMMANDS, session.command, limits, strict=True):
                if session.has_track and label != _COMMANDS[0]:
                    continue  # on tracks the robot steers by itself
                low, high = min(low, 0.0), max(high, 0.0)
                self.sliders.append(gui.add_slider(label, low, high, 0.05, min(max(value, low), high)))
        for slider in self.sliders:
            slider.on_update(lambda _: self._command())
        for name, (key, change) in _KEYS.items():
            gui.add_command(name, hotkey=key).on_trigger(lambda _, change=change: self._nudge(change))

    def _command(self) -> None:
        values = [number(slider) for slider in self.sliders]
        vx, vy, yaw = (*values, 0.0, 0.0)[:3]
        self._session.set_command((vx, vy, yaw))

    def _nudge(self, change: tuple[float, float, float]) -> None:
        for slider, step in zip(self.sliders, change, strict=False):
            slider.value = round(min(max(number(slider) + step, slider.min), slider.max), 6)
        self._command()

    def _add_course(self) -> None:
        gui, session = self._gui, self._session
        with gui.add_folder("Course"):
            self.difficulty = gui.add_slider("difficulty", 0.0, 1.0, 0.05, session.course.difficulty)
            self.blocks = gui.add_text(
                "obstacles", " ".join(session.course.blocks), hint=f"in their order, of {', '.join(known_blocks())}"
            )
            self.build = gui.add_button("Build this course")
        self.build.on_click(lambda _: session.request(lambda: self._do(self._build)))

    def _build(self) -> None:
        names = str(self.blocks.value)[:_MAX_TEXT].replace(",", " ").split()
        self._session.set_course(number(self.difficulty), names[:_MAX_BLOCKS])

    def _add_policies(self) -> None:
        gui, session = self._gui, self._session
        names = sorted(session.cfg.policies)
        self.policies: list[Any] = []
        with gui.add_folder("Policies"):
            for index, lane in enumerate(session.lanes):
                choice = gui.add_dropdown(f"lane {index + 1}", names, initial_value=lane.name)
                choice.on_update(lambda _, index=index: session.request(lambda: self._do(lambda: self._choose(index))))
                self.policies.append(choice)

    def _choose(self, index: int) -> None:
        try:
            self._session.choose_policy(index, self.policies[index].value)
        except UserError:
            self.policies[index].value = self._session.lanes[index].name
            raise

    def _add_view(self) -> None:
        gui, session = self._gui, self._session
        with gui.add_folder("View and push"):
            self.follow = gui.add_checkbox("follow the robot", True)
            self.forces = gui.add_checkbox("contact forces", False)
            self.shadows = gui.add_checkbox("shadows", False, hint="slow in browsers without a graphics card")
            if session.cfg.worlds > 1:
                self.world = gui.add_slider("world", 0, session.cfg.worlds - 1, 1, 0)
                self.world.on_update(
                    lambda _: session.request(lambda: self._do(lambda: session.choose_world(int(number(self.world)))))
                )
            self.strength = gui.add_slider("push, m/s", 0.1, 2.0, 0.1, 0.5)
            self.push = gui.add_button_group("push from", list(_PUSHES))
        self.push.on_click(lambda event: self._push(str(event.target.value)) if event.target.value in _PUSHES else None)

    def _push(self, side: str) -> None:
        forward, left = (number(self.strength) * part for part in _PUSHES[side])
        self._session.request(lambda: self._session.push(forward, left))
