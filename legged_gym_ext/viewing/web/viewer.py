"""Serves a session to browsers and keeps it going in real time."""

# pyright: reportMissingImports=false
# (viser comes with the extra 'web')

from __future__ import annotations

import contextlib
import importlib.util
import ipaddress
import os
import socket
import time
from collections.abc import Iterator
from typing import Any

from legged_gym_ext.viewing.replay import ReplaySession
from legged_gym_ext.viewing.web.session import PlaySession
from st_rl.utils.errors import UserError

FRAME_S = 0.04
"""Seconds between two pictures."""
MEASURED_S = 0.2
"""Seconds between two updates of what is measured."""
_LAG_S = 0.25
"""Play does not try to catch up on more than this."""


def require_viser() -> None:
    """Raise ``UserError`` where the viewer's library is missing."""
    if importlib.util.find_spec("viser") is None:
        raise UserError("the viewer in the browser needs viser; install it with: pip install 'legged-gym-ext[web]'")


def is_loopback(host: str) -> bool:
    """Whether ``host`` can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def require_token(host: str, token: str) -> None:
    """Raise ``UserError`` where a server on ``host`` would let everybody in."""
    if not is_loopback(host) and not token:
        raise UserError(
            f"other machines can reach {host}, and whoever opens the page controls the viewer; give --token SECRET, "
            "or leave --host out to serve this machine only"
        )
    if (token and not token.isascii()) or any(not part.isalnum() and part not in "-_" for part in token):
        raise UserError("--token may have letters, digits, '-' and '_' only")


class WebViewer:
    """Picture and controls of a session in every browser that opens the page."""

    def __init__(
        self, session: PlaySession | ReplaySession, host: str = "127.0.0.1", port: int = 8080, token: str = ""
    ) -> None:
        """Start serving; ``UserError`` where nothing can listen there, or a token is missing."""
        require_viser()
        require_token(host, token)
        import viser

        from legged_gym_ext.viewing.web.gate import Gate
        from legged_gym_ext.viewing.web.panel import Panel
        from legged_gym_ext.viewing.web.replay_panel import ReplayPanel
        from legged_gym_ext.viewing.web.scene import SessionScene

        port = port or free_port()
        _require_free(host, port)
        self._session, self._gate = session, None
        # With a token, viser itself stays on the loopback device, behind the gate.
        inner = (host, port) if not token else ("127.0.0.1", free_port())
        with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
            self.server: Any = viser.ViserServer(host=inner[0], port=inner[1], label="legged-play", verbose=False)
        if token:
            self._gate = Gate(host, port, inner[1], token)
        self.address = f"http://{host}:{port}/" + (f"?token={token}" if token else "")
        self.scene = SessionScene(self.server, session)
        self.panel: Panel | ReplayPanel = (
            ReplayPanel(self.server, session) if isinstance(session, ReplaySession) else Panel(self.server, session)
        )
        self.panel.shadows.on_update(lambda _: self.scene.set_shadows(bool(self.panel.shadows.value)))
        self.server.on_client_connect(self.scene.show_from_the_side)
        self._next_frame = self._next_measured = 0.0

    def advance(self, due: float) -> float:
        """Do what was asked for, step if a step is ``due``, and draw; returns when the next step is due, s."""
        session = self._session
        session.do_requests()
        now = time.perf_counter()
        if session.playing and now >= due:
            session.step()
            due = max(due + session.control_dt / session.speed, now - _LAG_S)
        elif not session.playing:
            due = now
        if now >= self._next_frame:
            self._next_frame = now + FRAME_S
            self.scene.update(follow=bool(self.panel.follow.value), show_forces=bool(self.panel.forces.value))
        if now >= self._next_measured:
            self._next_measured = now + MEASURED_S
            self.panel.update()
        return due

    def run(self, seconds: float | None = None) -> None:
        """Keep the session going in real time until interrupted, or for so many seconds."""
        begin = due = time.perf_counter()
        while seconds is None or time.perf_counter() < begin + seconds:
            due = self.advance(due)
            wait = (due if self._session.playing else self._next_frame) - time.perf_counter()
            time.sleep(min(max(wait, 0.001), FRAME_S))

    def close(self) -> None:
        """Stop serving."""
        if self._gate is not None:
            self._gate.close()
        self.server.stop()


@contextlib.contextmanager
def web_viewer(session: PlaySession | ReplaySession, host: str, port: int, token: str) -> Iterator[WebViewer]:
    """A ``WebViewer`` that is closed at the end."""
    viewer = WebViewer(session, host, port, token)
    try:
        yield viewer
    finally:
        viewer.close()


def _require_free(host: str, port: int) -> None:
    try:
        with socket.create_server((host, port)):
            pass
    except (OSError, OverflowError) as error:
        raise UserError(f"cannot listen on {host}:{port} ({error}); choose another --port or --host") from error


def free_port() -> int:
    """Return a port of this machine that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
