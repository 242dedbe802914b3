"""Brute-force reference screening: all pairs, dense sampling, no grid, no bounds and no convexity test.

Distances of all pairs are sampled every ``step_s``; every sampled local minimum whose parabola through three samples
comes near the threshold is refined by SciPy's bounded minimiser of the squared distance.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import scipy

from stmgpu.backend.reference import ReferenceBackend
from stmgpu.propagate.sgp4 import SGP4Propagator
from stmgpu.screen.fixed_point import DIFFERENCE_S
from stmgpu.screen.plan import NODE_STEP_S
from stmgpu.screen.prominence import PROMINENCE_KM
from stmgpu.screen.window_ends import END_EDGE, START_EDGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from stmgpu.propagate.elements import MeanElements

Minimum = tuple[int, int, float, float, int]
"""First object, second object, time [s], distance [km], edge flag."""

MARGIN_KM = 5.0
"""Error bound of a parabola through samples 10 s apart [km]; relative motion bends by less than 0.3 km in 20 s."""


def brute(
    elements: MeanElements,
    start: tuple[float, float],
    *,
    duration_s: float,
    threshold_km: float,
    step_s: float = 10.0,
    mode: str = "i",
) -> np.ndarray:
    """Find every local minimum of distance below the threshold by brute force with the ``sgp4`` package.

    Parameters
    ----------
    elements : MeanElements
        Mean elements of n objects, such as a :class:`stmgpu.catalog.Catalog`; memory grows with n times samples.
    start : tuple of float
        Two-part Julian date (UTC) of the start of the window.
    duration_s, threshold_km, step_s : float
        Length of the window [s], threshold [km], sampling step [s].
    mode : str
        SGP4 operation mode.

    Returns
    -------
    structured array, shape (m,)
        ``first`` < ``second`` (positions in ``elements``), ``tca_s`` [s after start], ``miss_km`` and ``flags`` (edge
        flags as in :mod:`stmgpu.screen.window_ends`), sorted by time.
    """
    margin = NODE_STEP_S + step_s
    p = SGP4Propagator(elements, ReferenceBackend(), start, (-margin, duration_s + margin), mode)
    samples = np.append(np.arange(-step_s, duration_s + step_s, step_s), duration_s + step_s)
    states, _ = p.grid(samples)
    position = np.ascontiguousarray(states[:, :3].transpose(2, 0, 1))  # [object, sample, axis]
    speed = float(np.nan_to_num(np.linalg.norm(states[:, 3:, : p.n], axis=1)).max())
    usable = _usable(p, start, duration_s)
    rows: list[Minimum] = []
    for i in range(p.n):
        rel = position[i + 1 : p.n] - position[i]
        at_edge: set[tuple[int, int]] = set()  # partners with a minimum too close to an edge for a rate
        d2 = np.einsum("ijk,ijk->ij", rel, rel)
        for j, k in _sampled_minima(d2, threshold_km + 2.0 * speed * step_s, threshold_km + MARGIN_KM):
            a, b = int(i), int(i + 1 + j)
            # squared, since |dr| has a kink where it is zero; around the sample, since the tolerance is relative
            best = scipy.optimize.minimize_scalar(
                lambda s, a=a, b=b, t=samples[k]: _distance(p, a, b, t + s) ** 2,
                method="bounded",
                bounds=(samples[k - 1] - samples[k], samples[k + 1] - samples[k]),
                options={"xatol": 1e-10, "maxiter": 200},
            )
            tca = float(samples[k] + best.x)
            if 0.0 <= tca <= duration_s and best.fun < threshold_km**2:
                rows.append((a, b, tca, float(np.sqrt(best.fun)), 0))
            for edge, flag, outside in ((0.0, START_EDGE, tca < 0.0), (duration_s, END_EDGE, tca > duration_s)):
                if abs(tca - edge) < DIFFERENCE_S:
                    at_edge.add((b, flag))
                    if outside and _distance(p, a, b, edge) < threshold_km:
                        rows.append((a, b, edge, _distance(p, a, b, edge), flag))
        at_start, at_end = int(np.searchsorted(samples, 0.0)), int(np.searchsorted(samples, duration_s))
        for t, k, flag in ((0.0, at_start, START_EDGE), (duration_s, at_end, END_EDGE)):
            for later_index in np.flatnonzero(d2[:, k] < (threshold_km + 2.0 * speed * step_s) ** 2).tolist():
                a, b = i, i + 1 + later_index
                if (b, flag) in at_edge:
                    continue
                later, earlier = _distance(p, a, b, t + DIFFERENCE_S), _distance(p, a, b, t - DIFFERENCE_S)
                distance = _distance(p, a, b, t)
                if distance < threshold_km and ((later >= earlier) if flag == START_EDGE else (later < earlier)):
                    rows.append((a, b, t, distance, flag))
    kept = _prominent([r for r in rows if usable(r[0], r[2]) and usable(r[1], r[2])], p)
    out = np.array(
        [(min(p.order[a], p.order[b]), max(p.order[a], p.order[b]), t, d, f) for a, b, t, d, f in kept],
        dtype=[("first", "i8"), ("second", "i8"), ("tca_s", "f8"), ("miss_km", "f8"), ("flags", "i4")],
    )
    return out[np.lexsort((out["second"], out["first"], out["tca_s"]))]


def _sampled_minima(d2: np.ndarray, gate_km: float, near_km: float) -> list[tuple[int, int]]:
    """Pairs and samples of the minima inside the gate whose parabola comes near the threshold."""
    left, middle, right = d2[:, :-2], d2[:, 1:-1], d2[:, 2:]
    pair, k = np.nonzero((middle <= left) & (middle < right) & (middle < gate_km**2))
    a, b, c = left[pair, k], middle[pair, k], right[pair, k]
    curve, slope = a - 2.0 * b + c, 0.5 * (c - a)
    lowest = b - 0.5 * slope**2 / curve
    keep = lowest < near_km**2
    return list(zip(pair[keep].tolist(), (k[keep] + 1).tolist(), strict=True))


def _prominent(rows: list[Minimum], p: SGP4Propagator) -> list[Minimum]:
    """Remove minima that rise by less than 1 mm to a deeper one of the same pair, the smallest rise first."""
    kept: list[Minimum] = []
    for (a, b), group in itertools.groupby(sorted(rows), key=lambda r: r[:2]):
        minima = list(group)
        while len(minima) > 1:
            rises = [_highest(p, a, b, m[2], n[2]) - max(m[3], n[3]) for m, n in itertools.pairwise(minima)]
            k = int(np.argmin(rises))
            if rises[k] >= PROMINENCE_KM:
                break
            del minima[k if minima[k][3] > minima[k + 1][3] else k + 1]
        kept += minima
    return kept


def _highest(p: SGP4Propagator, a: int, b: int, start_s: float, end_s: float) -> float:
    """Largest distance [km] of a pair between two times: the largest of 40 samples, refined to its maximum."""
    t = np.linspace(start_s, end_s, 40)
    distances = [_distance(p, a, b, float(at)) for at in t]
    k = int(np.argmax(distances))
    low, high = float(t[max(k - 1, 0)]), float(t[min(k + 1, 39)])
    best = scipy.optimize.minimize_scalar(
        lambda s: -_distance(p, a, b, low + s), method="bounded", bounds=(0.0, high - low), options={"xatol": 1e-3}
    )
    return max(distances[k], -float(best.fun))


def _distance(p: SGP4Propagator, a: int, b: int, t_s: float) -> float:
    """Distance [km] by the reference propagator; 1e9 where it fails."""
    states, code = p.at(np.array([a, b]), np.array([t_s, t_s]))
    return 1e9 if code.any() else float(np.linalg.norm(states[:3, 1] - states[:3, 0]))


def _usable(p: SGP4Propagator, start: tuple[float, float], duration_s: float) -> Callable[[int, float], bool]:
    """Predicate of object and time: whether both nodes around the time are valid (nodes count from UTC midnight)."""
    midnight = -start[1] * 86400.0
    first = int(np.floor(-midnight / NODE_STEP_S))
    last = int(np.ceil((duration_s - midnight) / NODE_STEP_S))
    nodes = midnight + np.arange(first, last + 1) * NODE_STEP_S
    _, codes = p.grid(nodes)

    def usable(obj: int, t_s: float) -> bool:
        k = min(int(np.searchsorted(nodes, t_s, side="right")) - 1, len(nodes) - 2)
        return bool(codes[k, obj] == 0 and codes[k + 1, obj] == 0)

    return usable
