"""States and covariances of both objects of assessed conjunctions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
import zarr

from stmgpu.errors import InputError, StoreError
from stmgpu.frames import to_teme
from stmgpu.risk.settings import AssessmentSettings
from stmgpu.risk.variables import COVARIANCES, STATE, STATES
from stmgpu.screen.variables import ROW
from stmgpu.store.assessment import finished_assessment
from stmgpu.store.reading import check_arrays, open_dataset
from stmgpu.store.run import open_run
from stmgpu.store.run_input import INPUTS
from stmgpu.store.schema import ENCOUNTERS
from stmgpu.store.writing import reading, write_dataset
from stmgpu.time import from_datetime64

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from stmgpu.typing import Floats

OTHER_STATE = "state_other"
"""Second dimension of a covariance."""

_TERMS = np.tril_indices(6)


def encounters(conjunctions: xr.Dataset | str | os.PathLike[str]) -> xr.Dataset:
    """States and covariances of both objects of assessed conjunctions.

    Parameters
    ----------
    conjunctions : xr.Dataset or path-like
        Conjunctions from the store of a screening, or some of their rows; or the store. Likewise assessed messages.

    Returns
    -------
    xr.Dataset
        ``state_1`` and ``state_2`` (conjunction, state): of the primary and the secondary at TCA in GCRF [km, km/s];
        ``covariance_1`` and ``covariance_2`` (conjunction, state, state_other): in the RTN axes of each object [m^2,
        m^2/s, m^2/s^2], NaN where the source has nothing. Those of a named model are computed again from its name.

    Raises
    ------
    InputError
        If the conjunctions are not from a store.
    StoreError
        If the store has no assessment, or it is damaged.

    Examples
    --------
    >>> encounters(con.isel(conjunction=[0])).state_1.shape  # doctest: +SKIP
    (1, 6)
    """
    con = conjunctions if isinstance(conjunctions, xr.Dataset) else open_dataset(conjunctions)
    source = con.encoding.get("source")
    if ROW not in con.dims or source is None:
        raise InputError(
            "the states of conjunctions stand in the store of their assessment; read the conjunctions with "
            "stmgpu.open_dataset, and pass them or some of their rows"
        )
    folder = Path(source)
    of_messages = "message_id" in con.variables
    part = folder if of_messages else finished_assessment(folder)
    if part is None:
        raise StoreError(f"{folder} has no complete assessment; run `stmgpu assess {folder}`")
    check_arrays(part, "messages" if of_messages else "assessment")
    rows = con[ROW].to_numpy()
    with reading(part):
        group = zarr.open_group(part / ENCOUNTERS, mode="r", zarr_format=3, use_consolidated=False)
        columns = {name: np.asarray(array[...])[rows] for name, array in group.arrays()}
    found = {name: STATES[name].of(columns[name]) for name in STATES}
    for number, who in ((1, "primary"), (2, "secondary")):
        name = f"covariance_{number}"
        matrix = (
            whole(columns[name])
            if name in columns
            else _again(part, con, who, np.asarray(columns[f"state_{number}"], np.float64))
        )
        found[name] = xr.Variable((ROW, STATE, OTHER_STATE), matrix, COVARIANCES[name].attrs())
    attrs = {name: con.attrs[name] for name in ("covariance_model", "covariance_notice") if name in con.attrs}
    return xr.Dataset(found, attrs={"frame": "GCRF", **attrs}).assign_coords({ROW: con[ROW]})


def write_messages(
    table: xr.Dataset, states: Mapping[str, Floats], path: str | os.PathLike[str], *, overwrite: bool = False
) -> Path:
    """Write assessed messages as a store of kind 'messages'.

    Parameters
    ----------
    table, states : xr.Dataset and mapping
        From :func:`stmgpu.risk.message_assessment.assess_messages`.
    path : path-like
        Folder of the store.
    overwrite : bool
        Replace a store that is already there.

    Raises
    ------
    StoreError
        If the path exists, or writing fails; nothing is left behind.
    """
    columns = {name: STATES[name].of(states[name]) for name in STATES}
    columns |= {name: COVARIANCES[name].of(terms(states[name])) for name in COVARIANCES}
    both = table.assign({f"{ENCOUNTERS}/{name}": column for name, column in columns.items()})
    return write_dataset(both, path, "messages", overwrite=overwrite)


def terms(matrix: Floats) -> Floats:
    """Lower triangles [n, 21] of symmetric matrices [n, 6, 6], row by row."""
    return np.ascontiguousarray(matrix[:, _TERMS[0], _TERMS[1]])


def whole(lower: Floats) -> Floats:
    """Symmetric matrices [n, 6, 6] from their lower triangles [n, 21]."""
    matrix = np.empty((len(lower), 6, 6))
    matrix[:, _TERMS[0], _TERMS[1]] = lower
    matrix[:, _TERMS[1], _TERMS[0]] = lower
    return matrix


def _again(part: Path, con: xr.Dataset, who: str, state_gcrf: Floats) -> Floats:
    """Covariances of a named model, computed again."""
    run = open_run(part)
    settings: Any = run.document.settings
    if not isinstance(settings, AssessmentSettings):
        raise StoreError(f"{part} is damaged: its settings are not those of an assessment")
    time = con.tca.to_numpy()
    position, velocity = to_teme(
        "GCRF", time.astype("datetime64[ns]").view(np.int64), state_gcrf[:, :3], state_gcrf[:, 3:]
    )
    age = f"{who}_epoch_age_days"
    ages = con[age].to_numpy() if age in con.variables else np.full(len(time), np.nan)
    source = settings.source(run.run_folder / INPUTS)
    matrix = source.at(con[who].to_numpy(), np.hstack([position, velocity]), from_datetime64(time), ages).matrix
    return np.asarray(matrix, np.float64)
