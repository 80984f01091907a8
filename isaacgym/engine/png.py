"""Writes images as PNG files (ISO/IEC 15948), with nothing but zlib."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

_COLOR_TYPES = {1: 0, 3: 2, 4: 6}


def write_png(path: str | Path, image: np.ndarray) -> None:
    """Write ``image`` (H, W) or (H, W, 1, 3 or 4), uint8.

    Raises:
        ValueError: for another shape or element type.
    """
    pixels = image[..., None] if image.ndim == 2 else image
    if pixels.ndim != 3 or pixels.shape[2] not in _COLOR_TYPES or pixels.dtype != np.uint8:
        raise ValueError(f"a PNG needs uint8 pixels of 1, 3 or 4 channels, not {image.dtype} of shape {image.shape}")
    height, width, channels = pixels.shape
    # Each row begins with the number of its filter, 0: none.
    rows = np.zeros((height, 1 + width * channels), np.uint8)
    rows[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOR_TYPES[channels], 0, 0, 0)
    data = zlib.compress(rows.tobytes(), 3)
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b""))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
