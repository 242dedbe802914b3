"""Commands that draw what is in a store: plot, view."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from stmgpu.cli import common
from stmgpu.cli.outputs import check_outputs, check_picture, is_standard_output, opened
from stmgpu.cli.prices import Prices, prices_of
from stmgpu.cli.results import result
from stmgpu.cli.stores import Store
from stmgpu.errors import InputError, counted
from stmgpu.report.figures.kinds import FIGURES

if TYPE_CHECKING:
    import xarray as xr

_OPTIONS = {"event": "--event", "effect": "--effect", "prices": "--price"}


def plot(
    store: Store,
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"The figure: {', '.join(FIGURES)}.")] = "overview",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Figure to write: .png, .svg or .pdf. Default: STORE-KIND.png, here."),
    ] = None,
    width: Annotated[
        Literal["one", "two"] | None,
        typer.Option(help="Columns of a page that the figure fills. Default: one, and two for overview."),
    ] = None,
    event: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Conjunction of encounter_plane, or breakup of gabbard. Default: the likeliest, or the largest.",
        ),
    ] = None,
    effect: Annotated[
        Literal["population", "collisions", "reduction"] | None,
        typer.Option(help="What policies compares. Default: population."),
    ] = None,
    price: Prices = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Use what is finished of a run that is still computed.")
    ] = False,
    policies: common.Policies = None,
) -> None:
    """Draw a figure of a store: of conjunctions, assessed messages or a debris study."""
    from stmgpu.store import open_dataset

    if kind not in FIGURES:
        raise InputError(f"there is no figure {kind!r}; choose one of {', '.join(FIGURES)}")
    chosen: dict[str, Any] = {"event": event, "effect": effect, "prices": prices_of(price)}
    options = {name: value for name, value in chosen.items() if value is not None}
    for name in options:
        if name not in FIGURES[kind].options:
            takers = [figure for figure, spec in FIGURES.items() if name in spec.options]
            raise InputError(f"{_OPTIONS[name]} is for {' and '.join(takers)}; {kind} has no use for it")
    file = out if out is not None else Path(f"{store.absolute().name.removesuffix('.zarr')}-{kind}.png")
    check_picture(file)
    check_outputs(None, file)
    common.run_policies(policies)
    ds = open_dataset(store, partial=partial, load=False)
    _check_kind(ds, kind, store)
    from stmgpu.report.figures.overview import figure_of
    from stmgpu.report.figures.saving import save

    save(figure_of(kind, ds, width=width or ("two" if kind == "overview" else "one"), **options), file)
    result({"store": store, "kind": kind}, written=[file])


def _check_kind(ds: xr.Dataset, kind: str, store: Path) -> None:
    """Raise :class:`InputError` if the store is of a kind that the figure cannot be drawn of."""
    from stmgpu.report.figures.contents import kind_of

    held = kind_of(ds)
    if held in FIGURES[kind].stores:
        return
    possible = [name for name, spec in FIGURES.items() if held in spec.stores]
    what = f"it holds {'a debris study' if held == 'ensemble' else held}" if held else "it holds an ephemeris"
    cure = f"choose one of {', '.join(possible)}" if possible else "give a store of conjunctions or of a debris study"
    raise InputError(f"{kind} cannot be drawn of {store}: {what}; {cure}")


def view(
    store: Store,
    czml: Annotated[
        Path, typer.Option(metavar="FILE.czml", help="File to write, for Cesium; - writes to standard output.")
    ],
    events: Annotated[int, typer.Option(min=1, max=1000, help="Conjunctions to show, the closest ones.")] = 20,
    backend: common.Backend = "auto",
) -> None:
    """Write the closest conjunctions, and the orbits of their objects, as CZML for Cesium."""
    from stmgpu.report.czml import write_czml

    check_outputs(None, czml)
    shown, objects = write_czml(store, opened(czml), events=events, backend=backend)
    text = f"{counted(shown, 'conjunction')} of {counted(objects, 'object')}"
    document = {"store": store, "conjunctions": shown, "objects": objects}
    result(document, text, written=[] if is_standard_output(czml) else [czml])
