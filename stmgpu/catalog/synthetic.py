"""Synthetic catalogue with the proportions of the public one, for demonstrations, tests and benchmarks.

Proportions follow the public catalogue of mid-2024 (26,389 element sets): LEO 82 %, MEO 4 %, GEO 6 %, HEO 8 %, and 15 %
with periods of 225 minutes or more. Within LEO, shares of heights and inclinations were chosen to give the same peaks
(500-560, 800, 1000, 1200 and 1450 km; 43, 53, 70-74, 82, 87 and 97-99 deg). No element is taken from a real object.
Every value is rounded to the digits of a two-line element set, so that all formats carry it and last-bit differences of
a machine's mathematical functions have no effect.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stmgpu.catalog import orbits
from stmgpu.catalog.catalog import Catalog
from stmgpu.catalog.limits import MAX_NORAD_ID
from stmgpu.constants import WGS72
from stmgpu.errors import InputError
from stmgpu.time import as_epoch
from stmgpu.typing import Floats, Ints, Strings, is_whole

Elements = dict[str, npt.NDArray[Any]]

_SHARES = {"LEO": 0.82, "MEO": 0.04, "GEO": 0.06}  # the rest is HEO
_LOWEST_PERIGEE_KM = 190.0
_LEO_TOP_KM = 1990.0
_DEG = 180.0 / math.pi
_TICKS_PER_DAY = 100_000_000  # the digits of an epoch in a two-line element set


@dataclass(frozen=True)
class _Shell:
    """A constellation: satellites phased evenly in evenly spaced planes."""

    share: float
    height_km: float
    inclination_deg: float
    planes: int


@dataclass(frozen=True)
class _Band:
    """Unrelated objects around a height and an inclination (mean and standard deviation)."""

    share: float
    height_km: tuple[float, float]
    inclination_deg: tuple[float, float]
    eccentricity: float
    payloads: float


_SHELLS = (
    _Shell(0.165, 550.0, 53.05, 72),
    _Shell(0.095, 530.0, 43.0, 56),
    _Shell(0.030, 570.0, 70.0, 36),
    _Shell(0.015, 560.0, 97.6, 10),
    _Shell(0.030, 1200.0, 87.9, 12),
    _Shell(0.004, 780.0, 86.4, 6),
)
_BANDS = (
    _Band(0.120, (520.0, 45.0), (97.5, 0.25), 0.0012, 0.75),
    _Band(0.130, (790.0, 70.0), (98.6, 0.45), 0.006, 0.15),
    _Band(0.080, (700.0, 110.0), (98.2, 0.60), 0.012, 0.10),
    _Band(0.070, (960.0, 60.0), (82.9, 0.20), 0.006, 0.15),
    _Band(0.050, (830.0, 60.0), (71.0, 0.70), 0.004, 0.10),
    _Band(0.050, (780.0, 90.0), (74.0, 0.20), 0.008, 0.10),
    _Band(0.060, (1460.0, 60.0), (74.0, 0.15), 0.007, 0.30),
    _Band(0.031, (1000.0, 80.0), (100.0, 1.50), 0.020, 0.10),
    _Band(0.025, (420.0, 25.0), (51.6, 0.40), 0.0010, 0.55),
    _Band(0.020, (320.0, 45.0), (70.0, 22.0), 0.004, 0.30),
    _Band(0.025, (650.0, 220.0), (32.0, 4.0), 0.040, 0.20),
)


def synthetic_catalog(n: int = 27_000, *, seed: int = 0, epoch: object = "2025-01-01T00:00:00") -> Catalog:
    """Draw a catalogue with the proportions of the public one.

    Parameters
    ----------
    n : int
        Number of objects, 1 to 10,000,000. Their ids are 1 to n, their names SYN-00001 and so on.
    seed : int
        Seed of NumPy's PCG64; the same seed gives the same catalogue.
    epoch : Epoch, str or datetime64
        Newest possible epoch, UTC. Element sets are up to 10 days older, most of them less than one day.

    Returns
    -------
    Catalog
        With radii and masses. A few dozen pairs (from n of a few thousand on) share an orbit, as docked craft do.

    Raises
    ------
    InputError
        For an `n`, `seed` or `epoch` that cannot be used.

    Examples
    --------
    >>> cat = synthetic_catalog(1000, seed=3)
    >>> len(cat), str(cat.name[0])
    (1000, 'SYN-00001')
    """
    if not is_whole(n) or not 1 <= n <= min(10_000_000, MAX_NORAD_ID):
        raise InputError(f"number of objects is {n!r}, allowed is a whole number from 1 to 10,000,000")
    if not is_whole(seed) or seed < 0:
        raise InputError(f"seed is {seed!r}, allowed is a whole number of 0 or more")
    n = int(n)
    newest = as_epoch(epoch)
    rng = np.random.Generator(np.random.PCG64(int(seed)))

    counts = {name: int(share * n + 0.5) for name, share in _SHARES.items()}
    counts["LEO"] = max(counts["LEO"], 1)
    counts["MEO"] = min(counts["MEO"], n - counts["LEO"])
    counts["GEO"] = min(counts["GEO"], n - counts["LEO"] - counts["MEO"])
    parts = [
        _leo(rng, counts["LEO"]),
        _meo(rng, counts["MEO"]),
        _geo(rng, counts["GEO"]),
        _heo(rng, n - sum(counts.values())),
    ]
    order = rng.permutation(n)
    elements = {key: np.concatenate([part[key] for part in parts])[order] for key in parts[0]}
    age_ticks = _ages(rng, n)
    _share_orbits(rng, elements, age_ticks)
    _advance(elements, age_ticks / -_TICKS_PER_DAY)

    newest_tick = math.floor(newest.fr * _TICKS_PER_DAY)
    days, ticks = np.divmod(newest_tick - age_ticks, _TICKS_PER_DAY)
    perigee, _ = orbits.apsis_heights_km(_rad_per_min(elements["rev_per_day"]), elements["e"])
    kind = elements["kind"].astype(str)
    radius_m = np.round(_radii(rng, kind), 3)
    return Catalog.from_columns(
        norad_id=np.arange(1, n + 1),
        name=[f"SYN-{i:05d}" for i in range(1, n + 1)],
        object_type=kind,
        epoch_jd=newest.jd + days,
        epoch_fr=ticks / float(_TICKS_PER_DAY),
        mean_motion=_rad_per_min(np.round(elements["rev_per_day"], 8)),
        eccentricity=np.round(elements["e"], 7),
        inclination=np.round(elements["i"], 4) * (math.pi / 180.0),
        raan=_angle(elements["raan"]),
        argp=_angle(elements["argp"]),
        mean_anomaly=_angle(elements["m"]),
        bstar=_bstar(rng, perigee),
        element_set_no=999,
        rev_at_epoch=rng.integers(1, 60_000, n),
        hard_body_radius_m=radius_m,
        mass_kg=np.round(80.0 * radius_m**2.5 + 0.01, 2),
        source=f"synthetic_catalog(n={n}, seed={int(seed)}, epoch={newest})",
    )


def _rad_per_min(rev_per_day: Floats) -> Floats:
    return rev_per_day / 720.0 * math.pi


def _angle(degrees: Floats) -> Floats:
    return np.round(degrees % 360.0, 4) % 360.0 * (math.pi / 180.0)


def _orbit(rng: np.random.Generator, axis_km: Floats, e: Floats, inclination: Floats, payloads: float) -> Elements:
    """Unrelated orbits of given size and shape with random angles; perigee is kept above the lowest allowed."""
    count = len(axis_km)
    draw = rng.random(count)
    kind = np.select([draw < payloads, draw < payloads + 0.08], ["PAYLOAD", "ROCKET BODY"], "DEBRIS")
    inclination = np.abs(inclination)
    return {
        "rev_per_day": orbits.mean_motion_of_axis(axis_km) * 720.0 / math.pi,
        "e": np.clip(e, 0.0, 1.0 - (WGS72.radius_km + _LOWEST_PERIGEE_KM) / axis_km),
        "i": np.where(inclination > 180.0, 360.0 - inclination, inclination),
        "raan": rng.uniform(0.0, 360.0, count),
        "argp": rng.uniform(0.0, 360.0, count),
        "m": rng.uniform(0.0, 360.0, count),
        "kind": kind,
    }


def _between(
    rng: np.random.Generator, perigee: tuple[float, float], apogee: tuple[float, float], count: int
) -> tuple[Floats, Floats]:
    """Axes [km] and eccentricities of orbits with heights drawn evenly from two ranges."""
    low = rng.uniform(*perigee, count) + WGS72.radius_km
    high = rng.uniform(*apogee, count) + WGS72.radius_km
    return (low + high) / 2.0, (high - low) / (high + low)


def _split(count: int, shares: list[float]) -> list[int]:
    """Whole numbers in the given proportions that add up to the count."""
    edges = np.floor(np.cumsum(shares) / sum(shares) * count + 0.5).astype(int)
    return [int(size) for size in np.diff(edges, prepend=0)]


def _leo(rng: np.random.Generator, count: int) -> Elements:
    sizes = _split(count, [group.share for group in (*_SHELLS, *_BANDS)])
    parts = [_shell(rng, shell, size) for shell, size in zip(_SHELLS, sizes[: len(_SHELLS)], strict=True)]
    for band, size in zip(_BANDS, sizes[len(_SHELLS) :], strict=True):
        height = np.clip(rng.normal(*band.height_km, size), 215.0, 1700.0)
        axis = WGS72.radius_km + height
        e = np.minimum(rng.rayleigh(band.eccentricity, size), (WGS72.radius_km + _LEO_TOP_KM) / axis - 1.0)
        parts.append(_orbit(rng, axis, e, rng.normal(*band.inclination_deg, size), band.payloads))
    return _concatenate(parts)


def _shell(rng: np.random.Generator, shell: _Shell, count: int) -> Elements:
    planes = min(shell.planes, max(count, 1))
    plane, place = np.arange(count) % planes, np.arange(count) // planes
    slots = -(-count // planes)
    axis = WGS72.radius_km + shell.height_km + rng.normal(0.0, 0.05, count)
    elements = _orbit(rng, axis, np.abs(rng.normal(1.4e-4, 3e-5, count)), np.full(count, shell.inclination_deg), 1.0)
    elements["i"] = elements["i"] + rng.normal(0.0, 0.003, count)
    elements["raan"] = 360.0 * plane / planes + rng.normal(0.0, 0.02, count)
    elements["argp"] = rng.normal(90.0, 8.0, count)
    phasing = _phasing(planes, max(slots, 1), shell.inclination_deg)
    latitude = 360.0 * (place + plane * phasing / planes) / max(slots, 1) + rng.normal(0.0, 0.02, count)
    elements["m"] = (latitude - elements["argp"]) % 360.0
    return elements


def _phasing(planes: int, slots: int, inclination_deg: float) -> int:
    """Phasing number of a Walker pattern (Walker 1984) with its satellites furthest apart, as operators choose it.

    Two planes whose nodes differ by W cross where the arguments of latitude differ by 2 atan(cos i tan(W / 2)); there
    their satellites are apart by what is left of the phase difference, shortened by the angle between the planes.
    """
    if planes < 2:
        return 0
    tilt = inclination_deg / _DEG
    node = 2.0 * math.pi * np.arange(1, planes) / planes
    between = np.arccos(np.cos(tilt) ** 2 + np.sin(tilt) ** 2 * np.cos(node))
    crossing = 2.0 * np.arctan(np.cos(tilt) * np.tan(node / 2.0))
    spacing = 2.0 * math.pi / slots
    phase = np.arange(planes)[:, None] * np.arange(1, planes) / planes * spacing
    left = np.abs((phase + crossing + spacing / 2.0) % spacing - spacing / 2.0)
    separation = np.sin(left / 2.0) * np.cos(between / 2.0)
    return int(np.argmax(separation.min(axis=1)))


def _meo(rng: np.random.Generator, count: int) -> Elements:
    navigation, low = _split(count, [0.85, 0.15])
    axis = rng.choice([25_508.0, 26_560.0, 27_906.0, 29_600.0], navigation) + rng.normal(0.0, 60.0, navigation)
    e = np.minimum(np.abs(rng.normal(0.002, 0.004, navigation)), 0.05)
    parts = [_orbit(rng, axis, e, np.clip(rng.normal(58.5, 3.5, navigation), 52.0, 66.5), 0.6)]
    axis, e = _between(rng, (2050.0, 3200.0), (3200.0, 5200.0), low)
    parts.append(_orbit(rng, axis, e, rng.choice([52.0, 63.4, 82.0, 90.0, 108.0], low) + rng.normal(0, 1.0, low), 0.1))
    return _concatenate(parts)


def _geo(rng: np.random.Generator, count: int) -> Elements:
    kept, drifting = _split(count, [0.4, 0.6])
    parts = [_orbit(rng, rng.normal(42_164.5, 1.0, kept), rng.uniform(0, 5e-4, kept), rng.uniform(0, 0.1, kept), 1.0)]
    axis = 42_164.5 + rng.choice([0.0, 300.0], drifting) + rng.normal(0.0, 60.0, drifting)
    inclination = 15.0 * np.sqrt(rng.random(drifting))
    parts.append(_orbit(rng, axis, np.minimum(rng.exponential(0.002, drifting), 0.08), inclination, 0.5))
    return _concatenate(parts)


def _heo(rng: np.random.Generator, count: int) -> Elements:
    low, transfer, molniya, wide = _split(count, [0.30, 0.42, 0.15, 0.13])
    axis, e = _between(rng, (300.0, 1500.0), (2100.0, 6500.0), low)
    parts = [_orbit(rng, axis, e, rng.choice([28.5, 46.0, 65.0, 82.0, 99.0], low) + rng.normal(0, 2.0, low), 0.1)]
    axis, e = _between(rng, (_LOWEST_PERIGEE_KM + 20.0, 1500.0), (30_000.0, 36_500.0), transfer)
    tilt = rng.choice([6.0, 20.0, 27.0, 48.0], transfer) + rng.normal(0.0, 1.5, transfer)
    parts.append(_orbit(rng, axis, e, tilt, 0.1))
    axis, e = rng.normal(26_560.0, 40.0, molniya), rng.uniform(0.68, 0.738, molniya)
    orbit = _orbit(rng, axis, e, rng.normal(63.8, 0.9, molniya), 0.4)
    orbit["argp"] = rng.normal(270.0, 12.0, molniya)
    parts.append(orbit)
    axis, e = _between(rng, (800.0, 9000.0), (37_000.0, 120_000.0), wide)
    parts.append(_orbit(rng, axis, e, rng.normal(40.0, 20.0, wide), 0.4))
    return _concatenate(parts)


def _concatenate(parts: list[Elements]) -> Elements:
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _ages(rng: np.random.Generator, n: int) -> Ints:
    """Ages of the element sets in 1e-8 day: a third of a day on average, 3 % spread up to 10 days."""
    age = np.minimum(rng.exponential(0.33, n), 2.0)
    stale = rng.random(n) < 0.03
    age[stale] = rng.uniform(1.0, 10.0, int(stale.sum()))
    return np.asarray(np.rint(age * _TICKS_PER_DAY), np.int64)


def _share_orbits(rng: np.random.Generator, elements: Elements, age_ticks: Ints) -> None:
    """Put a few dozen objects on the orbits of others: docked (metres apart) or following (kilometres apart)."""
    candidates = np.flatnonzero(np.isin(elements["kind"], ["PAYLOAD"]))
    pairs = min(40, len(elements["e"]) // 200, len(candidates) // 2)
    chosen = rng.choice(candidates, 2 * pairs, replace=False) if pairs else np.zeros(0, np.int64)
    lead, follow = chosen[:pairs], chosen[pairs:]
    for column in elements.values():
        column[follow] = column[lead]
    docked = np.arange(pairs) % 2 == 0
    elements["m"][follow] += np.where(docked, rng.uniform(1e-4, 3e-4, pairs), rng.uniform(0.01, 0.4, pairs))
    age_ticks[follow] = age_ticks[lead]


def _advance(elements: Elements, days: Floats) -> None:
    """Move angles by J2's secular rates, so that shells are in phase at one instant although epochs differ."""
    n, cosine = elements["rev_per_day"] * 360.0, np.cos(elements["i"] / _DEG)
    axis = orbits.semi_major_axis_km(_rad_per_min(elements["rev_per_day"]))
    factor = 1.5 * WGS72.j2 * (WGS72.radius_km / (axis * (1.0 - elements["e"] ** 2))) ** 2 * n
    elements["raan"] = elements["raan"] - factor * cosine * days
    elements["argp"] = elements["argp"] + factor * (2.5 * cosine**2 - 0.5) * days
    elements["m"] = elements["m"] + n * days


