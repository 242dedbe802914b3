"""Differences, effects and costs are those of the statistics."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from stmgpu import plot
from stmgpu.debris import statistics
from stmgpu.errors import InputError


def test_the_difference_of_one_scenario_has_a_band(study: xr.Dataset) -> None:
    ax = plot.difference(study)
    result = statistics.paired_difference(study, resamples=1000).sel(scenario="removal")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), result["estimate"])
    vertices = ax.collections[0].get_paths()[0].vertices
    last = vertices[vertices[:, 0] == 2045.0][:, 1]
    np.testing.assert_allclose([last.min(), last.max()], [result["lower"][-1], result["upper"][-1]])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["removal less no removal"]


def test_differences_of_several_scenarios_have_bars(three: xr.Dataset) -> None:
    ax = plot.difference(three)
    assert len(ax.collections) == 2  # bars of each of two scenarios, and no area
    result = statistics.paired_difference(three, resamples=1000).isel(scenario=1, time=-1)
    bars = ax.collections[0].get_segments()
    np.testing.assert_allclose(bars[-1][:, 1], [result["lower"], result["upper"]])


def test_a_single_scenario_shows_its_runs_relative_to_the_start(study: xr.Dataset) -> None:
    ax = plot.difference(study.isel(scenario=[0]))
    objects = study["population"].sum("class").isel(scenario=0)
    assert len(ax.lines) == 21
    np.testing.assert_allclose(ax.lines[3].get_ydata(), objects.isel(run=3) / objects.isel(run=3, time=0))


@pytest.mark.parametrize("effect", ["population", "collisions", "reduction"])
def test_policies_are_compared_by_their_effect_at_the_end(three: xr.Dataset, effect: str) -> None:
    ax = plot.policies(three, effect=effect)
    if effect == "reduction":
        result = statistics.effective_reduction_factor(three, resamples=1000)
    else:
        values = "population" if effect == "population" else statistics.collisions(three, channel="expected")
        result = statistics.paired_difference(three, values, resamples=1000)
    expected = result["estimate"].isel(time=-1).to_numpy()[1:]
    drawn = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(sorted(drawn), sorted(expected))
    assert {label.get_text() for label in ax.get_yticklabels()} == {"removal", "the same again"}


def test_costs(study: xr.Dataset) -> None:
    ax = plot.cost(study)
    result = statistics.cost_per_collision_avoided(study, {"per_removal": 1.0}, resamples=1000).sel(scenario="removal")
    points = [line for line in ax.lines if line.get_marker() == "s" or line.get_marker() == "o"]
    assert points[0].get_xydata()[0] == pytest.approx([float(result["avoided"]), float(result["cost"])])
    assert ax.get_ylabel() == "cost [removals]"
    assert plot.cost(study, prices={"per_removal": 3.0}).get_ylabel() == "cost"


def test_what_cannot_be_compared(study: xr.Dataset) -> None:
    with pytest.raises(InputError, match="policies compares scenarios, and this study has one"):
        plot.policies(study.isel(scenario=[0]))
    with pytest.raises(InputError, match="effect = 'x' is unknown; choose one of population, collisions, reduction"):
        plot.policies(study, effect="x")
    idle = study.assign(removals=0.0 * study["removals"])
    with pytest.raises(InputError, match="no scenario removes anything"):
        plot.cost(idle)
    with pytest.raises(InputError, match="nothing was removed"):
        plot.policies(idle, effect="reduction")
    with pytest.raises(InputError, match="price 'x' is unknown"):
        plot.cost(study, prices={"x": 1.0})
