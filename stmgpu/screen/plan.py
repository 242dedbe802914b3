r"""Screening plan: sample times, cells, and the proof that no conjunction is missed.

Times are counted from 00:00 UTC of the window's first day, in whole ticks (:mod:`stmgpu.propagate.instants`). The
window is cut into half-open intervals [a_k, a_k + Delta) on a grid of whole seconds (multiples of Delta), each with one
sample at its middle t_k; h = Delta / 2. Write dr_k, dv_k for the relative state of a pair at
t_k as interpolated, D for the threshold.

**Pair test.** By Taylor's theorem the relative motion over |s| <= h deviates from the straight line by

    |dr(t_k + s) - (dr_k + s dv_k)|  <=  A h^2 / 2 + pad_i + pad_j                                            (1)

where A bounds the relative acceleration and the pads bound the interpolation (position, velocity times h) and
float32 rounding. Two objects a distance d apart feel nearly the same gravity: the Jacobian of mu r / |r|^3 has norm
2 mu / |r|^3, so the *tidal* acceleration is at most 2 mu d / r_min^3, and with |dr| <= |dr_k| + 1.05 |dv_k| h,

    A = 1.05 * 2 mu (|dr_k| + 1.05 |dv_k| h) / (r_min - 8 km/s h)^3                                           (2)

(5 % for oblateness and drag; radii change by less than 8 km/s). Hence a pair can come within D during the interval
only if  min over |s| <= h of |dr_k + s dv_k|  <=  D + A h^2 / 2 + pad_i + pad_j.

**Gate.** The pair test implies |dr_k| <= |dv_k| h + D + A h^2 / 2 + pads. With c = 1.05 mu h^2 / (r_min - 8 h)^3,
A h^2 / 2 = c (|dr_k| + 1.05 |dv_k| h), so

    |dr_k|  <=  F (|v_i| h + |v_j| h + D + pad_i + pad_j),     F = (1 + 1.05 c) / (1 - c)                     (3)

which splits into gate_i + gate_j, each from the object's own speed at that time. No closing speed is guessed. An
object with gate_i <= cell / 2 finds all such partners in its own and the 26 neighbouring cells; an object with a
wider gate (faster than COMMON_SPEED_KM_S, or badly interpolated) is tested against every cell within its reach.

**Radial gate.** |r_i - r_j| <= D implies that the geocentric radii differ by at most D; each radius stays within
|rate| h + |acceleration| h^2 / 2 + |jerk| h^3 / 6 of its value at t_k (two-body bounds plus 1 % of gravity for J2), so
radii further apart than band_i + band_j end the pair at once. In low orbits this leaves one of 22 pairs.

Every run measures (1) on a sample of its own pairs against full SGP4: see ``certificate.py``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from stmgpu.constants import WGS72
from stmgpu.propagate.instants import in_ticks, seconds_of_day
from stmgpu.screen.settings import STEPS_S, ScreeningSettings

if TYPE_CHECKING:
    from stmgpu.choices import OperationMode
    from stmgpu.typing import BackendArray

N = TypeVar("N", int, "BackendArray")
T = TypeVar("T", float, "BackendArray")

NODE_STEP_S = 120.0
"""Spacing of the SGP4 nodes; cubic Hermite between them errs by 5 m (median) and 29 m (worst) on a real catalogue."""

BLOCK_NODES = 30
"""Node intervals per block: one hour. Blocks begin on whole UTC hours, so that their contents do not depend on the
window or on the tiling; 33 nodes of 30,000 objects are 48 MB."""

SAMPLES_PER_BLOCK = 256
"""Approximate number of candidates per block that the completeness certificate measures."""

COMMON_SPEED_KM_S = 7.8
"""Objects up to this speed share the common cell (circular speed at 175 km); faster ones are tested separately."""

COMMON_PAD_KM = 0.15
"""Ordinary pad of an object [km]; objects with larger pads have a wider gate and are tested separately."""

UNKNOWN_ERROR_KM = 2.0
"""Interpolation error assumed where it cannot be measured because a neighbouring node failed [km]."""

SENSELESS_ERROR_KM = 50.0
"""Measured interpolation error above which a state is invalid (code 7) [km]; orbits stay below 3 km (see screen.md)."""

FEW = 0.05
"""Share of primaries up to which the grid is searched for them one by one instead of for all objects."""

_LOW_ORBIT_SPAN_KM = 15000.0


@dataclass(frozen=True)
class Plan:
    """Plan of the screening of one window: immutable, without I/O; all other quantities derive from its fields.

    Attributes
    ----------
    settings : ScreeningSettings
        The request, with the chosen length of an interval Delta as `step_s`.
    cell_km, side : float, int
        Edge of a grid cell [km]; cells along each axis before they repeat.
    sampled : float
        Share of the candidates that the completeness certificate measures.
    """

    settings: ScreeningSettings
    cell_km: float
    side: int
    sampled: float = 1.0

    @property
    def start(self) -> tuple[float, float]:
        """Two-part Julian date (UTC) of the window's start [d]."""
        return self.settings.window.parts

    @property
    def midnight(self) -> tuple[float, float]:
        """Two-part Julian date (UTC) from which all times are counted: 00:00 of the window's first day [d]."""
        return self.start[0], 0.0

    @property
    def start_s(self) -> float:
        """Start of the window [s after midnight]."""
        return seconds_of_day(self.start[1])

    @property
    def end_s(self) -> float:
        """End of the window [s after midnight]."""
        return float(in_ticks(np, np.asarray(self.start_s + self.duration_s)))

    @property
    def duration_s(self) -> float:
        """Length of the window [s]."""
        return self.settings.window.duration_s

    @property
    def threshold_km(self) -> float:
        """Screening threshold [km]."""
        return self.settings.threshold_km

    @property
    def step_s(self) -> float:
        """Length of an interval Delta [s]."""
        assert self.settings.step_s is not None  # make_plan chose it
        return self.settings.step_s

    @property
    def mode(self) -> OperationMode:
        """Operation mode of SGP4."""
        return self.settings.mode

    @property
    def half_step_s(self) -> float:
        """Half an interval, h [s]."""
        return 0.5 * self.step_s

    @property
    def gate_factor(self) -> float:
        """F of inequality (3)."""
        return gate_factor(self.half_step_s)

    @property
    def pad_factor(self) -> float:
        """Ratio of pad to interpolation error: that of position, and that of velocity (4 / node spacing) times h."""
        return 1.0 + 4.0 * self.half_step_s / NODE_STEP_S

    @property
    def cells(self) -> int:
        """Cells of the grid."""
        return self.side**3

    @property
    def first_row(self) -> int:
        """Number of the first interval, counted from midnight."""
        return math.floor(self.start_s / self.step_s + 1e-12)

    @property
    def rows(self) -> int:
        """Intervals that overlap the window."""
        last = math.ceil(self.end_s / self.step_s - 1e-12)
        return max(last - self.first_row, 1)

    @property
    def steps_per_node(self) -> int:
        """Intervals between two nodes."""
        return round(NODE_STEP_S / self.step_s)

    def edge_s(self, row: T) -> T:
        """Time of the start of interval ``row`` (0 = the first of the window) [s after midnight]."""
        return (self.first_row + row) * self.step_s

    def sample_s(self, row: T) -> T:
        """Time of the sample in the middle of interval ``row`` [s after midnight]."""
        return (self.first_row + row + 0.5) * self.step_s

    def node_s(self, node: T) -> T:
        """Time of a node, counted from midnight [s after midnight]."""
        return node * NODE_STEP_S

    def node_before(self, row: N) -> N:
        """Node (counted from midnight) at or before interval ``row``."""
        return (self.first_row + row) // self.steps_per_node

    @property
    def first_node(self) -> int:
        """First node, counted from midnight."""
        return self.node_before(0)

    @property
    def last_node(self) -> int:
        """Node after the last interval."""
        return self.node_before(self.rows - 1) + 1

    @property
    def blocks(self) -> int:
        """Blocks that hold an interval of the window; the first and the last may be shorter than others."""
        return -(-self.last_node // BLOCK_NODES) - self.first_node // BLOCK_NODES

    def block_nodes(self, block: int) -> tuple[int, int]:
        """First and last node of a block, counted from midnight."""
        begin = (self.first_node // BLOCK_NODES + block) * BLOCK_NODES
        return max(begin, self.first_node), min(begin + BLOCK_NODES, self.last_node)

    def describe(self) -> dict[str, Any]:
        """Plan as plain values for the certificate and the provenance."""
        return {
            "start": self.start,
            "duration_s": self.duration_s,
            "threshold_km": self.threshold_km,
            "step_s": self.step_s,
            "cell_km": self.cell_km,
            "side": self.side,
            "sampled": self.sampled,
            "rows": self.rows,
            "node_step_s": NODE_STEP_S,
            "gate_factor": self.gate_factor,
            "pad_factor": self.pad_factor,
            "common_speed_km_s": COMMON_SPEED_KM_S,
        }


def gate_factor(h_s: float) -> float:
    """F of inequality (3) for a half interval [s]; radii below the Earth's surface have an error code."""
    c = 1.05 * WGS72.mu_km3_s2 * h_s**2 / (WGS72.radius_km - 8.0 * h_s) ** 3
    return (1.0 + 1.05 * c) / (1.0 - c)


def hermite_weights(plan: Plan, rows: np.ndarray) -> np.ndarray:
    """Cubic Hermite weights of each row's sample.

    Returns
    -------
    ndarray, float64, shape (rows, 8)
        Weights of r0, v0, r1, v1 [1, s, 1, s] for the position, then [1/s, 1, 1/s, 1] for the velocity.
    """
    t = NODE_STEP_S
    u = ((plan.first_row + rows) % plan.steps_per_node + 0.5) / plan.steps_per_node
    position = [(1 + 2 * u) * (1 - u) ** 2, u * (1 - u) ** 2 * t, u * u * (3 - 2 * u), u * u * (u - 1) * t]
    velocity = [6 * u * (u - 1) / t, (1 - u) * (1 - 3 * u), 6 * u * (1 - u) / t, u * (3 * u - 2)]
    return np.stack(position + velocity, axis=1)


def make_plan(settings: ScreeningSettings, objects: int) -> Plan:
    """Choose interval and cells for a window.

    Parameters
    ----------
    settings : ScreeningSettings
        Window, threshold, and the interval if it is prescribed.
    objects : int
        Number of objects: more objects favour shorter intervals, since candidate pairs grow with the square.

    Returns
    -------
    Plan
        Plan whose settings hold the chosen interval.
    """
    step_s, threshold_km = settings.step_s, settings.threshold_km
    primaries = None if settings.primaries is None else len(settings.primaries)
    if step_s is None:
        step_s = min(STEPS_S, key=lambda s: cost_ns(s, threshold_km, objects, primaries))
    cell = _cell_km(step_s, threshold_km)
    expected = candidates_per_s(step_s, threshold_km, objects, primaries) * BLOCK_NODES * NODE_STEP_S
    return Plan(replace(settings, step_s=step_s), cell, _side(cell), min(1.0, SAMPLES_PER_BLOCK / expected))


def _cell_km(step_s: float, threshold_km: float) -> float:
    h = 0.5 * step_s
    return 2.0 * gate_factor(h) * (COMMON_SPEED_KM_S * h + COMMON_PAD_KM + 0.5 * threshold_km) * 1.00001


def _side(cell_km: float) -> int:
    """Number of cells along an axis: enough for low orbits not to overlap themselves in the periodic grid."""
    return int(np.clip(math.ceil(_LOW_ORBIT_SPAN_KM / cell_km), 8, 64))


def candidates_per_s(step_s: float, threshold_km: float, objects: int, primaries: int | None = None) -> float:
    """Approximate number of candidates per second of window, for a population like the real catalogue."""
    bend_km = 1.2e-6 * (0.5 * step_s) ** 2 * _cell_km(step_s, threshold_km)
    others = 0.0 if primaries is None else 1.0 - primaries / max(objects, 1)
    return (1.0 - others**2) * 0.26 * (objects / 26400.0) ** 2 * ((threshold_km + bend_km) / 5.0) ** 2


def cost_ns(step_s: float, threshold_km: float, objects: int, primaries: int | None = None) -> float:
    """Approximate time on one core per second of window [ns]; it affects speed, never correctness.

    Each sample has a cost per object (interpolation, sorting, ranges), per partner in the neighbouring cells and per
    cell; each candidate has the cost of its refinement. Fitted to the CPU backend on a real
    catalogue (benchmarks/results/screen.md). A few primaries look alone into the cells around them.
    """
    cell = _cell_km(step_s, threshold_km)
    shell_km3 = 6.0e11  # 400 to 1,500 km altitude, where four of five objects are
    partners = 14.0 * objects * cell**3 / shell_km3
    if primaries is None or primaries > FEW * objects:
        search = objects * (85.0 + 0.085 * partners)
    else:
        search = objects * 60.0 + primaries * partners
    per_sample = search + 1.5 * _side(cell) ** 3
    return per_sample / step_s + 3000.0 * candidates_per_s(step_s, threshold_km, objects, primaries)
