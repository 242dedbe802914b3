"""Trajectories: columns, round trips, selection. Truth: the values that were put in."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from support.trajectories import several

from stmgpu.catalog.trajectories import SYNTHETIC_ID, Trajectories
from stmgpu.errors import InputError


def test_columns() -> None:
    t = several()
    assert t.norad_id.tolist() == [25544, SYNTHETIC_ID, SYNTHETIC_ID + 1]
    assert t.segment_object.tolist() == [0, 0, 1, 2, 2]
    assert t.offset.tolist() == [0, 20, 35, 65, 70, 120]
    # five samples are too few for Lagrange of degree 9: Hermite of the same degree
    assert t.method.tolist() == ["lagrange", "hermite", "lagrange", "hermite", "linear"]
    assert t.degree.tolist() == [9, 7, 9, 9, 1]
    assert t.samples_used.tolist() == [10, 4, 10, 5, 2]
    assert not t.position.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        t.norad_id[0] = 1


def test_arrays_and_back() -> None:
    t = several()
    arrays = t.to_arrays()
    assert all(array.dtype.kind in "ifU" for array in arrays.values())
    again = Trajectories.from_arrays(arrays)
    assert again.equals(t)
    assert again.digest() == t.digest()
    with pytest.raises(InputError, match=r"missing \['degree'\], unknown \['more'\]"):
        Trajectories.from_arrays({**{k: v for k, v in arrays.items() if k != "degree"}, "more": 1})
    empty = Trajectories.of([])
    assert len(empty) == 0
    assert Trajectories.from_arrays(empty.to_arrays()).equals(empty)
    assert empty.interpolation_error_km().shape == (0,)


def test_selection_and_concatenation() -> None:
    t = several()
    part = t[[2, 0]]
    assert part.norad_id.tolist() == [SYNTHETIC_ID + 1, 25544]
    assert part.segment_object.tolist() == [0, 0, 1, 1]
    assert np.array_equal(part[1].position, t[0].position)
    assert t[np.array([True, False, True])].equals(Trajectories.concatenate([t[0], t[2]]))
    assert t[:].equals(t)
    both = Trajectories.concatenate([t[1:], t[1:], t[:1]])
    assert both.norad_id.tolist() == [SYNTHETIC_ID, SYNTHETIC_ID + 1, SYNTHETIC_ID + 2, SYNTHETIC_ID + 3, 25544]
    with pytest.raises(InputError, match="25544 is given to more than one"):
        Trajectories.concatenate([t, t])
    with pytest.raises(InputError, match="cannot take"):
        t[[7]]


def test_the_digest_is_of_the_motion() -> None:
    t = several()
    assert dataclasses.replace(t, name=np.array(["x", "y", "z"])).digest() == t.digest()
    moved = t.position.copy()
    moved[7, 1] += 1e-9
    for change in ({"position": moved}, {"usable_stop_ns": t.usable_stop_ns - 1}, {"norad_id": t.norad_id + 1}):
        assert dataclasses.replace(t, **change).digest() != t.digest()
