"""Commands about covariance models of element sets: learn one, judge it, test its realism."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from stmgpu.cli import common
from stmgpu.cli.common import Backend, Threads, backend_name, note, say
from stmgpu.cli.ephemerides import EphemerisSources
from stmgpu.cli.outputs import check_outputs, name_of, opened
from stmgpu.cli.results import result
from stmgpu.errors import InputError, counted, printable
from stmgpu.files import writing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from stmgpu.risk.covariance_model import CovarianceModel
    from stmgpu.risk.histories import ElementSets, Errors

Histories = Annotated[
    list[Path],
    typer.Argument(
        metavar="HISTORY",
        help="Files of element sets (TLE, 3LE or OMM) that hold several sets of an object over time: histories of "
        "objects, or the catalogues of many days.",
    ),
]
References = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE[=NORAD]",
        help="Independent states of the same objects, such as an operator's OEM or Starlink's public ephemerides; a "
        "folder or quoted pattern of them. May be repeated.",
    ),
]
Ages = Annotated[
    str | None,
    typer.Option(help="Limits of the ranges of ages in days, such as 0.5,1.5,3,6. Default: 0.75,1.5,2.5,3.5,5.5,8.5."),
]
_LARGEST_DAYS = 60.0
_SHOWN_FILES = 5


def fit(
    histories: Histories,
    out: Annotated[Path, typer.Option(help="Model to write (TOML); replaces an existing file.")],
    reference: References = None,
    ages: Ages = None,
    name: Annotated[str | None, typer.Option(help="Name of the model. Default: the name of the file.")] = None,
    lenient: common.Lenient = False,
    max_size_gib: common.MaxSizeGib = None,
    backend: Backend = "auto",
    threads: Threads = None,
) -> None:
    """Learn a covariance model of element sets from their histories.

    Older sets are propagated to the epochs of newer ones; percentiles of the
    differences become sigmas, by regime and age. With --reference each of
    these gets a verdict; without it the model may be wrong by any factor, and
    says so.
    """
    from stmgpu.backend import get_backend
    from stmgpu.risk.calibration import judge, learn
    from stmgpu.risk.covariance_model import format_model
    from stmgpu.risk.histories import against, consistency

    check_outputs(None, out)
    edges = _edges(ages)
    called = _name(name, out)
    sources = EphemerisSources.of(reference) if reference else None
    runner = get_backend(backend_name(backend, threads), threads=threads)
    sets = _sets(histories, lenient=lenient, max_size_gib=max_size_gib)
    errors = consistency(sets, edges, backend=runner)
    _failed(errors)
    obtained = printable(
        f"{_extent(sets)}, of {_listed(histories)}; older sets were propagated by SGP4 to the epochs of newer ones; "
        "sigmas are 68.27 %, tails 95.45 % percentiles of the absolute differences along the axes of the newer state; "
        "manoeuvres are not removed"
    )
    model, left_out = learn(errors, edges, name=called, obtained=obtained)
    if sources is not None:
        truth = sources.read(None, start=None, duration_s=0.0, skip=False, covariances=False, max_size_gib=max_size_gib)
        found = against(sets, truth, edges, backend=runner)
        _failed(found)
        model = judge(model, found, reference=printable(f"states of {sources.shown}", 500))
    with writing(opened(out)) as file:
        file.write(format_model(model).encode())
    _report(model, left_out, out)


def check(
    histories: Histories,
    covariance: Annotated[
        str,
        typer.Option(
            metavar="SOURCE",
            help="Covariances to test: tle, a model (.toml), or rtn:R,T,N with standard deviations in metres.",
        ),
    ] = "tle",
    reference: References = None,
    ages: Ages = None,
    lenient: common.Lenient = False,
    max_size_gib: common.MaxSizeGib = None,
    backend: Backend = "auto",
    threads: Threads = None,
) -> None:
    """Test whether covariances of element sets are realistic.

    Squared errors in units of their covariance (d2) against chi-square, by
    regime and age: their mean and median, the p-value of the test of Cramer
    and von Mises, and the factor of all sigmas that fits best.
    """
    from stmgpu.backend import get_backend
    from stmgpu.risk.covariance import covariance_source
    from stmgpu.risk.covariance_model import REGIMES
    from stmgpu.risk.histories import against, consistency
    from stmgpu.risk.realism import realism, squared_distances

    edges = _edges(ages)
    source = covariance_source(covariance)
    sources = EphemerisSources.of(reference) if reference else None
    runner = get_backend(backend_name(backend, threads), threads=threads)
    sets = _sets(histories, lenient=lenient, max_size_gib=max_size_gib)
    if sources is None:
        errors = consistency(sets, edges, backend=runner)
        meaning = (
            "errors are differences of older and newer element sets: they hold the errors of both, and not those that "
            "both share; only a --reference shows whether covariances are right"
        )
    else:
        truth = sources.read(None, start=None, duration_s=0.0, skip=False, covariances=False, max_size_gib=max_size_gib)
        errors = against(sets, truth, edges, backend=runner)
        meaning = f"errors are against states of {sources.shown}"
    _failed(errors)
    jd = np.zeros(len(errors))
    found = source.at(errors.norad_id, errors.state_km, (jd, jd), errors.age_days)
    distance2 = squared_distances(errors.error_m[:, :3], found.matrix[:, :3, :3])
    regimes = errors.regime
    rows: list[dict[str, Any]] = []
    together = ["all"] if len(np.unique(regimes)) > 1 else []
    for regime, (low, high) in itertools.product([*REGIMES, *together], itertools.pairwise(edges)):
        chosen = (errors.age_days >= low) & (errors.age_days < high)
        if regime != "all":
            chosen &= regimes == REGIMES.index(regime)
        if chosen.any():
            tested = realism(distance2[chosen])
            rows.append({"regime": regime, "age_days": [low, high]} | vars(tested))
    without = int(np.isnan(distance2).sum())

    def show(console: Console) -> None:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table

        table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column("regime", no_wrap=True)
        for head in ("age\n\\[d]", "sets", "mean d2\n(3)", "median d2\n(2.37)", "p-value", "sigmas\nx"):
            table.add_column(head, justify="right", no_wrap=True)
        for row in rows:
            table.add_row(
                row["regime"],
                f"{row['age_days'][0]:g}-{row['age_days'][1]:g}",
                str(row["count"]),
                *(f"{row[key]:.3g}" if np.isfinite(row[key]) else "" for key in ("mean", "median", "p_value", "scale")),
            )
        console.print(table)
        if without:
            console.print(f"{counted(without, 'error')} without a covariance")
        for text in (f"covariances: {source.name}", meaning, source.notice):
            console.print(text, markup=False, highlight=False)

    document = {"covariance": source.name, "notice": source.notice, "errors_are": meaning, "without": without}
    result(document | {"strata": rows}, show)


def _edges(text: str | None) -> tuple[float, ...]:
    from stmgpu.risk.calibration import EDGES_DAYS

    if text is None:
        return EDGES_DAYS
    try:
        edges = tuple(float(part) for part in text.split(","))
    except ValueError:
        edges = ()
    rising = all(low < high for low, high in itertools.pairwise(edges))
    if len(edges) < 2 or not rising or not (edges[0] >= 0.01 and edges[-1] <= _LARGEST_DAYS):
        raise InputError(
            f"--ages is {text[:60]!r}, allowed are two or more rising numbers of days from 0.01 to {_LARGEST_DAYS:g}, "
            "such as 0.5,1.5,3,6"
        )
    return edges


def _name(name: str | None, out: Path) -> str:
    if name is None:
        return re.sub(r"[^A-Za-z0-9._-]+", "-", out.stem).lstrip("._-")[:40] or "model"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", name, re.ASCII):
        raise InputError(
            f"--name is {name[:60]!r}, allowed are up to 40 letters, digits, dots, dashes and underscores, the first a "
            "letter or digit"
        )
    return name


def _sets(histories: Sequence[Path], *, lenient: bool, max_size_gib: float | None) -> ElementSets:
    from stmgpu.risk.histories import ElementSets

    sets = ElementSets.of([common.read(path, lenient=lenient, max_size_gib=max_size_gib) for path in histories])
    note(f"histories: {_extent(sets)}")
    return sets


def _extent(sets: ElementSets) -> str:
    from stmgpu.time import format_utc, to_datetime64

    epochs = to_datetime64(sets.epoch_jd, sets.epoch_fr)
    first, last = (format_utc(time, 0)[:10] for time in (epochs.min(), epochs.max()))
    objects = counted(len(np.unique(sets.norad_id)), "object", ",")
    return f"{counted(len(sets), 'element set', ',')} of {objects}, {first} to {last}"


def _listed(paths: Sequence[Path]) -> str:
    names = [path.name for path in paths[:_SHOWN_FILES]]
    more = len(paths) - len(names)
    return ", ".join(names) + (f" and {counted(more, 'more file')}" if more else "")


def _failed(errors: Errors) -> None:
    if errors.failed:
        say(f"{counted(errors.failed, 'error', verb='are')} left out, since SGP4 has no state there")


def _report(model: CovarianceModel, left_out: Sequence[str], out: Path) -> None:
    from stmgpu.risk.covariance import TLE_NOTICE

    rows = [row.model_dump() for row in model.stratum]
    judged = {word: sum(row.verdict == word for row in model.stratum) for word in ("calibrated", "failed", "too few")}

    def show(console: Console) -> None:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table

        table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
        table.add_column("regime", no_wrap=True)
        heads = ["age\n\\[d]", "R\n\\[km]", "T\n\\[km]", "N\n\\[km]", "pairs"]
        for head in [*heads, *(["sets"] if model.reference else ["objects", "tail/T"])]:
            table.add_column(head, justify="right", no_wrap=True)
        if model.reference:
            table.add_column("errors in\nsigmas R T N", justify="right", no_wrap=True)
            table.add_column("verdict", no_wrap=True)
        for row in model.stratum:
            ratio = "" if row.ratio is None else " ".join(f"{x:.2g}" for x in row.ratio)
            tail = "" if row.tail_m is None else f"{row.tail_m[1] / row.sigma_m[1]:.2g}"
            table.add_row(
                row.regime,
                f"{row.age_days[0]:g}-{row.age_days[1]:g}",
                *(f"{x / 1e3:.3g}" for x in row.sigma_m),
                str(row.pairs),
                *([str(row.compared), ratio, row.verdict] if model.reference else [str(row.objects), tail]),
            )
        console.print(table)
        lines = [f"left out, too few: {text}" for text in left_out]
        if model.reference:
            counts = ", ".join(f"{number} {word}" for word, number in judged.items())
            lines += [f"against {model.reference}: {counts}", model.criterion]
        else:
            lines.append(f"{model.name} was {model.notice}")
        for text in (*lines, TLE_NOTICE):
            console.print(text, markup=False, highlight=False)

    document = model.model_dump(exclude={"stratum", "format"}) | {"strata": rows, "left_out": left_out}
    verdicts = judged if model.reference else None
    result(document | {"verdicts": verdicts, "tle_notice": TLE_NOTICE}, show, written=[Path(name_of(out))])