def _bstar(rng: np.random.Generator, perigee_km: Floats) -> Floats:
    """B* of five digits: around 3e-4 where the atmosphere acts, smaller for the lowest, mostly 0 far out."""
    count = len(perigee_km)
    centre = np.interp(perigee_km, [200.0, 350.0, 550.0, 800.0, 1000.0, 1500.0], [-4.3, -3.7, -3.4, -3.6, -3.4, -3.2])
    value = 10.0 ** np.clip(rng.normal(centre, 0.35), -6.0, -1.8)
    value = np.where(rng.random(count) < 0.02, -0.2 * value, value)
    value = np.where((perigee_km > 2000.0) & (rng.random(count) < 0.9), 0.0, value)
    exponent = np.floor(np.log10(np.where(value == 0.0, 1.0, np.abs(value)))) + 1.0
    digits = np.rint(value * 10.0 ** (5.0 - exponent)).astype(np.int64)
    return np.array([float(f"{d}e{int(x) - 5}") for d, x in zip(digits.tolist(), exponent.tolist(), strict=True)])


def _radii(rng: np.random.Generator, kind: Strings) -> Floats:
    draw = rng.lognormal(0.0, 0.6, len(kind))
    scale = np.select([kind == "PAYLOAD", kind == "ROCKET BODY"], [1.4, 2.5], 0.12)
    return np.asarray(np.clip(scale * draw, 0.03, 15.0))
