"""Conjunction data messages of the assessed conjunctions of a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.errors import InputError, StoreError
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.risk.message_building import MessageObjects, conjunction_messages
from stmgpu.risk.settings import AssessmentSettings
from stmgpu.risk.variables import FLAGS, METHODS
from stmgpu.store.encounters import encounters
from stmgpu.store.run import open_run
from stmgpu.store.run_input import INPUTS
from stmgpu.store.schema import ASSESSMENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr

    from stmgpu.messages.cdm import ConjunctionMessage
    from stmgpu.typing import Bools, Ints

METHOD_NAMES = {"plane_2d": "FOSTER-1992"}
"""Names of CCSDS's registry for methods; others are written in capitals. Foster's integral is the exact 2-D one."""


def writable(conjunctions: xr.Dataset, above: float | None = None) -> Ints:
    """Rows of assessed conjunctions that a message can be written of: both objects have a covariance.

    Parameters
    ----------
    conjunctions : xr.Dataset
        From a store with an assessment.
    above : float, optional
        Least probability of a row: its Pc, or where no method holds its largest probability.

    Raises
    ------
    InputError
        If there is no assessment, or the limit is not a probability.
    """
    if "pc" not in conjunctions.variables:
        raise InputError("the conjunctions are not assessed, so there are no covariances; run `stmgpu assess` first")
    if above is not None and not 0.0 <= above <= 1.0:
        raise InputError(f"the least probability is {above:g}, allowed is a number from 0 to 1")
    pc, largest = conjunctions["pc"].to_numpy(), conjunctions["pc_max"].to_numpy()
    missing = next(bit for bit, name in FLAGS.items() if name == "covariance_missing")
    good: Bools = (conjunctions["pc_flags"].to_numpy() & missing) == 0
    if above is not None:
        good &= np.where(np.isnan(pc), largest, pc) >= above
    return np.flatnonzero(good)


def messages_of(
    conjunctions: xr.Dataset,
    *,
    frame: str = "EME2000",
    originator: str = "STMGPU",
    created: np.datetime64 | None = None,
) -> list[ConjunctionMessage]:
    """Messages of assessed conjunctions of a store.

    Parameters
    ----------
    conjunctions : xr.Dataset
        Conjunctions with an assessment, from :func:`stmgpu.open_dataset`, or some of their rows; see `writable`.
    frame, originator, created
        See :func:`stmgpu.risk.conjunction_messages`.

    Returns
    -------
    list of ConjunctionMessage
        One for each row, the primary as OBJECT1. Comments hold the hard-body radius and its source, the covariance
        model, the flags, the largest probability and the decision of the triage.

    Raises
    ------
    InputError
        If a row has no covariance, or the conjunctions are not from a store.
    StoreError
        If the store has no assessment, or it is damaged.

    Examples
    --------
    >>> con = stm.open_dataset("day.zarr")  # doctest: +SKIP
    >>> stm.write_cdm(stm.messages_of(con.isel(conjunction=[0])), "first.cdm")  # doctest: +SKIP
    """
    found = encounters(conjunctions)
    folder = Path(conjunctions.encoding["source"])
    run = open_run(folder / ASSESSMENT)
    objects, settings = open_run(folder).run_input(), run.document.settings
    if not isinstance(objects, ScreeningObjects) or not isinstance(settings, AssessmentSettings):
        raise StoreError(f"{folder} is damaged: an assessment stands on the objects of a screening")
    is_model = settings.source(run.run_folder / INPUTS).is_model
    values: dict[str, Any] = {str(name): variable.to_numpy() for name, variable in conjunctions.variables.items()}
    sides = [_side(number, values, found, objects, is_model=is_model) for number in (1, 2)]
    methods = [METHODS[int(code)] for code in values["pc_method"]]
    return conjunction_messages(
        values["tca"],
        *sides,
        radius_m=values["hard_body_radius"],
        radius_source=values["hard_body_source"].tolist(),
        probability=values["pc"],
        probability_method=[METHOD_NAMES.get(name, name.upper().replace("_", "-")) for name in methods],
        remarks=[_remarks(values, k, methods[k], conjunctions.attrs) for k in range(len(methods))],
        frame=frame,
        state_frame="GCRF",
        originator=originator,
        created=created,
    )


def _side(
    number: int, values: Mapping[str, Any], found: xr.Dataset, objects: ScreeningObjects, *, is_model: bool
) -> MessageObjects:
    role = "primary" if number == 1 else "secondary"
    ids = values[role]
    n, text = len(ids), np.full(len(ids), "")
    object_ids = dict(zip(objects.catalog.norad_id.tolist(), objects.catalog.object_id.tolist(), strict=True))
    object_id = np.array([object_ids.get(k, "") for k in ids.tolist()], np.str_)
    ages = values.get(f"{role}_epoch_age_days", np.full(n, np.nan))
    return MessageObjects(
        ids, values[f"{role}_name"], object_id, values.get(f"{role}_type", text),
        found[f"state_{number}"].to_numpy(), found[f"covariance_{number}"].to_numpy(),
        values[f"covariance_source_{number}"], np.full(n, is_model),
        [[_state_of(age)] for age in ages.tolist()],
    )  # fmt: skip


def _state_of(age_days: float) -> str:
    if np.isnan(age_days):
        return "state interpolated in a trajectory"
    return f"state by SGP4 from elements {age_days:.3f} days old at TCA"


def _remarks(values: Mapping[str, Any], k: int, method: str, attrs: Mapping[str, Any]) -> list[str]:
    flags = [name for bit, name in FLAGS.items() if int(values["pc_flags"][k]) & bit]
    found = [f"method of the collision probability: {method}", f"flags: {', '.join(flags) or 'none'}"]
    if np.isfinite(values["pc_max"][k]):
        found.append(f"largest probability over the size of the covariance = {float(values['pc_max'][k]):.6e}")
    if "triage_reason" in values:
        found.append(f"triage: {values['triage_reason'][k]}")
    if attrs.get("covariance_notice"):
        found.append(str(attrs["covariance_notice"]))
    return found
