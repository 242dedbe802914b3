"""Table, JSON and figure of a study: the numbers are those of the ensemble, and what is missing is said."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from rich.console import Console
from support import ensembles

from stmgpu.debris import statistics as st
from stmgpu.debris.variables import BALANCES
from stmgpu.errors import InputError, StmgpuError
from stmgpu.report.study.figure import plot_study, print_study, study_lines, study_summary, study_table


@pytest.fixture(scope="module")
def study():
    return ensembles.study(runs=40, years=20)


def _printed(ds):
    out = io.StringIO()
    print_study(ds, Console(file=out))
    return out.getvalue()


@pytest.fixture
def drawn(monkeypatch):
    """A study as a figure that is laid out and not written."""
    kept = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path: kept.append(figure))

    def draw(ds):
        plot_study(ds, "none.png")
        kept[-1].canvas.draw()
        return kept[-1]

    return draw


def test_summary_holds_the_numbers_of_the_ensemble(study):
    summary = study_summary(study)
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert (summary["first_year"], summary["last_year"], summary["runs"]) == (2025.0, 2045.0, 40)
    base, removal = summary["scenarios"]
    n = st.total(study, "population").isel(time=-1)
    assert base["objects_start"] == 1000.0
    assert base["objects_end"]["mean"] == pytest.approx(float(n[0].mean()))
    assert base["change_percent"]["mean"] == pytest.approx(float(n[0].mean()) / 10.0 - 100.0)
    assert removal["difference"]["mean"] == pytest.approx(float((n[1] - n[0]).mean()))
    assert removal["difference"]["lower"] < -140.0 < removal["difference"]["upper"]
    assert removal["difference"]["gain"] > 50.0
    assert removal["effective_reduction_factor"]["lower"] < 1.4 < removal["effective_reduction_factor"]["upper"]
    assert removal["removed"] == 100.0
    sampled = st.collisions(study).isel(time=-1)
    assert removal["catastrophic_sampled"]["mean"] == pytest.approx(float(sampled[1].mean()))
    assert removal["catastrophic_expected"]["upper"] < base["catastrophic_expected"]["lower"]
    assert base["difference"] is None
    assert base["effective_reduction_factor"] is None
    assert base["growth_probability"]["mean"] == 1.0
    assert base["doubling"] == {"share": 0.0, "median_years": None}
    assert summary["cut_off"] == []
    assert set(summary["balances"]) == set(BALANCES)


def test_lazily_loaded_studies_give_the_same_summary(study):
    assert study_summary(study.chunk(run=7, time=5)) == study_summary(study)


def test_printed_table_and_lines(study):
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
        "common random numbers, worth",
    ):
        assert piece in text, piece
    lines = text.splitlines()
    row = next(line for line in lines if line.lstrip().startswith("removal"))
    n = st.total(study, "population").isel(time=-1)
    assert f"{float(n[1].mean()):,.0f}" in row
    assert f"{float((n[1] - n[0]).mean()):.0f}" in row
    assert "100" in row.split()  # removed
    assert not any("…" in line for line in lines)  # nothing is cut short without a terminal


def test_narrow_terminals_get_a_column_a_scenario(study):
    out = io.StringIO()
    print_study(study, Console(file=out, width=80, force_terminal=True, color_system=None))
    lines = out.getvalue().splitlines()
    head = next(line for line in lines if line.lstrip().startswith("scenario"))
    assert head.split()[1:] == ["no", "removal", "removal"]
    assert not any("…" in line for line in lines)
    growth = next(line for line in lines if line.lstrip().startswith("P(growth)"))
    assert growth.count("%") == 2


def test_cut_off_and_unfinished_runs_are_said(study):
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


def test_one_scenario_few_runs_and_the_expected_estimator():
    ds = ensembles.study(runs=4).isel(scenario=[0])
    ds.attrs["scenarios"] = json.dumps([{"name": "no removal", "collisions": {"estimator": "expected"}}])
    text = _printed(ds)
    assert "fewer than 10 runs" in text
    assert "estimator 'expected' (no removal)" in text
    assert "common random numbers" not in text
    assert "variance" not in text


def test_a_single_run_has_no_intervals():
    summary = study_summary(ensembles.study(runs=1, years=2))
    assert summary["scenarios"][0]["objects_end"]["lower"] is None
    assert " to " not in _row(summary, "removal")
    out = io.StringIO()
    Console(file=out, width=150).print(study_table(summary), *study_lines(summary), sep="\n")
    for piece in (
        "2025 to 2027, means without intervals",
        "runs: 1 of each scenario\n",
        "\nintervals: of P(growth) only",
    ):
        assert piece in out.getvalue()
    assert "promises" not in out.getvalue()
    assert json.dumps(summary, allow_nan=False)


def _row(summary, name):
    out = io.StringIO()
    Console(file=out, width=150).print(study_table(summary))
    return next(line for line in out.getvalue().splitlines() if line.lstrip().startswith(name))


def test_doubling_and_signs_in_the_table():
    ds = ensembles.empty(("base", "[bold]much[/bold]"), runs=3, years=4)
    ds["population"].values[0, ..., 5] = 100.0
    ds["population"].values[1, ..., 5] = 100.0 * np.array([1.0, 1.5, 2.5, 3.0, 4.0])
    summary = study_summary(ds)
    row = _row(summary, "[bold]much[/bold]")  # names are no markup
    assert "+300" in row
    assert "+300.0 %" in row
    assert summary["scenarios"][1]["doubling"] == {"share": 1.0, "median_years": 1.5}
    assert any(line.startswith("runs: 3") for line in study_lines(summary))


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_figure(study, tmp_path, ending):
    path = plot_study(study if ending == "png" else study.isel(time=slice(0, 21, 5)), tmp_path / f"study.{ending}")
    head = path.read_bytes()[:300]
    assert {"png": b"\x89PNG", "svg": b"<svg", "pdf": b"%PDF"}[ending] in head


@pytest.mark.filterwarnings("error")
def test_figures_of_odd_studies(study, tmp_path):
    """One scenario; a single record; runs cut off and missing; many scenarios; nothing ever happens."""
    cut = ensembles.cut(study.isel(run=slice(12)), 0, 2, 2028.0)
    cut["number"].values[1, 5] = np.nan
    many = study.isel(run=slice(6), scenario=[0] * 9).assign_coords(scenario=[f"scenario {k}" for k in range(9)])
    for k, ds in enumerate(
        (study.isel(scenario=[0]), study.isel(time=[0]), cut.chunk(run=5), many, ensembles.empty(runs=2, years=3))
    ):
        assert plot_study(ds, tmp_path / f"{k}.png").stat().st_size > 10_000


def test_the_figure_counts_the_runs_that_are_finished(study, drawn):
    ds = ensembles.cut(study, 1, 3, 2033.2)
    for name, da in ds.data_vars.items():
        if "time" in da.dims:
            ds[name].values[0, 30:] = np.nan
    below = "runs: 40 of each scenario, finished: no removal 30, removal 40; 1 cut off for too many objects"
    assert drawn(ds).get_supxlabel().startswith(below)
    assert drawn(study.isel(run=[0])).get_supxlabel() == "runs: 1 of each scenario"


@pytest.mark.filterwarnings("error")
def test_names_of_scenarios_fit_into_the_figure(study, drawn):
    names = ["$x^{ for $5", "_first", "[W]" * 66, *(f"an even longer name of scenario {k}" for k in range(6))]
    figure = drawn(study.isel(run=slice(5), scenario=[0] * 9).assign_coords(scenario=names))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        r"\$x^{ for \$5",
        "_first",
        "[W][W][W][W][W]…W][W][W][W][W]",
        *(f"an even longer … of scenario {k}" for k in range(6)),
    ]
    assert [handle.get_color() for handle in legend.legend_handles[:2]] == ["#0072B2", "#D55E00"]
    box = legend.get_window_extent()
    assert 0.0 <= box.x0 < box.x1 <= figure.bbox.x1
    long = drawn(study.isel(run=slice(5)).assign_coords(scenario=["x" * 200, "removal"]))
    title = long.axes[2].title.get_window_extent()
    assert title.x1 < long.axes[3].get_window_extent().x0


@pytest.mark.parametrize("years", [1, 3, 20])
def test_ticks_of_years_are_whole_and_apart(drawn, years):
    figure = drawn(ensembles.study(runs=2, years=years))
    for axes in figure.axes[:3]:
        low, high = axes.get_xlim()
        ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
        assert all(tick == round(tick) for tick in ticks)
        assert 2 <= len(ticks) <= 9


def test_runs_that_are_cut_off_at_once_are_seen(drawn):
    ds = ensembles.study(runs=1, years=20)
    figure = drawn(ensembles.cut(ensembles.cut(ds, 0, 0, 2025.5), 1, 0, 2025.5))
    for axes in figure.axes[:3]:
        assert axes.get_xlim() == pytest.approx((2025.0, 2045.0), abs=0.5)
        assert axes.lines[0].get_marker() == "o"


def test_impossible_studies(study, tmp_path):
    with pytest.raises(InputError, match=r"no ensemble of stmgpu\.evolve: it has no variable 'population'"):
        study_summary(study.drop_vars("population"))
    with pytest.raises(InputError, match="no run of this study is finished"):
        study_summary(study.where(study.run < 0))
    with pytest.raises(StmgpuError, match="cannot write the picture"):
        plot_study(study, tmp_path / "study.doc")
    with pytest.raises(StmgpuError, match="cannot write the picture"):
        plot_study(study, tmp_path / "nowhere" / "study.png")


def test_table_needs_no_matplotlib():
    code = "import sys, stmgpu.report.study.figure; print('matplotlib' in sys.modules, 'dask' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", "False"]
