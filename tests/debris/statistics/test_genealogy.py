"""Families of events against a hand-made event table."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from support import ensembles

from stmgpu.debris import statistics as st
from stmgpu.errors import InputError


@pytest.fixture(scope="module")
def family() -> xr.Dataset:
    """Run 0: 1 breaks uids 5 and 6; its fragment 100 hits 7 (event 2); a fragment of 2, 200, is hit by 101 of event 1
    (event 3); 8 and 9 collide on their own (event 4); 8's twin explodes (5). Run 1: 5 and 6 again, with the same
    number 1, later; 300 of it hits 5's companion."""
    rows = [
        {"id": 1, "time": 2026.0, "first": 5, "second": 6, "first_norad": 105, "second_norad": 106},
        {"id": 2, "time": 2027.0, "first": 7, "second": 100, "second_cause": 1, "first_norad": 107},
        {"id": 3, "time": 2029.0, "first": 200, "second": 101, "first_cause": 2, "second_cause": 1, "type": 1},
        {"id": 4, "time": 2028.0, "first": 8, "second": 9},
        {"id": 5, "time": 2030.0, "first": 10, "type": 2},
        {"id": 6, "time": 2026.5, "first": 11, "type": 3},
        {"id": 1, "run": 1, "time": 2031.0, "first": 5, "second": 6, "first_norad": 105, "second_norad": 106},
        {"id": 2, "run": 1, "time": 2032.0, "first": 12, "second": 300, "second_cause": 1},
    ]
    return ensembles.with_events(ensembles.empty(runs=2, years=10), rows)


def test_genealogy_by_hand(family: xr.Dataset) -> None:
    found = st.genealogy(family)
    assert found.first_parent.values.tolist() == [-1, -1, 1, -1, -1, -1, -1, -1]
    assert found.second_parent.values.tolist() == [-1, 0, 0, -1, -1, -1, -1, 6]
    assert found.generation.values.tolist() == [1, 2, 3, 1, 1, 1, 1, 2]
    assert found.descendants.values.tolist() == [2, 1, 0, 0, 0, 0, 1, 0]
    assert st.ancestors(family, 2).tolist() == [0, 1]
    assert st.ancestors(found, 7).tolist() == [6]
    assert np.flatnonzero(st.descendants(family, [0])).tolist() == [1, 2]
    assert np.flatnonzero(st.descendants(found, [1, 6])).tolist() == [2, 7]


def test_removal_on_stored_runs_by_hand(family: xr.Dataset) -> None:
    """Without object 5: run 0 loses events 1, 2 and 3, of which two are catastrophic; 6 survives 9 years and 7 eight;
    run 1 loses both, 6 survives 4 years and 12 three."""
    found = st.collisions_without(family, [5])
    assert found.collisions.values.tolist() == [[3.0, 2.0]]
    assert found.collisions_left.values.tolist() == [[1.0, 0.0]]
    assert found.avoided.values.tolist() == [[2.0, 2.0]]
    assert found.avoided_first.values.tolist() == [[1.0, 1.0]]
    assert found.survivor_years.values.tolist() == [[9.0 + 8.0, 4.0 + 3.0]]
    assert found.fragments_avoided.values.tolist() == [[300.0, 200.0]]
    later = st.collisions_without(family, {105: 2028.0}, by="norad")
    assert later.avoided.values.tolist() == [[0.0, 2.0]]
    everything = st.collisions_without(family, [7, 8, 10], types=(0, 1, 2))
    assert everything.avoided.values.tolist() == [[4.0, 0.0]]
    assert st.collisions_without(family, []).avoided.values.tolist() == [[0.0, 0.0]]
    assert st.collisions_without(family, [11]).avoided.values.tolist() == [[0.0, 0.0]]  # its removal is no collision


def test_genealogy_refuses_what_is_no_family(family: xr.Dataset) -> None:
    with pytest.raises(InputError, match="no event table"):
        st.genealogy(family.drop_vars("event_id"))
    lost = family.copy(deep=True)
    lost["event_first_cause"][3] = 77
    with pytest.raises(InputError, match="event 4 has the cause 77"):
        st.genealogy(lost)
    circle = family.copy(deep=True)
    circle["event_first_cause"][0] = 3
    with pytest.raises(InputError, match="its own ancestor"):
        st.genealogy(circle)
    with pytest.raises(InputError, match="NORAD id 0"):
        st.collisions_without(family, [0], by="norad")
    with pytest.raises(InputError, match="by = 'name'"):
        st.collisions_without(family, [1], by="name")
    none = ensembles.empty()
    assert st.genealogy(none).sizes["event"] == 0
    assert st.collisions_without(none, [1]).avoided.sum() == 0.0
