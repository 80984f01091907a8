"""A viewer that is kept going beside a browser, and what a test does in the browser."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PIL import Image

from legged_gym_ext.viewing.replay import ReplaySession
from legged_gym_ext.viewing.web.chromium import missing_programs
from legged_gym_ext.viewing.web.session import PlaySession

MISSING = ", ".join([*missing_programs(), *([] if importlib.util.find_spec("viser") else ["viser"])])
"""What a test in a browser needs and this machine lacks."""
_FRAME_S = 0.3
PATIENCE_S = float(os.environ.get("LEGGED_PATIENCE_SECONDS", "120"))
"""How long a test waits for what a browser does, s: pictures are drawn in software, beside other work."""


@contextlib.contextmanager
def served(session: PlaySession | ReplaySession) -> Iterator[Any]:
    """A viewer of ``session`` that goes on in a thread of its own."""
    from legged_gym_ext.viewing.web import viewer as viewing

    # What is drawn in software is drawn seldom.
    viewing.FRAME_S = _FRAME_S
    viewer = viewing.WebViewer(session, port=viewing.free_port())
    ended = threading.Event()

    def run() -> None:
        due = time.perf_counter()
        while not ended.is_set():
            due = viewer.advance(due)
            time.sleep(0.002)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield viewer
    finally:
        ended.set()
        thread.join(timeout=30.0)
        viewer.close()
        session.close()


def until(what: Callable[[], Any], why: str) -> Any:
    """Wait until ``what`` returns something, and return that."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with contextlib.suppress(Exception):
            found = what()
            if found:
                return found
        time.sleep(0.1)
    raise AssertionError(f"{why}, within {PATIENCE_S:.0f} s")


def picture(driver: Any) -> np.ndarray:
    """(H, W, 3) uint8, what the browser shows."""
    data = until(driver.get_screenshot_as_png, "the browser makes no picture")
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def complaints(driver: Any) -> list[str]:
    """What the page has logged as errors; not that an image was replaced by the next one before it was decoded."""
    errors = [line["message"] for line in driver.get_log("browser") if line["level"] == "SEVERE"]
    return [text for text in errors if not (text.startswith("blob:") and "ERR_FILE_NOT_FOUND" in text)]


def find(driver: Any, path: str) -> Any:
    """The element at an XPath."""
    return until(lambda: driver.find_element("xpath", path), f"there is no {path}")


def click(driver: Any, text: str) -> None:
    """Press the button that says ``text``."""
    driver.execute_script("arguments[0].click()", find(driver, f"//button[normalize-space(.)='{text}']"))


def type_in(driver: Any, handle: Any, text: str) -> None:
    """Write into a text or number field, or the field beside a slider."""
    from selenium.webdriver.common.keys import Keys

    own, shown = handle._impl.uuid, "input[not(@type='hidden')]"
    beside = f"//*[@id='{own}']/following-sibling::*//{shown}"
    labeled = f"//label[@for='{own}']/ancestor::*[3]//{shown}"
    field = find(driver, f"//input[@id='{own}'] | {beside} | {labeled}")
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(text, Keys.TAB)
