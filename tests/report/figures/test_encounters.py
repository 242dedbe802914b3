"""Encounter planes show the assessed geometry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.patches import Circle, Ellipse
from support.page_stores import write_screening

import stmgpu as stm
from stmgpu.errors import InputError
from stmgpu.plot import encounter_plane


def _ellipses(ax) -> list[Ellipse]:
    return [patch for patch in ax.patches if isinstance(patch, Ellipse) and not isinstance(patch, Circle)]


def test_the_likeliest_conjunction_is_drawn(assessed: xr.Dataset) -> None:
    ax = encounter_plane(assessed)
    one = assessed.isel(conjunction=5)
    largest = _ellipses(ax)[0]
    assert largest.width == pytest.approx(6.0 * float(one["sigma_major"]))
    assert largest.height == pytest.approx(6.0 * float(one["sigma_minor"]))
    assert largest.get_center() == pytest.approx([float(one["miss_major"]), float(one["miss_minor"])])
    (disc,) = (patch for patch in ax.patches if isinstance(patch, Circle))
    assert (disc.center, disc.radius) == ((0.0, 0.0), 12.0)
    assert ax.get_title(loc="left").startswith(f"{one['primary_name'].item()} and {one['secondary_name'].item()}")
    assert ax.get_xlabel().endswith("[m]")
    assert "Pc 3.0e-04" in ax.texts[0].get_text()


def test_a_conjunction_is_chosen_by_its_number(assessed: xr.Dataset) -> None:
    part = assessed.isel(conjunction=slice(100, 200))
    ax = encounter_plane(part, event=150)
    assert _ellipses(ax)[0].width == pytest.approx(6.0 * float(assessed["sigma_major"][150]))
    with pytest.raises(InputError, match="there is no conjunction 99; choose one between 100 and 199"):
        encounter_plane(part, event=99)


def test_conjunctions_without_a_plane(assessed: xr.Dataset) -> None:
    bad = assessed.assign(sigma_major=assessed["sigma_major"] * np.nan)
    with pytest.raises(InputError, match="no conjunction has an encounter plane"):
        encounter_plane(bad)
    with pytest.raises(InputError, match=r"has no encounter plane .* choose another with event"):
        encounter_plane(bad, event=3)


def test_large_planes_are_in_kilometres_and_stretched_ones_say_so(assessed: xr.Dataset) -> None:
    wide = assessed.assign(sigma_major=assessed["sigma_major"] * 100.0)
    ax = encounter_plane(wide, event=5)
    assert ax.get_xlabel().endswith("[km]")
    assert _ellipses(ax)[0].width == pytest.approx(6e-3 * float(wide["sigma_major"][5]))
    assert "axes of different scales" in [text.get_text() for text in ax.texts]


@pytest.mark.slow
def test_results_of_a_notebook_and_of_a_store_work_alike(tmp_path: Path) -> None:
    """Conjunctions in memory and in a store, assessed, and the states of ``stmgpu.encounters``."""
    store = write_screening(tmp_path, assessed=True)
    con = stm.open_dataset(store)
    usable = np.isfinite(con["sigma_major"].to_numpy()) & (con["relative_speed"].to_numpy() > 1.0)
    row = int(con["conjunction"].to_numpy()[usable][0])
    first = encounter_plane(con, event=row)
    second = encounter_plane(stm.encounters(con), event=row)
    one, other = _ellipses(first)[0], _ellipses(second)[0]
    unit = [1e3 if ax.get_xlabel().endswith("[km]") else 1.0 for ax in (first, second)]
    for name in ("width", "height"):
        assert getattr(one, name) * unit[0] == pytest.approx(getattr(other, name) * unit[1], rel=1e-6)
    np.testing.assert_allclose(
        np.abs(np.multiply(one.get_center(), unit[0])), np.abs(np.multiply(other.get_center(), unit[1])), rtol=1e-6
    )
    for name in ("miss_distance", "speeds", "density", "rate", "timeline", "ages"):
        assert getattr(stm.plot, name)(con).has_data()
