"""``stmgpu plot``: figures of stores, and what it refuses before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import ensembles
from support.commands import refused, stmgpu
from support.page_stores import conjunctions

from stmgpu.store import write_dataset


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(conjunctions(300), tmp_path_factory.mktemp("s") / "day.zarr", "conjunctions")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(
        ensembles.study(runs=6, years=4).drop_vars("run"), tmp_path_factory.mktemp("s") / "study.zarr", "ensemble"
    )


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_figure_has_the_name_of_store_and_kind(store: Path, here: Path) -> None:
    result = stmgpu("plot", store, "rate")
    assert (result.exit_code, result.stdout) == (0, "written: day-rate.png\n"), result.stderr
    assert (here / "day-rate.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_overview_is_drawn_unless_another_is_named(store: Path, study: Path, here: Path) -> None:
    for each in (store, study):
        result = stmgpu("plot", each)
        assert result.exit_code == 0, result.stderr
        assert (here / f"{each.stem}-overview.png").stat().st_size > 10_000


@pytest.mark.slow
def test_options_reach_the_figure(study: Path, here: Path) -> None:
    for k, options in enumerate((("--effect", "population"), ("--effect", "reduction"))):
        assert stmgpu("plot", study, "policies", *options, "--out", f"{k}.png").exit_code == 0
    assert (here / "0.png").read_bytes() != (here / "1.png").read_bytes()
    for k, prices in enumerate((("per_removal=2",), ("per_removal=2", "fixed=50"))):
        arguments = [part for price in prices for part in ("--price", price)]
        assert stmgpu("plot", study, "cost", *arguments, "--width", "two", "--out", f"c{k}.png").exit_code == 0
    assert (here / "c0.png").read_bytes() != (here / "c1.png").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("pie", "there is no figure 'pie'; choose one of overview, miss_distance, .*gabbard"),
        ("flux", r"flux cannot be drawn of .*day\.zarr: it holds conjunctions; choose one of overview, miss_distance"),
        ("rate --event 3", "--event is for encounter_plane and gabbard; rate has no use for it"),
        ("rate --price per_kg=1", "--price is for cost; rate has no use for it"),
        ("rate --out x.gif", "'.gif' is not a figure format; choose one of .png, .svg, .pdf"),
        ("rate --out -", "not a figure format"),
        ("rate --out nowhere/x.png", "there is no folder .*nowhere; create it first"),
        ("rate --out taken.png", "it exists and is not an ordinary file"),
        ("encounter_plane", "needs miss_major, which these conjunctions lack; assess them first"),
    ],
)
def test_what_is_refused_leaves_nothing(store: Path, here: Path, arguments: str, message: str) -> None:
    (here / "taken.png").mkdir()
    refused(stmgpu("plot", store, *arguments.split()), message)
    assert [path.name for path in here.iterdir()] == ["taken.png"]


def test_prices_are_names_and_numbers(study: Path, here: Path) -> None:
    refused(stmgpu("plot", study, "cost", "--price", "per_kg"), "--price is 'per_kg', allowed is KEY=VALUE")
    refused(stmgpu("plot", study, "cost", "--price", "x=1"), "price 'x' is unknown; choose per_removal")
    refused(stmgpu("plot", study, "ages"), "it holds a debris study; choose one of overview, density, rate, flux")
    assert not list(here.iterdir())


def test_stores_that_cannot_be_drawn(store: Path, here: Path) -> None:
    refused(stmgpu("plot", "none.zarr", "rate"), "there is no store at none.zarr")
    empty = write_dataset(conjunctions(0), here / "empty.zarr", "conjunctions")
    for kind in ("rate", "overview"):
        refused(stmgpu("plot", empty, kind), f"there are no conjunctions for {kind}; screen with a larger threshold")
    (here / "copy.zarr").mkdir()
    refused(stmgpu("plot", "copy.zarr", "rate"), "no store|is not a store|unfinished", code=2)
    assert {path.name for path in here.iterdir()} == {"empty.zarr", "copy.zarr"}
