"""Named arrays in one file: a JSON header and raw numbers, so that reading runs nothing from the file.

Layout: 8 bytes of magic, the header's length as 8 bytes (little endian), the header in UTF-8, the arrays one after
the other in C order. Whatever a header claims is checked against the file's size before any memory is used.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from st_rl.utils.errors import UserError
from st_rl.utils.files import write_atomically

MAGIC = b"STRLARR1"
MAX_HEADER = 1 << 20
MAX_DIMS = 8
DTYPES = ("float32", "float16", "uint8", "int64", "bool")
_PREFIX = struct.Struct("<8sQ")


class ArrayFileError(UserError):
    """A file that is not a complete array file; nothing of it was used."""


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> None:
    """Write ``arrays`` (dtypes of ``DTYPES``) and ``meta`` (JSON values), atomically.

    Raises:
        ValueError: an array of another dtype.
        UserError: the file cannot be written.
    """
    entries, pieces = [], []
    for name, array in arrays.items():
        if array.dtype.name not in DTYPES:
            raise ValueError(f"array '{name}' is of type {array.dtype.name}; use one of {', '.join(DTYPES)}")
        contiguous = np.ascontiguousarray(array)
        entries.append({"name": name, "dtype": array.dtype.name, "shape": list(array.shape)})
        pieces.append(contiguous.reshape(-1).view(np.uint8).data)
    header = json.dumps({"meta": dict(meta), "arrays": entries}).encode()
    if len(header) > MAX_HEADER:
        raise ValueError(f"the header of {path} has {len(header)} bytes; {MAX_HEADER} are allowed")
    write_atomically(path, _PREFIX.pack(MAGIC, len(header)) + header, *pieces)


def read_arrays(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays, mapped read-only (nothing is read before it is used), and ``meta``.

    Raises:
        ArrayFileError: the file is no array file, truncated, or its header does not describe it exactly.
    """
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            entries, meta, start = _read_header(path, file.read(_PREFIX.size), file, size)
        shapes = [_checked_entry(path, entry) for entry in entries]
        total = sum(np.dtype(dtype).itemsize * math.prod(shape) for _, dtype, shape in shapes)
        if start + total != size or len({name for name, _, _ in shapes}) != len(shapes):
            raise ArrayFileError(f"{path} holds {size - start} bytes of data where its header says {total}; delete it")
        # An empty file cannot be mapped; the header makes sure that this one is not.
        data = np.memmap(path, dtype=np.uint8, mode="r")
    except OSError as error:
        raise ArrayFileError(f"cannot read {path} ({error.strerror or error})") from error
    arrays = {}
    for name, dtype, shape in shapes:
        length = np.dtype(dtype).itemsize * math.prod(shape)
        arrays[name] = np.ndarray(shape, dtype, buffer=data[start : start + length])
        start += length
    return arrays, meta


def _read_header(path: Path, prefix: bytes, file: Any, size: int) -> tuple[list[Any], dict[str, Any], int]:
    """Entries, meta, and where the data begins."""
    if len(prefix) < _PREFIX.size or prefix[: len(MAGIC)] != MAGIC:
        raise ArrayFileError(f"{path} is no file of arrays; delete it")
    (_, length) = _PREFIX.unpack(prefix)
    if length > MAX_HEADER or _PREFIX.size + length > size:
        raise ArrayFileError(f"{path} claims a header of {length} bytes; it is damaged, delete it")
    try:
        header = json.loads(file.read(length).decode())
        entries, meta = header["arrays"], header["meta"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ArrayFileError(f"the header of {path} cannot be read; delete the file") from error
    if not isinstance(entries, list) or not isinstance(meta, dict):
        raise ArrayFileError(f"the header of {path} cannot be read; delete the file")
    return entries, meta, _PREFIX.size + length


def _checked_entry(path: Path, entry: Any) -> tuple[str, str, tuple[int, ...]]:
    """Name, dtype and shape of an entry of a header, each of the right type."""
    if isinstance(entry, dict):
        name, dtype, shape = entry.get("name"), entry.get("dtype"), entry.get("shape")
        if isinstance(name, str) and isinstance(dtype, str) and dtype in DTYPES and isinstance(shape, list):
            dims = [dim for dim in shape if isinstance(dim, int) and not isinstance(dim, bool) and dim >= 0]
            if len(dims) == len(shape) <= MAX_DIMS:
                return name, dtype, tuple(dims)
    raise ArrayFileError(f"the header of {path} describes an array that cannot be: {str(entry)[:100]}; delete it")
