"""Commands about covariance models of element sets: learn one, judge it, test its realism."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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

    from stmgpu.catalog.trajectories import Trajectories
    from stmgpu.risk.covariance_model import CovarianceModel
    from stmgpu.risk.histories import ElementSets, Errors
    from stmgpu.typing import Floats

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
    typer.Option(
        help="Limits of the ranges of ages in days, such as 0.5,1.5,3,6. Default: 0.75,1.5,2.5,3.5,5.5,8.5; of an "
        "ephemeris, from its begin: 0,0.25,0.5,1,2,3,5,8.5."
    ),
]
_LARGEST_DAYS = 60.0
_SHOWN_FILES = 5
_EPHEMERIS_DAYS = (0.0, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.5)
_DIFFERENCES = (
    "errors are differences of older and newer element sets: they hold the errors of both, and not those that both "
    "share; only a --reference shows whether covariances are right"
)


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
        found = against(sets, _states(sources, max_size_gib), edges, backend=runner)
        _failed(found)
        model = judge(model, found, reference=printable(f"states of {sources.shown}", 500))
    with writing(opened(out)) as file:
        file.write(format_model(model).encode())
    _report(model, left_out, out)


def check(
    histories: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[HISTORY]", help="Files of element sets, as for `stmgpu covariance fit`."),
    ] = None,
    covariance: Annotated[
        str,
        typer.Option(
            metavar="SOURCE",
            help="Covariances of the element sets: tle, a model (.toml), a table (.csv), or rtn:R,T,N with standard "
            "deviations in metres.",
        ),
    ] = "tle",
    ephemeris: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE[=NORAD]",
            help="Ephemerides with covariances of their own (OEM, Starlink) to test instead of element sets; needs "
            "--reference. May be repeated.",
        ),
    ] = None,
    reference: References = None,
    ages: Ages = None,
    lenient: common.Lenient = False,
    max_size_gib: common.MaxSizeGib = None,
    backend: Backend = "auto",
    threads: Threads = None,
) -> None:
    """Test whether covariances are realistic.

    Squared errors in units of their covariance (d2) against chi-square, by
    regime and age: their mean and median, the p-value of the test of Cramer
    and von Mises, and the factor of all sigmas that fits best.
    """
    from stmgpu.backend import get_backend
    from stmgpu.risk.covariance import MISSING, covariance_source
    from stmgpu.risk.covariance_files import EphemerisCovariance
    from stmgpu.risk.histories import against, consistency, of_ephemerides

    if bool(histories) == bool(ephemeris):
        raise InputError("give either histories of element sets, or ephemerides with --ephemeris")
    if ephemeris and not reference:
        raise InputError("--ephemeris needs --reference: states of the same objects that are better than the ephemeris")
    edges = _edges(ages, _EPHEMERIS_DAYS if ephemeris else None)
    source = covariance_source(covariance)
    tested, sources = (EphemerisSources.of(files) if files else None for files in (ephemeris, reference))
    runner = get_backend(backend_name(backend, threads), threads=threads)
    truth = _states(sources, max_size_gib) if sources is not None else None
    meaning = f"errors are against states of {sources.shown}" if sources is not None else _DIFFERENCES
    if tested is not None and truth is not None:
        own = _states(tested, max_size_gib, covariances=True)
        source = EphemerisCovariance(own, tested.shown)
        errors = of_ephemerides(own, truth, backend=runner)
        meaning += "; those of one ephemeris depend on each other, so p-values are too small"
    else:
        sets = _sets(histories or (), lenient=lenient, max_size_gib=max_size_gib)
        errors = (
            consistency(sets, edges, backend=runner) if truth is None else against(sets, truth, edges, backend=runner)
        )
    _failed(errors)
    found = source.at(errors.norad_id, errors.state_km, errors.time_jd, errors.age_days)
    rows = _tested(errors, found.matrix, edges)
    without = int(((found.flags & MISSING) != 0).sum())
    document = {"covariance": source.name, "notice": source.notice, "errors_are": meaning, "without": without}
    notes = [f"{counted(without, 'error')} without a covariance"] if without else []
    notes += [f"covariances: {source.name}", meaning, *([source.notice] if source.notice else [])]
    result(document | {"strata": rows}, lambda console: _show_tested(console, rows, notes))


def _tested(errors: Errors, matrix: Floats, edges: Sequence[float]) -> list[dict[str, Any]]:
    """Realism of each regime and range of ages that has errors."""
    import numpy as np

    from stmgpu.risk.covariance_model import REGIMES
    from stmgpu.risk.realism import realism, squared_distances

    distance2 = squared_distances(errors.error_m[:, :3], matrix[:, :3, :3])
    regimes = errors.regime
    rows: list[dict[str, Any]] = []
    together = ["all"] if len(np.unique(regimes)) > 1 else []
    for regime, (low, high) in itertools.product([*REGIMES, *together], itertools.pairwise(edges)):
        chosen = (errors.age_days >= low) & (errors.age_days < high)
        if regime != "all":
            chosen &= regimes == REGIMES.index(regime)
        if chosen.any():
            rows.append({"regime": regime, "age_days": [low, high]} | vars(realism(distance2[chosen])))
    return rows


def _show_tested(console: Console, rows: Sequence[dict[str, Any]], notes: Sequence[str]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("regime", no_wrap=True)
    for head in ("age\n\\[d]", "errors", "mean d2\n(3)", "median d2\n(2.37)", "p-value", "sigmas\nx"):
        table.add_column(head, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row["regime"],
            f"{row['age_days'][0]:g}-{row['age_days'][1]:g}",
            str(row["count"]),
            *(f"{row[key]:.3g}" if math.isfinite(row[key]) else "" for key in ("mean", "median", "p_value", "scale")),
        )
    console.print(table)
    for text in notes:
        console.print(text, markup=False, highlight=False)


def _states(sources: EphemerisSources, max_size_gib: float | None, *, covariances: bool = False) -> Trajectories:
    return sources.read(
        None, start=None, duration_s=0.0, skip=False, covariances=covariances, max_size_gib=max_size_gib
    )


def _edges(text: str | None, default: tuple[float, ...] | None = None) -> tuple[float, ...]:
    from stmgpu.risk.calibration import EDGES_DAYS

    if text is None:
        return default or EDGES_DAYS
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
    import numpy as np

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
