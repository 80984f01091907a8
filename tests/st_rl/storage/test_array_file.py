"""Array files hold what was written, and nothing that they claim is believed."""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from st_rl.storage.rollout_files import ArrayFileError, read_arrays, write_arrays

ARRAYS = st.dictionaries(
    st.text(min_size=1, max_size=8),
    st.sampled_from(["float32", "float16", "uint8", "int64", "bool"]).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    ),
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(arrays=ARRAYS)
def test_what_is_written_is_read(arrays: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("arrays") / "file"
    write_arrays(path, arrays, {"a": [1, "x"]})
    found, meta = read_arrays(path)
    assert meta == {"a": [1, "x"]}
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype and found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()


def header(entries: Any, meta: Any = None) -> bytes:
    text = json.dumps({"meta": {} if meta is None else meta, "arrays": entries}).encode()
    return b"STRLARR1" + struct.pack("<Q", len(text)) + text


class Bomb:
    """Says so when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("import pathlib; pathlib.Path('ran').touch()",))


ENTRY = {"name": "x", "dtype": "float32", "shape": [2]}
HOSTILE = {
    "empty": b"",
    "pickle": pickle.dumps(Bomb()),
    "no header": b"STRLARR1",
    "huge header": b"STRLARR1" + struct.pack("<Q", 1 << 62),
    "header over the limit": b"STRLARR1" + struct.pack("<Q", (1 << 20) + 1) + b" " * ((1 << 20) + 1),
    "header beyond the end": b"STRLARR1" + struct.pack("<Q", 100) + b"{}",
    "no JSON": b"STRLARR1" + struct.pack("<Q", 4) + b"\xff\xfe{]",
    "deeply nested JSON": b"STRLARR1" + struct.pack("<Q", 200_000) + b"[" * 200_000,
    "a list": b"STRLARR1" + struct.pack("<Q", 2) + b"[]",
    "no arrays": b"STRLARR1" + struct.pack("<Q", 11) + b'{"meta":{}}',
    "arrays no list": header({"x": 1}),
    "meta no object": header([], [1]),
    "entry no object": header(["x"]),
    "python object": header([{**ENTRY, "dtype": "object"}]) + b"\0" * 16,
    "unknown type": header([{**ENTRY, "dtype": "float31"}]) + b"\0" * 8,
    "dtype no name": header([{**ENTRY, "dtype": ["f4"]}]) + b"\0" * 8,
    "negative length": header([{**ENTRY, "shape": [-2]}]),
    "length no number": header([{**ENTRY, "shape": ["2"]}]) + b"\0" * 8,
    "length true": header([{**ENTRY, "shape": [True]}]) + b"\0" * 4,
    "too many dimensions": header([{**ENTRY, "shape": [1] * 60}]) + b"\0" * 4,
    "huge array": header([{**ENTRY, "shape": [1 << 60, 1 << 60]}]),
    "truncated": header([ENTRY]) + b"\0" * 7,
    "bytes left over": header([ENTRY]) + b"\0" * 9,
    "a name twice": header([ENTRY, ENTRY]) + b"\0" * 16,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_and_runs_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "file"
    path.write_bytes(HOSTILE[name])
    with pytest.raises(ArrayFileError, match="file"):
        read_arrays(path)
    assert not (tmp_path / "ran").exists()


def test_the_bomb_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pickle.loads(HOSTILE["pickle"])
    assert (tmp_path / "ran").exists()


def test_a_missing_file_is_an_error_of_the_same_kind(tmp_path: Path) -> None:
    with pytest.raises(ArrayFileError, match="cannot read"):
        read_arrays(tmp_path / "nothing")


def test_other_types_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="complex64"):
        write_arrays(tmp_path / "file", {"x": np.zeros(2, dtype=np.complex64)}, {})
    assert not list(tmp_path.iterdir())


def test_arrays_cannot_be_changed_through_the_mapping(tmp_path: Path) -> None:
    write_arrays(tmp_path / "file", {"x": np.ones(3, dtype=np.float32)}, {})
    found, _ = read_arrays(tmp_path / "file")
    with pytest.raises(ValueError, match="read-only"):
        found["x"][0] = 2.0
