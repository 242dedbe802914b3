"""Collision probabilities of conjunction data messages, each with what it stands on and what speaks against it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import get_backend
from stmgpu.catalog.object_data import TYPE_NAMES
from stmgpu.errors import InputError
from stmgpu.frames import to_teme, without_rotation
from stmgpu.risk import variables
from stmgpu.risk.cross_correlation import shared_errors
from stmgpu.risk.maximum import maximum_probability
from stmgpu.risk.validity import CURVED_FARTHEST, CURVED_LONGEST, FARTHEST, INACCURATE, LONGEST, best_probability

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stmgpu.backend import Backend
    from stmgpu.messages.cdm import ConjunctionMessage
    from stmgpu.messages.cdm.message import ConjunctionObject
    from stmgpu.risk.radii import RadiusRule
    from stmgpu.risk.validity import BestProbability
    from stmgpu.typing import Floats

METHODS = {
    variables.NONE: "",
    variables.PLANE: "2-D",
    variables.CURVED_PLANE: "2D-Nc",
    variables.ENTRIES: "3D-Nc",
    variables.STAY: "dwell",
    variables.SAMPLES: "Monte Carlo",
}
"""Methods as messages and tables name them, by the codes of :data:`stmgpu.risk.variables.METHODS`."""

_WORDS = {
    variables.CLIPPED: "an eigenvalue of the covariance was raised",
    variables.NOT_POSITIVE: "the covariance in the encounter plane is not positive",
    variables.NO_SPEED: "there is no relative velocity",
    variables.NO_MISS: "there is no miss",
    variables.INDEFINITE: "the covariance of an object is not positive definite",
    variables.NO_VELOCITIES: "a covariance lacks velocities, so that no method for curved orbits can be applied",
    variables.UNSTEADY: "the relative speed is below three sigmas of its own error: 2D-Nc does not hold",
    variables.BLENDED: "3D-Nc is an upper limit: one pass may count more than once",
    variables.STAYS: "the objects stay near each other: 3D-Nc counts one revolution about TCA",
    variables.NO_OVERLAP: "2D-Nc found no overlap of the errors, so that curvature is not known",
}


@dataclass(frozen=True)
class MessageRisk:
    """The risk of one message.

    Attributes
    ----------
    source, message_id : str
        File and place, and MESSAGE_ID.
    tca : numpy.datetime64
        TCA of the message, UTC.
    designators, names, covariance_sources : tuple of str
        Of both objects; the last is COVARIANCE_METHOD.
    miss_m, speed_m_s, shift_s : float
        Distance and relative speed at the closest approach of straight relative motion, and its time after TCA.
    miss_major_m, miss_minor_m, sigma_major_m, sigma_minor_m : float
        Miss and standard deviations along the principal axes of the combined covariance in the encounter plane.
    radius_m, radius_source : float and str
        Combined hard-body radius, and where it stands.
    probability, method : float and str
        Collision probability by the method that may be believed, '2-D', '2D-Nc' or '3D-Nc'; NaN and '' where none
        holds.
    plane_probability, curved_probability : float
        Two-dimensional collision probability, and that of 2D-Nc, in any case; NaN where they cannot be computed.
    refuted : bool
        Whether the two-dimensional method does not hold.
    maximum, maximum_scale : float
        Largest two-dimensional probability when both covariances are scaled by one number, and the factor of the
        sigmas there; the probability is diluted where it is below 1.
    duration, offset : float
        Bounds of the encounter (V. Coppola, AAS 12-248, 2012): its length, and the distance of its middle from the
        closest approach, both in units of the shorter orbital period.
    correlated : bool
        Whether a common error of the density forecast is taken into account; the method may be one that goes without.
    inaccuracy : float
        Inaccuracy of the two-dimensional method for curved orbits, 0 to 1, see
        :class:`stmgpu.risk.validity.BestProbability`; above 0.02 it does not hold.
    flags : tuple of str
        What a reader of the numbers should know, in words.
    stated, stated_method : float and str
        COLLISION_PROBABILITY of the message, NaN if it has none, and its method.
    message : ConjunctionMessage
        The message itself.
    """

    source: str
    message_id: str
    tca: np.datetime64
    designators: tuple[str, str]
    names: tuple[str, str]
    covariance_sources: tuple[str, str]
    miss_m: float
    speed_m_s: float
    shift_s: float
    miss_major_m: float
    miss_minor_m: float
    sigma_major_m: float
    sigma_minor_m: float
    radius_m: float
    radius_source: str
    probability: float
    method: str
    plane_probability: float
    curved_probability: float
    refuted: bool
    maximum: float
    maximum_scale: float
    duration: float
    offset: float
    correlated: bool
    inaccuracy: float
    flags: tuple[str, ...]
    stated: float
    stated_method: str
    message: ConjunctionMessage = field(repr=False)


def message_risks(
    messages: Sequence[ConjunctionMessage],
    *,
    radius_m: float | None = None,
    radii: RadiusRule | None = None,
    cross_correlation: bool = True,
    on_rejected: Callable[[str], None] | None = None,
    backend: str | Backend = "auto",
) -> list[MessageRisk]:
    """Collision probabilities of messages.

    Parameters
    ----------
    messages : sequence of ConjunctionMessage
        From :func:`stmgpu.read_cdm`.
    radius_m : float, optional
        Combined hard-body radius of all; by default that which each message states.
    radii : RadiusRule, optional
        Rule for messages that state no radius, see :func:`stmgpu.risk.radius_rule`.
    cross_correlation : bool
        Whether the common error of the density forecast is taken into account where a message states it for both
        objects, see :mod:`stmgpu.risk.cross_correlation`.
    on_rejected : callable, optional
        Called with the reason for each message that is left out. Without it, the first one is raised.
    backend : str or Backend, optional
        Backend or its name, see :func:`stmgpu.get_backend`.

    Returns
    -------
    list of MessageRisk
        One for each message that can be used.

    Raises
    ------
    InputError
        If the radius is not a finite number of 0 or more; without `on_rejected`, if a message states no radius or one
        that is wrong, or its states are not in an inertial frame of the Earth.

    Examples
    --------
    >>> [risk.probability for risk in message_risks(stm.read_cdm("event.cdm"))]  # doctest: +SKIP
    [1.863e-05]
    """
    if radius_m is not None and not 0.0 <= radius_m < np.inf:
        raise InputError(f"radius is {radius_m}, allowed is a finite number of 0 or more")
    used, combined = usable(messages, radius_m, radii, on_rejected=on_rejected)
    if not used:
        return []
    runner = get_backend(backend) if isinstance(backend, str) else backend
    radius = np.array([value for value, _ in combined])
    r1, v1, c1, r2, v2, c2 = message_states(used)
    shared, notes = shared_errors(used) if cross_correlation else (np.zeros((len(used), 2, 6)), [""] * len(used))
    best = best_probability(r1, v1, c1, r2, v2, c2, radius, shared=shared, backend=runner)
    found = best.encounters
    plane = (found.miss_major_m, found.miss_minor_m, found.sigma_major_m, found.sigma_minor_m, radius)
    maximum = maximum_probability(*plane, backend=runner)
    return [
        _risk(
            message,
            best,
            k,
            combined[k],
            (float(maximum[0][k]), float(maximum[1][k])),
            correlated=bool(shared[k].any()),
            note=notes[k],
        )
        for k, message in enumerate(used)
    ]


def usable(
    messages: Sequence[ConjunctionMessage],
    radius_m: float | None,
    radii: RadiusRule | None,
    *,
    on_rejected: Callable[[str], None] | None,
) -> tuple[list[ConjunctionMessage], list[tuple[float, str]]]:
    """Messages whose frames and radii are known, and these radii; the others are rejected, or the first one raises."""
    used: list[ConjunctionMessage] = []
    combined: list[tuple[float, str]] = []
    for message in messages:
        try:
            check_frames(message)
            combined.append(radius_of(message, radius_m, radii))
        except InputError as error:
            text = f"CDM {message.source!r}: {error}"
            if on_rejected is None:
                raise InputError(text) from None
            on_rejected(text)
        else:
            used.append(message)
    return used, combined


def check_frames(message: ConjunctionMessage) -> None:
    """Raise :class:`InputError` if the states of a message cannot be compared.

    Both may be in ITRF: at one instant their relation does not depend on the Earth's orientation.
    """
    frames = [one.frame for one in message.objects]
    for number, one in enumerate(message.objects, start=1):
        if one.frame == "ITRF" and frames != ["ITRF", "ITRF"]:
            raise InputError(
                f"OBJECT{number} has REF_FRAME ITRF, which turns with the Earth; convert its state to EME2000 or GCRF, "
                "or give both objects in ITRF"
            )
        center = one.fields.get("ORBIT_CENTER", "EARTH")
        if center.upper() != "EARTH":
            raise InputError(f"OBJECT{number} has ORBIT_CENTER {center[:40]!r}, allowed is EARTH")


def radius_of(message: ConjunctionMessage, given: float | None, rule: RadiusRule | None) -> tuple[float, str]:
    """Combined hard-body radius of a message [m] and its source; :class:`InputError` if there is none."""
    if given is not None:
        return given, "given"
    stated, where = message.hard_body_radius()
    if not np.isnan(stated):
        return stated, where
    if rule is None:
        raise InputError(
            "it states no hard-body radius for both objects; give --radius (radius_m=) in metres or --radii (radii=)"
        )
    first, second = (
        rule.of([_catalog_number(one.designator)], [one.name], [_object_type(one)]) for one in message.objects
    )
    radius, source = rule.combined(first, second)
    return float(radius[0]), str(source[0])


def _catalog_number(designator: str) -> int:
    """Catalogue number that a designator is, 0 where it is another text."""
    return int(designator) if designator.isascii() and designator.isdigit() and len(designator) <= 18 else 0


def _object_type(one: ConjunctionObject) -> str:
    return TYPE_NAMES.get(one.fields.get("OBJECT_TYPE", "").strip().upper(), "")


def message_states(messages: Sequence[ConjunctionMessage]) -> list[Floats]:
    """States of both objects of n messages; those of different frames along the axes of TEME.

    Returns
    -------
    list of float64
        Position [km] and velocity [km/s] of shape (n, 3) and RTN covariance [m^2, m^2/s, m^2/s^2] of shape (n, 6, 6)
        of the first object, then of the second one.
    """
    columns: list[Floats] = []
    for k in (0, 1):
        objects = [message.objects[k] for message in messages]
        r = np.array([one.position_km for one in objects]).reshape(-1, 3)
        v = np.array([one.velocity_km_s for one in objects]).reshape(-1, 3)
        for row, message in enumerate(messages):
            if objects[row].frame == "ITRF":
                v[row] = without_rotation(r[row], v[row])
            elif message.objects[0].frame != message.objects[1].frame:
                time = message.tca.astype("datetime64[ns]").astype(np.int64)
                r[row : row + 1], v[row : row + 1] = to_teme(
                    objects[row].frame, [time], r[row : row + 1], v[row : row + 1]
                )
        columns += [r, v, np.array([one.covariance[:6, :6] for one in objects]).reshape(-1, 6, 6)]
    return columns


def _risk(
    message: ConjunctionMessage,
    best: BestProbability,
    k: int,
    radius: tuple[float, str],
    maximum: tuple[float, float],
    *,
    correlated: bool,
    note: str,
) -> MessageRisk:
    found, bits = best.encounters, int(best.flags[k])
    flags = [word for bit, word in _WORDS.items() if bits & bit]
    for bit, text in (
        (variables.EXTENDED, f"extended: it lasts {best.duration[k]:.3g} of a period, 2-D holds to {LONGEST:g}"),
        (variables.OFFSET, f"offset: its middle is {best.offset[k]:.3g} of a period off, 2-D holds to {FARTHEST:g}"),
        (
            variables.SHIFTED,
            f"shifted: straight motion is closest {best.shift[k]:.3g} of a period from TCA, 2-D holds to {FARTHEST:g}",
        ),
        (
            variables.CURVED,
            f"curved: errors follow the orbits, inaccuracy of 2-D {best.inaccuracy[k]:.3g}, it holds to {INACCURATE:g}",
        ),
        (
            variables.CURVED_EXTENDED,
            f"the curved encounter lasts {best.curved_duration[k]:.3g} of a period, 2D-Nc holds to {CURVED_LONGEST:g}",
        ),
        (
            variables.CURVED_OFFSET,
            f"its end is {best.curved_offset[k]:.3g} of a period from TCA, 2D-Nc holds to {CURVED_FARTHEST:g}",
        ),
    ):
        if bits & bit:
            flags.append(text)
    if note:
        kept = f" for 2-D alone, and not for {METHODS[int(best.method[k])]}" if bits & variables.UNCORRELATED else ""
        flags.append(note + kept)
    if message.objects[0].frame == "ITRF":
        flags.append("in ITRF: polar motion is left out, which may move Pc by 0.2 % for needle-like covariances")
    if maximum[1] < 1.0:
        flags.append("diluted: better data may raise the probability")
    one, two = message.objects
    values = {name: float(getattr(found, name)[k]) for name in _COLUMNS}
    return MessageRisk(
        source=message.source,
        message_id=message.message_id,
        tca=message.tca,
        designators=(one.designator, two.designator),
        names=(one.name, two.name),
        covariance_sources=(one.fields.get("COVARIANCE_METHOD", ""), two.fields.get("COVARIANCE_METHOD", "")),
        **values,
        radius_m=radius[0],
        radius_source=radius[1],
        probability=float(best.probability[k]),
        method=METHODS[int(best.method[k])],
        plane_probability=float(best.plane_probability[k]),
        curved_probability=float(best.curved_probability[k]),
        refuted=int(best.method[k]) != variables.PLANE,
        maximum=maximum[0],
        maximum_scale=maximum[1],
        duration=float(best.duration[k]),
        offset=float(best.offset[k]),
        correlated=correlated,
        inaccuracy=float(best.inaccuracy[k]),
        flags=tuple(flags),
        stated=message.number("COLLISION_PROBABILITY"),
        stated_method=message.fields.get("COLLISION_PROBABILITY_METHOD", ""),
        message=message,
    )


_COLUMNS = ("miss_m", "speed_m_s", "shift_s", "miss_major_m", "miss_minor_m", "sigma_major_m", "sigma_minor_m")
