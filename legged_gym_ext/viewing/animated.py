"""Films as animated pictures (GIF), small enough for a page or TensorBoard."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
from PIL import Image

from st_rl.utils.files import write_atomically

_WIDTH = 320
"""Pixels."""
_RATE = 6.25
"""Pictures per second."""
_COLORS = 96


class AnimatedPicture:
    """Makes an animated picture of the images that pass; written where nothing went wrong."""

    def __init__(self, path: Path, rate: float, *, width: int = _WIDTH, pictures_per_second: float = _RATE) -> None:
        """``rate``: images per second that pass, of which about ``pictures_per_second`` are kept, ``width`` wide."""
        self._path, self._width = path, width
        self._every = max(1, round(rate / pictures_per_second))
        self._duration = round(1000.0 * self._every / rate)
        self._kept: list[Image.Image] = []

    def passing(self, images: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield ``images (height, width, 3)`` uint8 as they come."""
        for index, image in enumerate(images):
            if index % self._every == 0:
                size = (self._width, round(image.shape[0] * self._width / image.shape[1]))
                small = Image.fromarray(image).resize(size, Image.Resampling.LANCZOS)
                self._kept.append(small.quantize(_COLORS, dither=Image.Dither.NONE))
            yield image

    def __enter__(self) -> AnimatedPicture:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None or not self._kept:
            return
        packed = io.BytesIO()
        first, *others = self._kept
        first.save(packed, "GIF", save_all=True, append_images=others, duration=self._duration, loop=0, optimize=True)
        write_atomically(self._path, packed.getvalue())
