"""What controls ask for from other threads, done between two steps."""

from __future__ import annotations

import logging
from collections.abc import Callable
from queue import Empty, SimpleQueue

log = logging.getLogger(__name__)


class Requests:
    """Actions in the order in which they were asked for."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def request(self, action: Callable[[], None]) -> None:
        """Ask for ``action`` to be done between two steps; may be called from any thread."""
        self._waiting.put(action)

    def do_requests(self) -> None:
        """Do what was asked for since the last call; an action that fails ends nothing for the others."""
        while True:
            try:
                action = self._waiting.get_nowait()
            except Empty:
                return
            try:
                action()
            except Exception:
                # A browser can send anything; whoever else looks on must not lose the page by it.
                log.exception("a control of the viewer failed")
