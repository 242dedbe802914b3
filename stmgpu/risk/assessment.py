"""Assessment of conjunctions: the risk of every row, with what it stands on. ``stmgpu.assess``."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.backend import BackendName, get_backend
from stmgpu.errors import InputError
from stmgpu.progress import Progress, reporting
from stmgpu.propagate.settings import operation_mode
from stmgpu.risk import variables as v
from stmgpu.risk.assessor import Assessor
from stmgpu.risk.pair_states import PairPropagator, Pairs
from stmgpu.risk.settings import DECISION_HOURS, AssessmentSettings
from stmgpu.risk.triage import counts
from stmgpu.screen.encounters import SLOW
from stmgpu.screen.screening import screening_objects
from stmgpu.screen.variables import ROW
from stmgpu.window import Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr

    from stmgpu.catalog import Catalog
    from stmgpu.catalog.trajectories.trajectories import Trajectories
    from stmgpu.choices import ElementSets, SlowMethods
    from stmgpu.progress import Report
    from stmgpu.propagate.screening_objects import ScreeningObjects

ROWS_AT_ONCE = 1 << 16
"""Conjunctions whose covariances are held in memory at once."""

_ENCOUNTER, _STAY = ("tca", "primary", "secondary", "miss_distance"), ("entry", "exit", "flags")
PAIR_COLUMNS = _ENCOUNTER + _STAY
"""Columns of conjunctions that an assessment may start from."""


def assess(
    conjunctions: xr.Dataset,
    catalog: Catalog | None,
    *,
    ephemeris: Trajectories | None = None,
    covariance: str = "tle",
    radii: str = "socrates",
    lines: str = "cara",
    decision_hours: float = DECISION_HOURS,
    slow: SlowMethods = "stated",
    samples: int = 0,
    seed: int = 0,
    mode: str = "i",
    sets: ElementSets | None = None,
    backend: BackendName = "auto",
    threads: int | None = None,
    progress: Progress = None,
) -> xr.Dataset:
    """Assess conjunctions: the collision probability of every row, and what it stands on.

    Parameters
    ----------
    conjunctions : xr.Dataset
        Result of :func:`stmgpu.screen`, or some of its rows.
    catalog : Catalog or None
        Catalogue that was screened.
    ephemeris : Trajectories, optional
        Trajectories that were screened with it.
    covariance : str
        Source of the covariances: 'tle', 'rtn:R,T,N' [m] or a file, see
        :func:`stmgpu.risk.covariance.covariance_source`.
    radii : str
        Rule of the hard-body radii: 'socrates', 'cara', 'tracss', 'fixed:M' [m] or a file, see
        :func:`stmgpu.risk.radii.radius_rule`.
    lines : str
        Lines of the triage: 'cara', '1e-5', '1e-6' or a file, see :func:`stmgpu.risk.triage.lines`.
    decision_hours : float
        Time before TCA at which a decision is made, for ``p_act`` [h].
    slow : {'stated', 'all'}
        Whether curved and slow encounters get a probability (2D-Nc, 3D-Nc) where covariances are stated alone, or
        also where they are only a model, which takes up to seconds for each of them. The same holds for pairs that stay
        near each other (dwell), where the conjunctions have ``entry`` and ``exit``.
    samples : int
        Monte Carlo samples of each conjunction for which no method holds, or nc_3d is only an upper limit; 0 for none.
    seed : int
        Seed of their random numbers, from 0 to 2^64 - 1.
    mode : str
        Operation mode of SGP4 in the screening.
    sets : {'nearest', 'newest'}, optional
        Element sets in the screening, see :func:`stmgpu.screen`.
    backend : str
        'auto', 'cpu', 'cuda' or 'reference'.
    threads : int, optional
        Threads of the cpu backend; default all cores.
    progress : callable or bool, optional
        Called with the fraction done; True shows a bar of ``tqdm``.

    Returns
    -------
    xr.Dataset
        The conjunctions with the variables :data:`stmgpu.risk.variables.VARIABLES`, and what they stand on as
        attributes. A row for which no method holds has its largest probability and NaN in ``pc``.

    Raises
    ------
    InputError
        If an argument is impossible, or the conjunctions do not follow from these objects.

    Examples
    --------
    >>> import stmgpu as stm
    >>> cat = stm.synthetic_catalog(n=500, seed=1)
    >>> con = stm.screen(cat, hours=1, threshold_km=10)
    >>> risks = stm.assess(con, cat, covariance="rtn:100,300,100", radii="fixed:20")
    >>> bool((risks.pc_max >= risks.pc.fillna(0.0)).all())
    True
    """
    settings = AssessmentSettings(covariance, radii, lines, decision_hours, slow, samples, seed)
    window = window_of(conjunctions)
    objects = screening_objects(catalog, ephemeris).for_window(window, sets)
    runner = get_backend(backend, threads)
    with reporting(progress, "assessment") as report:
        propagator = PairPropagator(objects, window, operation_mode(mode), runner)
        source = settings.source(norad_ids=ids_by_designator(objects))
        assessor = Assessor(propagator, source, settings.rule(), settings.limits(), **settings.methods())
        columns = assess_pairs(assessor, pairs_of(conjunctions), report)
    return assessed(conjunctions, columns, settings.attributes() | result_attributes(columns))


def ids_by_designator(objects: ScreeningObjects) -> dict[str, int]:
    """Ids of screened objects by international designator and by name, as ephemerides name them."""
    ids, catalog = objects.norad_id.tolist(), objects.catalog
    known = dict(zip(objects.name.tolist(), ids, strict=True))
    known |= dict(zip(catalog.object_id.tolist(), catalog.norad_id.tolist(), strict=True))
    known.pop("", None)
    return known


def pairs_of(conjunctions: xr.Dataset) -> Pairs:
    """Columns of conjunctions that an assessment starts from; :class:`InputError` if one is missing."""
    missing = [name for name in _ENCOUNTER if name not in conjunctions.variables]
    if missing or ROW not in conjunctions.dims:
        raise InputError(
            f"the Dataset is not a result of a screening (it lacks {', '.join(missing) or ROW}); pass what "
            "stmgpu.screen returns, or some of its rows"
        )
    stay = None
    if set(_STAY) <= set(conjunctions.variables):
        slow = (conjunctions["flags"].to_numpy() & SLOW) != 0
        ends = np.stack([conjunctions[name].to_numpy().astype("datetime64[ns]") for name in ("entry", "exit")], axis=1)
        stay = np.where(slow[:, np.newaxis], ends, np.datetime64("NaT", "ns"))
    tca, primary, secondary, miss = (conjunctions[name].to_numpy() for name in _ENCOUNTER)
    return Pairs(tca, primary, secondary, miss, stay)


def assess_pairs(assessor: Assessor, pairs: Pairs, report: Report | None = None) -> dict[str, np.ndarray[Any, Any]]:
    """Columns of an assessment of any number of conjunctions."""
    parts = []
    for begin in range(0, max(len(pairs), 1), ROWS_AT_ONCE):
        parts.append(assessor.run(pairs[begin : begin + ROWS_AT_ONCE]).columns)
        if report is not None:
            report(min(1.0, (begin + ROWS_AT_ONCE) / max(len(pairs), 1)))
    return {name: np.concatenate([part[name] for part in parts]) for name in v.VARIABLES if name in parts[0]}


def assessed(
    conjunctions: xr.Dataset, columns: Mapping[str, np.ndarray[Any, Any]], attrs: Mapping[str, Any]
) -> xr.Dataset:
    """Conjunctions with the columns and attributes of their assessment, instead of those of an earlier one."""
    bare = conjunctions.drop_vars([name for name in v.VARIABLES if name in conjunctions.variables])
    added: xr.Dataset = bare.assign({name: v.VARIABLES[name].of(values) for name, values in columns.items()})
    return added.assign_attrs(attrs)


def result_attributes(columns: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
    """Sums of an assessment, as attributes: numbers of decisions, and expected collisions.

    Objects without relative velocity, docked or one under two ids, are not expected to collide.
    """
    pc = columns["pc"]
    together = (columns["pc_flags"] & v.NO_SPEED) != 0
    return {
        "triage_counts": json.dumps(counts(columns["triage"])),
        "expected_collisions": float(math.fsum(pc[np.isfinite(pc) & ~together].tolist())),
        "rows_without_probability": int(np.isnan(pc).sum()),
    }


def window_of(conjunctions: xr.Dataset) -> Window:
    """Window of the screening that found conjunctions; :class:`InputError` if their attributes do not tell it."""
    try:
        start, duration_s = conjunctions.attrs["start"], float(conjunctions.attrs["duration_s"])
    except KeyError as error:
        raise InputError(
            f"the conjunctions lack the attribute {error}; pass what stmgpu.screen returns, or some of its rows"
        ) from None
    return Window.of(start, hours=duration_s / 3600.0)
