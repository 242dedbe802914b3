"""Conjunction data messages from columns: states at closest approach, covariances, radii and probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.errors import InputError
from stmgpu.frames import from_teme, known_frame, to_teme
from stmgpu.messages.cdm import ConjunctionMessage, ConjunctionObject
from stmgpu.risk.rotations import local_axes
from stmgpu.time import format_utc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from stmgpu.typing import Bools, Floats, Ints, Strings, Times

FRAMES = ("EME2000", "GCRF")
"""Frames in which states are written; CDM does not allow TEME."""

UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, eq=False)
class MessageObjects:
    """One of both objects of n messages, as columns of shape (n,).

    Parameters
    ----------
    norad_id : int64
        Catalogue numbers, written as OBJECT_DESIGNATOR with nine digits.
    name, object_id, object_type : str
        Name, international designator, and type as in a catalogue; '' where unknown.
    state : float64, shape (n, 6)
        Position [km] and velocity [km/s] at TCA in an inertial frame.
    covariance : float64, shape (n, 6, 6)
        Along the object's own radial, transverse and normal axes [m^2, m^2/s, m^2/s^2]. Rows of the velocity may be NaN
        where it is not known: a message needs all 21 terms, so they are written as 0, and a comment says so.
    covariance_source : str
        Source of each covariance, such as 'tle-2013'.
    is_model : bool
        Whether it is only a model: COVARIANCE_METHOD is then DEFAULT, else CALCULATED.
    remarks : sequence of sequence of str
        Further comments of each object; by default none.
    """

    norad_id: Ints
    name: Strings
    object_id: Strings
    object_type: Strings
    state: Floats
    covariance: Floats
    covariance_source: Strings
    is_model: Bools
    remarks: Sequence[Sequence[str]] = ()


def conjunction_messages(
    tca: Times,
    first: MessageObjects,
    second: MessageObjects,
    *,
    radius_m: npt.ArrayLike,
    radius_source: Sequence[str],
    probability: npt.ArrayLike = np.nan,
    probability_method: Sequence[str] | None = None,
    remarks: Sequence[Sequence[str]] = (),
    fields: Sequence[Mapping[str, str]] = (),
    version: str = "1.0",
    frame: str = "EME2000",
    state_frame: str = "TEME",
    originator: str = "STMGPU",
    created: np.datetime64 | None = None,
) -> list[ConjunctionMessage]:
    """Messages of n conjunctions.

    Covariances stay in the object's own axes, which turn with the frame of the state; RELATIVE_POSITION and
    RELATIVE_VELOCITY are those of the second object from the first, along the axes of the first.

    Parameters
    ----------
    tca : datetime64, shape (n,)
        Times of closest approach, UTC.
    first, second : MessageObjects
        OBJECT1 and OBJECT2.
    radius_m : array_like, shape (n,)
        Combined hard-body radii, written as a comment ``HBR = 20.0 [m]``; one number serves for all.
    radius_source : sequence of str
        Where each radius comes from.
    probability : array_like, shape (n,), optional
        Collision probabilities; NaN where none holds, and the message has none then.
    probability_method : sequence of str, optional
        COLLISION_PROBABILITY_METHOD of each, such as FOSTER-1992.
    remarks : sequence of sequence of str
        Further comments of each message, such as flags; by default none.
    fields : sequence of mapping of str to str
        Further fields of each message; by default none.
    version : {'1.0', '2.0'}
        Version of CDM with which they are written.
    frame : {'EME2000', 'GCRF'}
        Frame in which the states are written.
    state_frame : str
        Frame in which they are given, see :data:`stmgpu.frames.FRAMES`.
    originator : str
        ORIGINATOR.
    created : datetime64, optional
        CREATION_DATE, UTC; default now.

    Returns
    -------
    list of ConjunctionMessage
        To be written by :func:`stmgpu.write_cdm`.

    Raises
    ------
    InputError
        If the frame is another, columns differ in length, or a state or covariance has no finite numbers.
    """
    if frame not in FRAMES:
        raise InputError(f"states of a CDM are written in {' or '.join(FRAMES)}, not in {frame[:40]!r}")
    n = len(tca)
    for number, one in enumerate((first, second), start=1):
        _check(one, number, n)
    optional = {"methods": probability_method or (), "lists of remarks": remarks, "sets of fields": fields}
    for what, column in ({"sources of radii": radius_source} | {k: x for k, x in optional.items() if len(x)}).items():
        if len(column) != n:
            raise InputError(f"there are {n} times and {len(column)} {what}; give one for each")
    radius = np.broadcast_to(np.asarray(radius_m, np.float64), n)
    chance = np.broadcast_to(np.asarray(probability, np.float64), n)
    if not (np.isfinite(radius) & (radius >= 0.0)).all() or (chance < 0.0).any() or (chance > 1.0).any():
        raise InputError("radii must be finite numbers of 0 or more, and probabilities lie between 0 and 1 (or be NaN)")
    times = tca.astype("datetime64[ns]")
    written = np.datetime64("now", "s") if created is None else created.astype("datetime64[ms]")
    creation = format_utc(written, 3)[:-1]
    ns = times.view(np.int64)
    turned = [_turned(one.state, ns, state_frame, frame) for one in (first, second)]
    relative = 1e3 * np.einsum("nia,nbi->nba", local_axes("RTN", turned[0]), (turned[1] - turned[0]).reshape(n, 2, 3))
    names = event_names(first.norad_id, second.norad_id, times)
    found = []
    for k in range(n):
        identity = f"{names[k]}_{_stamp(written)}"
        own = {"CREATION_DATE": creation, "ORIGINATOR": originator, "MESSAGE_ID": identity}
        own["RELATIVE_SPEED"] = repr(float(np.linalg.norm(relative[k, 1])))
        for kind, values in (("POSITION", relative[k, 0]), ("VELOCITY", relative[k, 1])):
            own |= {f"RELATIVE_{kind}_{axis}": repr(float(x)) for axis, x in zip("RTN", values, strict=True)}
        if np.isfinite(chance[k]):
            own["COLLISION_PROBABILITY"] = repr(float(chance[k]))
            if probability_method and probability_method[k]:
                own["COLLISION_PROBABILITY_METHOD"] = str(probability_method[k])
        comments = [f"HBR = {float(radius[k])!r} [m]", f"HBR source: {radius_source[k]}"]
        objects = [_object(one, k, frame, turned[j][k]) for j, one in enumerate((first, second))]
        found.append(
            ConjunctionMessage(
                times[k],
                float(np.linalg.norm(relative[k, 0])),
                (objects[0], objects[1]),
                own | dict(fields[k] if len(fields) else {}),
                (*comments, *(remarks[k] if len(remarks) else ())),
                version=version,
            )
        )
    return found


def event_names(first: Ints, second: Ints, tca: Times) -> list[str]:
    """Names of n conjunctions: catalogue numbers of both objects and TCA to the second.

    Examples
    --------
    >>> event_names([5], [44713], np.array(["2024-07-05T12:00:00"], "M8[ns]"))
    ['000000005_conj_000044713_20240705_120000']
    """
    return [f"{one:09d}_conj_{two:09d}_{_stamp(time)}" for one, two, time in zip(first, second, tca, strict=True)]


def _turned(state: Floats, ns: Ints, given: str, wanted: str) -> Floats:
    if known_frame(given) == wanted:
        return state
    return np.hstack(from_teme(wanted, ns, *to_teme(given, ns, state[:, :3], state[:, 3:])))


def _check(one: MessageObjects, number: int, n: int) -> None:
    columns = (one.norad_id, one.name, one.object_id, one.object_type, one.state, one.covariance, one.is_model)
    if any(len(column) != n for column in (*columns, one.covariance_source)) or len(one.remarks) not in (0, n):
        raise InputError(f"the columns of object {number} are not of the length {n} of the times of closest approach")
    if one.state.shape != (n, 6) or one.covariance.shape != (n, 6, 6):
        raise InputError(
            f"states of object {number} must be of the shape (n, 6) and covariances (n, 6, 6), got {one.state.shape} "
            f"and {one.covariance.shape}"
        )
    for what, good in (
        ("state", np.isfinite(one.state).all(axis=1)),
        ("covariance of the position", np.isfinite(one.covariance[:, :3, :3]).all(axis=(1, 2))),
    ):
        if len(lost := np.flatnonzero(~good)):
            raise InputError(
                f"object {one.norad_id[lost[0]]} has no {what} at conjunction {lost[0]} ({len(lost)} such), and a CDM "
                "needs one; leave these conjunctions out, or take another source"
            )


def _object(one: MessageObjects, k: int, frame: str, state: Floats) -> ConjunctionObject:
    matrix = one.covariance[k]
    known = np.isfinite(matrix)
    comments = [f"covariance source: {one.covariance_source[k]}"]
    if one.is_model[k]:
        comments = [f"covariance: a model, {one.covariance_source[k]}; not from the observations of this object"]
    if not known.all():
        comments.append("the covariance of the velocity is not known; its terms are written as 0")
    fields = {
        "CATALOG_NAME": "SATCAT",
        "INTERNATIONAL_DESIGNATOR": str(one.object_id[k]) or UNKNOWN,
        "EPHEMERIS_NAME": "NONE",
        "COVARIANCE_METHOD": "DEFAULT" if one.is_model[k] else "CALCULATED",
        "MANEUVERABLE": "N/A",
        "ORBIT_CENTER": "EARTH",
    }
    if one.object_type[k]:
        fields["OBJECT_TYPE"] = str(one.object_type[k])
    try:
        return ConjunctionObject(
            f"{one.norad_id[k]:09d}", str(one.name[k]) or UNKNOWN, frame, state[:3], state[3:],
            np.where(known, matrix, 0.0), fields, (*comments, *(one.remarks[k] if len(one.remarks) else ())),
        )  # fmt: skip
    except InputError as error:
        raise InputError(f"object {one.norad_id[k]} at conjunction {k}: {error}") from None


def _stamp(time: np.datetime64) -> str:
    text = str(np.datetime_as_string(time.astype("datetime64[s]")))
    return text.replace("-", "").replace(":", "").replace("T", "_")
