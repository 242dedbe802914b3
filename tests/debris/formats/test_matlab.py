"""MAT-files: what SciPy reads of a sound one, and an error instead of a crash for a damaged one."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from stmgpu.debris.formats.matlab import read_mat

RNG = np.random.default_rng(1)
CONTENT: dict[str, Any] = {
    "mat_sats": RNG.random((5, 24)),
    "table": {
        "dens": RNG.random((3, 4)),
        "year": np.arange(4.0),
        "said": "hello wörld",
        "cells": np.array([1, "a", np.eye(2)], object),
    },
    "complex": RNG.random(3) + 1j,
    "small": np.arange(5, dtype=np.int8),
    "empty": np.zeros((0, 3)),
    "truth": np.array([True, False]),
}


def equal(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and a.dtype.names:
        return all(equal(a[name], b[name]) for name in a.dtype.names)
    if isinstance(a, np.ndarray) and a.dtype == object:
        return a.shape == b.shape and all(equal(x, y) for x, y in zip(a.ravel(), b.ravel(), strict=True))
    return bool(np.array_equal(a, b))


@pytest.mark.parametrize("compressed", [False, True])
def test_a_sound_file_is_read_as_scipy_reads_it(tmp_path: Path, compressed: bool) -> None:
    file = tmp_path / "a.mat"
    savemat(file, CONTENT, do_compression=compressed)
    found, expected = read_mat(file), loadmat(file)
    assert found.keys() == expected.keys()
    for name in CONTENT:
        assert equal(found[name], expected[name]), name


@pytest.mark.parametrize("compressed", [False, True])
def test_cut_off_anywhere(tmp_path: Path, compressed: bool) -> None:
    savemat(tmp_path / "a.mat", CONTENT, do_compression=compressed)
    data = (tmp_path / "a.mat").read_bytes()
    for length in [*range(0, 400, 7), *range(400, len(data), 97)]:
        (tmp_path / "b.mat").write_bytes(data[:length])
        try:
            found = read_mat(tmp_path / "b.mat")
        except ValueError:
            continue
        assert found.keys() < {"__header__", "__version__", "__globals__", *CONTENT}  # it ended between two variables


@pytest.mark.slow
def test_damage_is_an_error_or_other_numbers(tmp_path: Path) -> None:
    """Without the check about 1 in 100 of these would end the interpreter."""
    savemat(tmp_path / "a.mat", CONTENT)
    data = (tmp_path / "a.mat").read_bytes()
    rng, refused = np.random.default_rng(2), 0
    for _ in range(1500):
        damaged = bytearray(data)
        for place in rng.integers(124, min(len(data), 1400), rng.integers(1, 4)):
            damaged[place] = rng.choice([0, 1, 5, 6, 14, 255, rng.integers(256)])
        (tmp_path / "b.mat").write_bytes(damaged)
        try:
            read_mat(tmp_path / "b.mat")
        except ValueError as error:
            refused += bool(str(error))
    assert refused > 300


def test_a_type_of_number_that_does_not_exist(tmp_path: Path) -> None:
    """SciPy 1.17 looks it up beyond the end of its table."""
    savemat(tmp_path / "a.mat", {"mat_sats": RNG.random((20, 24))})
    data = bytearray((tmp_path / "a.mat").read_bytes())
    assert struct.unpack_from("<II", data, 184) == (9, 20 * 24 * 8)
    for kind in (224, 0x0500):
        struct.pack_into("<I", data, 184, kind)
        (tmp_path / "a.mat").write_bytes(data)
        with pytest.raises(ValueError, match=f"an array of 480 values holds 3840 bytes of type {kind}"):
            read_mat(tmp_path / "a.mat")


def test_other_files(tmp_path: Path) -> None:
    file = tmp_path / "a.mat"
    for data, message in (
        (b"", "no header"),
        (b"x" * 500, "no header"),
        (b"MATLAB 7.3".ljust(124) + b"\x00\x02IM" + bytes(512), "-v7"),
        (
            b"MATLAB".ljust(124) + b"\x00\x01IM" + struct.pack("<II", 9, 8) + bytes(8),
            "element of type 9 where a variable",
        ),
    ):
        file.write_bytes(data)
        with pytest.raises(ValueError, match=message):
            read_mat(file)
    savemat(file, {"a": np.ones(3)}, format="4")
    with pytest.raises(ValueError, match="no header"):
        read_mat(file)
