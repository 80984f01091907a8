"""Leaving a long loop in good order when the process is asked to end."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from types import FrameType, TracebackType

logger = logging.getLogger(__name__)


_ENDING = [signal.SIGINT, signal.SIGTERM]
if sys.platform != "win32":
    _ENDING.append(signal.SIGHUP)


class GracefulStop:
    """Within this context the first SIGINT, SIGTERM or SIGHUP only sets ``requested``; a second one ends the process.

    A SIGHUP that is ignored, as under ``nohup``, stays ignored.

    Outside the main thread signals cannot be caught, and nothing happens.
    """

    def __init__(self) -> None:
        self.requested: signal.Signals | None = None
        self._previous: dict[signal.Signals, object] = {}

    def __enter__(self) -> GracefulStop:
        if threading.current_thread() is threading.main_thread():
            for number in _ENDING:
                if signal.getsignal(number) is signal.SIG_IGN and number != signal.SIGINT:
                    continue
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._previous = {}

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested is not None:
            raise KeyboardInterrupt
        self.requested = signal.Signals(number)
        logger.info("%s: finishing this iteration, then saving; once more to leave at once", self.requested.name)
