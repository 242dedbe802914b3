"""What figures are given: results of every kind, and things that they cannot draw."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from support import ensembles

from stmgpu import plot
from stmgpu.errors import InputError
from stmgpu.report.figures.contents import kind_of, start_and_hours

OF_CONJUNCTIONS = ("miss_distance", "speeds", "timeline", "ages", "encounter_plane")
OF_STUDIES = ("ensemble", "collisions", "difference", "policies", "cost")


def test_kinds(con: xr.Dataset, study: xr.Dataset) -> None:
    messages = con.assign(message_id=("conjunction", np.full(con.sizes["conjunction"], "x")))
    found = [kind_of(x) for x in (con, messages, study, ensembles.population(7000.0, 50.0), xr.Dataset(), None)]
    assert found == ["conjunctions", "messages", "ensemble", "population", "", ""]


@pytest.mark.parametrize("name", OF_CONJUNCTIONS)
def test_studies_are_no_conjunctions(study: xr.Dataset, name: str) -> None:
    with pytest.raises(
        InputError, match=f"{name} draws conjunctions, not a debris study; pass the result of stmgpu.screen"
    ):
        getattr(plot, name)(study)


@pytest.mark.parametrize("name", OF_STUDIES)
def test_conjunctions_are_no_study(con: xr.Dataset, name: str) -> None:
    with pytest.raises(InputError, match=f"{name} draws a debris study, not the conjunctions of a screening"):
        getattr(plot, name)(con)


@pytest.mark.parametrize("name", ["rate", "density"])
def test_other_things_are_neither(name: str) -> None:
    for thing, words in (
        (xr.Dataset(), "this Dataset"),
        (3, "a int"),
        (ensembles.population(7000.0, 50.0), "a population"),
    ):
        if name == "rate" or words != "a population":
            with pytest.raises(InputError, match=f"{name} draws conjunctions, not {words}"):
                getattr(plot, name)(thing)


def test_an_overview_of_neither(con: xr.Dataset) -> None:
    messages = con.assign(message_id=("conjunction", np.full(con.sizes["conjunction"], "m")))
    for thing, words in ((messages, "assessed messages"), (xr.Dataset(), "this Dataset")):
        with pytest.raises(InputError, match=f"overview draws a screening or a debris study, not {words}; pass"):
            plot.overview(thing)


@pytest.mark.parametrize("name", ["miss_distance", "speeds", "timeline", "ages", "rate", "density"])
def test_no_conjunctions_no_figure(con: xr.Dataset, name: str) -> None:
    with pytest.raises(InputError, match=r"there are no conjunctions for .*; screen with a larger threshold"):
        getattr(plot, name)(con.isel(conjunction=[]))


def test_missing_columns_are_named_with_the_cure(con: xr.Dataset) -> None:
    with pytest.raises(InputError, match="needs miss_major, which these conjunctions lack; assess them first"):
        plot.encounter_plane(con)
    with pytest.raises(InputError, match="needs altitude, which these conjunctions lack; screen again"):
        plot.speeds(con.drop_vars("altitude"))
    with pytest.raises(InputError, match="which have no elements"):
        plot.ages(con.drop_vars("primary_epoch_age_days"))


def test_studies_without_a_finished_run(study: xr.Dataset) -> None:
    with pytest.raises(InputError, match="no run of this study is finished"):
        plot.ensemble(study.assign(population=study["population"] * np.nan))
    with pytest.raises(InputError, match="rate needs 2 records in time, and the study has 1"):
        plot.rate(study.isel(time=[0]))


def test_conjunctions_without_a_window_have_that_of_their_times(con: xr.Dataset) -> None:
    bare = con.assign_attrs({})
    bare.attrs = {}
    start, hours = start_and_hours(bare)
    assert start <= bare["tca"].to_numpy().min()
    assert start + np.timedelta64(int(hours * 3600e9 + 1e6), "ns") >= bare["tca"].to_numpy().max()
