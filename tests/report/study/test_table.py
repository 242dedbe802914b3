"""Table of a study and the notes below it, as printed."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import xarray as xr
from rich.console import Console
from support import ensembles

from stmgpu.debris import statistics as st
from stmgpu.report.study import print_study, study_lines, study_summary, study_table


@pytest.fixture(scope="module")
def study() -> xr.Dataset:
    return ensembles.study(runs=40, years=20)


def _printed(ds: xr.Dataset) -> str:
    out = io.StringIO()
    print_study(ds, Console(file=out, width=150))
    return out.getvalue()


def test_printed_table_and_lines(study: xr.Dataset) -> None:
    text = _printed(study)
    for piece in (
        "2025 to 2045, means with 95 % intervals",
        "no removal",
        "removal",
        "ERF",
        "P(growth)",
        "no run",
        "runs: 40 of each scenario",
        "cut off: no run",
        "balances, largest relative errors: count 0.0e+00",
        "common random numbers, equivalent to",
    ):
        assert piece in text, piece
    lines = text.splitlines()
    row = next(line for line in lines if line.lstrip().startswith("removal"))
    n = st.total(study, "population").isel(time=-1)
    assert f"{float(n[1].mean()):,.0f}" in row
    assert f"{float((n[1] - n[0]).mean()):.0f}" in row
    assert "100" in row.split()  # removed
    low, high = np.quantile(n[1], [0.05, 0.95])
    (spread,) = (line for line in lines if line.startswith("objects at the end of 90 % of the runs"))
    assert spread.endswith(f", removal {low:,.0f} to {high:,.0f}")
    assert not any("…" in line for line in lines)  # nothing is cut short without a terminal


def test_narrow_terminals_get_a_column_a_scenario(study: xr.Dataset) -> None:
    out = io.StringIO()
    print_study(study, Console(file=out, width=80, force_terminal=True, color_system=None))
    lines = out.getvalue().splitlines()
    head = next(line for line in lines if line.lstrip().startswith("scenario"))
    assert head.split()[1:] == ["no", "removal", "removal"]
    assert not any("…" in line for line in lines)
    growth = next(line for line in lines if line.lstrip().startswith("P(growth)"))
    assert growth.count("%") == 2


@pytest.mark.parametrize("terminal", [False, True])
def test_many_scenarios_fit_80_columns_in_several_tables(terminal: bool) -> None:
    names = tuple(f"scenario {k} of 24 letters"[:24] for k in range(7))
    ds = ensembles.empty(names, runs=3, years=4)
    ds["population"].values[..., 5] = 123_456.0 + np.arange(3)[:, None]
    out = io.StringIO()
    print_study(ds, Console(file=out, width=80, force_terminal=terminal, color_system=None))
    lines = out.getvalue().splitlines()
    table = lines[: next(k for k, line in enumerate(lines) if line.startswith("runs:"))]
    assert max(map(len, table)) <= 80
    assert sum(line.lstrip().startswith("P(growth)") for line in table) == 3
    assert not any("…" in line for line in table)
    assert all(sum(f"scenario {k} of" in line for line in table) >= 1 for k in range(7))


def test_cut_off_and_unfinished_runs_are_said(study: xr.Dataset) -> None:
    ds = ensembles.cut(ensembles.cut(study, 1, 3, 2033.2), 1, 8, 2040.0)
    for name, da in ds.data_vars.items():
        if "time" in da.dims:
            ds[name].values[0, 30:] = np.nan
    text = _printed(ds)
    assert "runs: 40 of each scenario, finished: no removal 30, removal 40" in text
    assert "fewer than 10 runs" not in text
    assert "fewer than 10 runs" in _printed(ds.where(ds.run >= 25))
    assert "cut off: 2 of 40 runs of removal held too many objects (first in 2033)" in text
    summary = study_summary(ds)
    assert [(cut["scenario"], cut["run"]) for cut in summary["cut_off"]] == [("removal", 3), ("removal", 8)]
    assert [one["runs_used"] for one in summary["scenarios"]] == [30, 38]
    assert summary["scenarios"][1]["growth_probability"]["mean"] == pytest.approx(
        float(st.growth_probability(ds).probability[1, -1])
    )


def test_one_scenario_few_runs_and_the_expected_estimator() -> None:
    ds = ensembles.study(runs=4).isel(scenario=[0])
    ds.attrs["scenarios"] = json.dumps([{"name": "no removal", "collisions": {"estimator": "expected"}}])
    text = _printed(ds)
    assert "fewer than 10 runs" in text
    assert "estimator 'expected' (no removal)" in text
    assert "common random numbers" not in text
    assert "variance" not in text


def test_notes_on_scenarios_stand_below_the_table() -> None:
    ds = ensembles.study(runs=2)
    name = str(ds.scenario.values[0])
    ds.attrs["notes"] = ["synthetic: a source", f"{name}: a fleet", *(f"{name}, run {k}: gone" for k in range(12))]
    lines = study_lines(study_summary(ds))
    notes = [line for line in lines if line.startswith("note")]
    assert notes[0] == f"note: {name}: a fleet"
    assert notes[1] == f"note: {name}, run 0: gone"
    assert notes[-1] == "notes: 3 more, in the attribute notes of the result"
    assert not any("a source" in line for line in lines)


def test_settings_that_differ_and_the_density_stand_below_the_table() -> None:
    ds = ensembles.study(runs=2)
    names = [str(name) for name in ds.scenario.values]
    scenarios = [
        {"name": name, "disposal": {"payload": 0.9 + 0.09 * k}, "environment": {"density_sigma": 0.15}}
        for k, name in enumerate(names)
    ]
    lines = study_lines(study_summary(ds.assign_attrs(scenarios=json.dumps(scenarios))))
    assert f"setting disposal.payload: {names[0]} = 0.9, {names[1]} = 0.99" in lines
    assert [line for line in lines if "density of the atmosphere" in line] == [
        "intervals: with one factor a run on the density of the atmosphere, log-normal, sigma 0.15"
    ]
    for one in scenarios:
        one["environment"] = {"density_sigma": 0.0}
    lines = study_lines(study_summary(ds.assign_attrs(scenarios=json.dumps(scenarios))))
    assert [line for line in lines if "density" in line] == [
        "intervals: without what is unknown about the density of the atmosphere (density_sigma = 0)"
    ]
    scenarios[1]["launches"] = {"constellations": [{"name": "fleet", "planes": 40, "per_plane": 50}]}
    lines = study_lines(study_summary(ds.assign_attrs(scenarios=json.dumps(scenarios))))
    assert [line for line in lines if "constellations" in line] == [
        f"setting launches.constellations 1: {names[0]} = not set, {names[1]} = name fleet"
    ]
    scenarios[1]["launches"] = {f"key{k}": k for k in range(20)}
    lines = study_lines(study_summary(ds.assign_attrs(scenarios=json.dumps(scenarios))))
    assert "settings: 9 more differ, see the attribute scenarios of the result" in lines


def test_a_single_run_has_no_intervals() -> None:
    summary = study_summary(ensembles.study(runs=1, years=2))
    assert summary["scenarios"][0]["objects_end"]["lower"] is None
    assert " to " not in _row(summary, "removal")
    out = io.StringIO()
    Console(file=out, width=150).print(study_table(summary), *study_lines(summary), sep="\n")
    for piece in (
        "2025 to 2027, means without intervals",
        "runs: 1 of each scenario\n",
        "\nintervals: only P(growth)",
    ):
        assert piece in out.getvalue()
    assert "too narrow" not in out.getvalue()
    assert json.dumps(summary, allow_nan=False)


def _row(summary: dict[str, Any], name: str) -> str:
    out = io.StringIO()
    Console(file=out, width=150).print(study_table(summary))
    return next(line for line in out.getvalue().splitlines() if line.lstrip().startswith(name))


def test_doubling_and_signs_in_the_table() -> None:
    ds = ensembles.empty(("base", "[bold]much[/bold]"), runs=3, years=4)
    ds["population"].values[0, ..., 5] = 100.0
    ds["population"].values[1, ..., 5] = 100.0 * np.array([1.0, 1.5, 2.5, 3.0, 4.0])
    summary = study_summary(ds)
    row = _row(summary, "[bold]much[/bold]")  # names are no markup
    assert "+300" in row
    assert "+300.0 %" in row
    assert summary["scenarios"][1]["doubling"] == {"share": 1.0, "median_years": 1.5}
    assert any(line.startswith("runs: 3") for line in study_lines(summary))


@pytest.mark.slow
def test_table_needs_no_matplotlib() -> None:
    code = "import sys, stmgpu.report.study; print('matplotlib' in sys.modules, 'dask' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", "False"]
