"""Objects with catalogue number 0: ids of their own, also beside trajectories."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from support.samples import csv_of, fields, text, tle

import stmgpu as stm
from stmgpu.catalog import Catalog, format_catalog, read_catalog, synthetic_catalog
from stmgpu.catalog.trajectories import SYNTHETIC_ID, Trajectories
from stmgpu.errors import CatalogError, UncertainIdentityWarning
from stmgpu.propagate.screening_objects import ScreeningObjects


def test_free_ids_are_given() -> None:
    cat = read_catalog(csv_of(
        fields(0, OBJECT_NAME="A", OBJECT_ID=""),
        fields(7),
        fields(0, OBJECT_NAME="A", OBJECT_ID=""),
        fields(0, OBJECT_NAME="B", OBJECT_ID="2024-001B"),
        fields(0, OBJECT_NAME="B", OBJECT_ID="2024-001B", EPOCH="2024-07-06T00:00:00"),
        fields(0, OBJECT_NAME="B", OBJECT_ID="2024-001C"),
    ))  # fmt: skip
    first = SYNTHETIC_ID
    assert cat.norad_id.tolist() == [first, 7, first + 1, first + 2, first + 3]
    assert (cat.sets_not_used, cat.rejected) == (1, ())
    assert cat.notes == ("catalogue number 0 is replaced by ids from 900000001 on: 5 lines (2, 4, 5, 6, 7)",)


def test_ids_of_the_file_are_not_given_again() -> None:
    cat = read_catalog(csv_of(fields(0), fields(SYNTHETIC_ID), fields(0, OBJECT_ID="")))
    assert cat.norad_id.tolist() == [SYNTHETIC_ID + 1, SYNTHETIC_ID, SYNTHETIC_ID + 2]


def test_two_line_sets() -> None:
    cat = read_catalog(text(tle(norad="00000"), tle(norad="00007")))
    assert cat.norad_id.tolist() == [SYNTHETIC_ID, 7]
    assert "catalogue number 0 is replaced" in cat.notes[0]


def test_wrong_records_get_no_id() -> None:
    cat = read_catalog(csv_of(fields(0, INCLINATION="200"), fields(0), fields(0, NORAD_CAT_ID="0x"), fields(8)))
    assert cat.norad_id.tolist() == [SYNTHETIC_ID, 8]
    assert [(r.norad_id, r.reason[:12]) for r in cat.rejected] == [("0", "inclination "), ("0x", "NORAD_CAT_ID")]
    with pytest.raises(CatalogError, match="NORAD_CAT_ID is missing"):
        read_catalog(csv_of(fields(0, NORAD_CAT_ID="")))


def nameless() -> Catalog:
    """Two objects with catalogue number 0."""
    data = format_catalog(synthetic_catalog(2, seed=6), "csv").replace(b",U,1,", b",U,0,").replace(b",U,2,", b",U,0,")
    return read_catalog(data)


def trajectory_of(catalog: Catalog, norad_id: int) -> Trajectories:
    eph = stm.propagate(catalog, "2025-01-01", hours=2, step_s=60)
    return dataclasses.replace(Trajectories.from_dataset(eph), norad_id=np.array([norad_id]))


def test_an_equal_id_of_a_trajectory_is_no_identity() -> None:
    """The first trajectory of a file without ids has the id of the catalogue's first object without one."""
    cat = nameless()
    assert cat.norad_id.tolist() == [SYNTHETIC_ID, SYNTHETIC_ID + 1]
    other = trajectory_of(synthetic_catalog(9, seed=1)[8], SYNTHETIC_ID)
    objects = ScreeningObjects.of(cat, other)
    assert objects.norad_id.tolist() == [SYNTHETIC_ID, SYNTHETIC_ID + 1, SYNTHETIC_ID + 2]
    second = ScreeningObjects.of(cat, trajectory_of(cat[1], SYNTHETIC_ID))  # it follows the second object
    assert (second.catalog.norad_id.tolist(), second.trajectories.norad_id.tolist()) == (
        [SYNTHETIC_ID],
        [SYNTHETIC_ID + 1],
    )


def test_a_doubtful_trajectory_keeps_an_id_of_its_own() -> None:
    cat = nameless()
    twins = dataclasses.replace(
        cat, **{name: getattr(cat, name)[[0, 0]] for name in cat.column_names() if name != "norad_id"}
    )
    with pytest.warns(UncertainIdentityWarning):
        objects = ScreeningObjects.of(twins, trajectory_of(cat[0], SYNTHETIC_ID))
    assert objects.norad_id.tolist() == [SYNTHETIC_ID, SYNTHETIC_ID + 1, SYNTHETIC_ID + 2]
