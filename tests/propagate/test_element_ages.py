"""Ages of elements at the middle of a window."""

from __future__ import annotations

import math

import numpy as np
import pytest

import stmgpu as stm
from stmgpu.catalog import Catalog, synthetic_catalog
from stmgpu.errors import InputError, StaleElementsWarning
from stmgpu.propagate.element_ages import ElementAges, ages_text
from stmgpu.window import Window


def aged(*days_before: float) -> Catalog:
    """Objects whose elements are that old at 2025-01-01T12:00."""
    cat = synthetic_catalog(len(days_before), seed=2)
    columns = {name: getattr(cat, name) for name in cat.column_names()}
    columns["epoch_jd"], columns["epoch_fr"] = np.divmod(2460676.5 - np.array(days_before), 1.0)
    columns["epoch_jd"], columns["epoch_fr"] = columns["epoch_jd"] + 0.5, np.full(len(cat), 0.5)
    return Catalog(**columns)


DAY = Window.of("2025-01-01")


def test_ages_at_the_middle_of_the_window() -> None:
    ages = ElementAges.of(aged(1.0, 716.0, 2.0, -31.0), DAY)
    assert (ages.objects, ages.old) == (4, 2)
    assert ages.median_days == pytest.approx(1.5)
    assert ages == ElementAges.from_attributes(ages.attributes())
    assert ElementAges.of(Catalog.empty(), DAY).attributes() == {}
    assert not ElementAges.from_attributes({}).are_old()


def test_when_elements_are_old() -> None:
    assert ages_text(aged(*[1.0] * 10, 716.0), DAY) == ""  # one in eleven
    assert "1 of 9 objects (11 %) has elements more than 30 days from it" in ages_text(aged(*[1.0] * 8, 716.0), DAY)
    assert ages_text(aged(15.0), DAY) == (
        "the median age of the elements at the window's middle is 15.0 days; 0 of 1 objects (0 %) have elements more "
        "than 30 days from it"
    )
    assert ages_text(aged(15.0), DAY, 20.0) == ages_text(aged(716.0), DAY, math.inf) == ""
    assert "is -82,1" in ages_text(synthetic_catalog(3), Window.of("1800-01-01"))


def test_propagation_warns() -> None:
    with pytest.warns(StaleElementsWarning, match=r"middle is 16\.0 days"):
        stm.propagate(aged(16.0), "2025-01-01", hours=24, step_s=3600.0)
    with pytest.raises(InputError, match="max_age_days is 0"):
        stm.propagate(aged(1.0), "2025-01-01", max_age_days=0)
