"""The controls of a recorded episode: time, and what is measured at it."""

# pyright: reportMissingImports=false
# (viser comes with the extra 'web')

from __future__ import annotations

from typing import Any

from legged_gym_ext.viewing.replay import ReplaySession, describe
from legged_gym_ext.viewing.web.measurements import Measurements, number, plain


class ReplayPanel:
    """The controls of a recorded episode, the same in every browser."""

    def __init__(self, server: Any, session: ReplaySession) -> None:
        self._session = session
        gui = server.gui
        gui.configure_theme(show_logo=False, show_share_button=False)
        gui.main_panel.dock_right()
        gui.add_markdown(plain(describe(session.cfg)))
        with gui.add_folder("Replay"):
            self.pause = gui.add_button("Pause", hint="space")
            self.moment = gui.add_slider("step", 1, max(session.last + 1, 2), 1, 1, hint="control steps of the file")
            self.back = gui.add_button("Step back", hint="one control step")
            self.step = gui.add_button("Step", hint="one control step")
            self.speed = gui.add_slider("speed", 0.1, 4.0, 0.1, 1.0, hint="1 is real time")
            self.follow = gui.add_checkbox("follow the robot", True)
            self.forces = gui.add_checkbox("contact forces", False)
            self.shadows = gui.add_checkbox("shadows", False, hint="slow in browsers without a graphics card")
        self._measurements = Measurements(gui, session)
        self.pause.on_click(lambda _: session.request(self._toggle))
        gui.add_command("Pause or play", hotkey="space").on_trigger(lambda _: session.request(self._toggle))
        self.moment.on_update(self._seek)
        self.back.on_click(lambda _: session.request(lambda: self._move(-1)))
        self.step.on_click(lambda _: session.request(lambda: self._move(1)))
        self.speed.on_update(lambda _: session.set_speed(number(self.speed)))

    def _toggle(self) -> None:
        session = self._session
        if not session.playing and session.index == session.last:
            session.seek(0)
        session.playing = not session.playing

    def _seek(self, event: Any) -> None:
        if event.client is None:
            return  # the slider follows what is shown
        index = int(number(self.moment)) - 1
        self._session.request(lambda: self._session.seek(index))

    def _move(self, steps: int) -> None:
        self._session.playing = False
        self._session.seek(self._session.index + steps)

    def update(self) -> None:
        """Show where it is, and what is measured there."""
        session = self._session
        label = "Pause" if session.playing else "Play"
        if self.pause.label != label:
            self.pause.label = label
        if self.moment.value != session.index + 1:
            self.moment.value = session.index + 1
        self._measurements.update()
