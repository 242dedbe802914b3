"""Conjunction data messages of the assessed conjunctions of a store."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.errors import InputError, StoreError
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.risk.message_building import MessageObjects, conjunction_messages, event_names
from stmgpu.risk.settings import AssessmentSettings
from stmgpu.risk.variables import FLAGS, METHODS
from stmgpu.screen.settings import ScreeningSettings
from stmgpu.store.encounters import encounters
from stmgpu.store.run import open_run
from stmgpu.store.run_input import INPUTS
from stmgpu.store.schema import ASSESSMENT
from stmgpu.time import format_utc, parse_utc

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr

    from stmgpu.messages.cdm import ConjunctionMessage
    from stmgpu.store.run import RunStore
    from stmgpu.typing import Bools, Ints
    from stmgpu.window import Window

DIALECTS = ("ccsds", "tracss")
"""Which fields messages have: those of CDM 1.0, or also those of TraCSS."""

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
    dialect: str = "ccsds",
) -> list[ConjunctionMessage]:
    """Messages of assessed conjunctions of a store.

    Parameters
    ----------
    conjunctions : xr.Dataset
        Conjunctions with an assessment, from :func:`stmgpu.open_dataset`, or some of their rows; see `writable`.
    frame, originator
        See :func:`stmgpu.risk.conjunction_messages`.
    created : datetime64, optional
        CREATION_DATE, UTC; by default the time at which the assessment ended, so that the messages of a store are
        always the same.
    dialect : {'ccsds', 'tracss'}
        Fields of CDM 1.0; or also those that the interface specification of TraCSS (TraCSS Spec-001) takes from the
        draft of CDM 2 and that a store knows: CONJUNCTION_ID, MAHALANOBIS_DISTANCE, APPROACH_ANGLE,
        START_SCREEN_PERIOD, STOP_SCREEN_PERIOD, COLLISION_MAX_PROBABILITY and COLLISION_MAX_PC_METHOD. The version is
        then 2.0.

    Returns
    -------
    list of ConjunctionMessage
        One for each row, the primary as OBJECT1. Comments hold the hard-body radius and its source, the covariance
        model, the flags, the largest probability and the decision of the triage.

    Raises
    ------
    InputError
        If a row has no covariance, the conjunctions are not from a store, or the dialect is unknown.
    StoreError
        If the store has no assessment, or it is damaged.

    Examples
    --------
    >>> con = stm.open_dataset("day.zarr")  # doctest: +SKIP
    >>> stm.write_cdm(stm.messages_of(con.isel(conjunction=[0])), "first.cdm")  # doctest: +SKIP
    """
    if dialect not in DIALECTS:
        raise InputError(f"the dialect {dialect[:40]!r} is unknown, allowed: {', '.join(DIALECTS)}")
    found = encounters(conjunctions)
    folder = Path(conjunctions.encoding["source"])
    run = open_run(folder / ASSESSMENT)
    screening = open_run(folder)
    objects, settings, screened = screening.run_input(), run.document.settings, screening.document.settings
    if not (
        isinstance(objects, ScreeningObjects)
        and isinstance(settings, AssessmentSettings)
        and isinstance(screened, ScreeningSettings)
    ):
        raise StoreError(f"{folder} is damaged: an assessment stands on the objects of a screening")
    is_model = settings.source(run.run_folder / INPUTS).is_model
    official = dialect == "tracss"
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
        fields=_fields_of_tracss(values, screened.window) if official else (),
        version="2.0" if official else "1.0",
        frame=frame,
        state_frame="GCRF",
        originator=originator,
        created=_end_of(run) if created is None else created,
    )


def names_of(conjunctions: xr.Dataset) -> list[str]:
    """Names of conjunctions, from objects and TCA, which do not change when messages are written again.

    Raises
    ------
    InputError
        If two have the same name.
    """
    names = event_names(*(conjunctions[name].to_numpy() for name in ("primary", "secondary", "tca")))
    if len(set(names)) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise InputError(f"two conjunctions have the name {twice}; write them one by one with stm.write_cdm")
    return names


def _end_of(run: RunStore) -> np.datetime64:
    """When the last session ended that computed a part of a run."""
    times = [str(s.get("end", s.get("begin", ""))) for s in run.sessions() if s.get("tiles") != 0]
    if not any(times):
        raise StoreError(f"{run.folder} has no record of when it was computed; give the time with --created (created=)")
    return parse_utc(max(times)).datetime64


def _fields_of_tracss(values: Mapping[str, Any], window: Window) -> list[dict[str, str]]:
    """Fields of each message beyond CDM 1.0, with the keywords and texts of the draft of CDM 2 (CCSDS 508.0-P-1)."""
    begin = window.start.datetime64
    end = begin + np.timedelta64(round(window.duration_s * 1e9), "ns")
    period = {"START_SCREEN_PERIOD": format_utc(begin, 3)[:-1], "STOP_SCREEN_PERIOD": format_utc(end, 3)[:-1]}
    found = []
    for k, name in enumerate(event_names(values["primary"], values["secondary"], values["tca"])):
        fields = {"CONJUNCTION_ID": name, **period}
        for keyword, column in (("MAHALANOBIS_DISTANCE", "mahalanobis"), ("APPROACH_ANGLE", "approach_angle")):
            if np.isfinite(values[column][k]):
                fields[keyword] = repr(float(values[column][k]))
        if np.isfinite(values["pc_max"][k]):
            fields["COLLISION_MAX_PROBABILITY"] = repr(float(values["pc_max"][k]))
            fields["COLLISION_MAX_PC_METHOD"] = "SCALE_COMBINED_COVAR"
        found.append(fields)
    return found


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
