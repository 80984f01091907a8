"""A headless Chromium, for pictures of pages and for tests; it comes with neither this suite nor its libraries."""

# pyright: reportMissingImports=false
# (selenium comes with the extra 'dev')

from __future__ import annotations

import contextlib
import importlib.util
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

from st_rl.utils.errors import UserError

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
