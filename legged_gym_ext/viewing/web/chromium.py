"""A headless Chromium, for pictures of pages and for tests; it comes with neither this suite nor its libraries."""

# pyright: reportMissingImports=false
# (selenium comes with the extra 'dev')

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from st_rl.utils.errors import UserError
from st_rl.utils.files import write_atomically

_PROGRAMS = ("chromium", "chromedriver")
_FLAGS = (
    "--headless=new", "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--disable-dev-shm-usage", "--force-device-scale-factor=1",
)  # fmt: skip
"""Pictures are drawn in software, so that no graphics card is needed."""


def missing_programs() -> list[str]:
    """Return what a headless browser needs and this machine lacks."""
    lacking = [name for name in _PROGRAMS if shutil.which(name) is None]
    return lacking + (["selenium"] if importlib.util.find_spec("selenium") is None else [])


@contextlib.contextmanager
def chromium(size: tuple[int, int] = (640, 520), more: Sequence[str] = (), patience: float = 120.0) -> Iterator[Any]:
    """A browser of ``size`` pixels, a selenium driver, that is closed at the end; ``UserError`` where there is none."""
    lacking = missing_programs()
    if lacking:
        raise UserError(
            f"a picture of a page needs {', '.join(lacking)} (Debian: apt-get install chromium chromium-driver; "
            "pip install selenium)"
        )
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (*_FLAGS, f"--window-size={size[0]},{size[1]}", *more):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(str(shutil.which("chromedriver")))
    # Without a lasting connection the time limit below holds for every request.
    driver: Any = webdriver.Chrome(options=options, service=service, keep_alive=False)
    driver.command_executor.client_config.timeout = patience
    driver.set_page_load_timeout(patience)
    driver.set_script_timeout(patience)
    try:
        yield driver
    finally:
        driver.quit()


def save_picture(driver: Any, path: Path, attempts: int = 6) -> None:
    """Write what the browser shows as PNG; ``UserError`` where a busy machine gives none within ``attempts``."""
    from selenium.common.exceptions import WebDriverException

    for _ in range(attempts):
        try:
            write_atomically(path, driver.get_screenshot_as_png())
            return
        except WebDriverException:
            time.sleep(1.0)
    raise UserError(f"the browser was too slow for a picture of the page, {attempts} times; try when less is going on")
