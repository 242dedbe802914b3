"""Mean-field rates by ``kernels/meanfield.cu``.

What is summed over objects is summed in whole numbers, so the bytes depend neither on the order of objects nor on
threads, instruction set or backend.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stmgpu.backend import Backend
from stmgpu.debris.collisions import mean_field_reference
from stmgpu.debris.collisions.mean_field_bins import Array, Field, Solved
from stmgpu.errors import CapacityError

PAD = 16
POWERS = 3
HITS = 9
MAX_BYTES = 1 << 32
"""Of the tables of all parties; where they do not fit, too many treat each other differently."""

_LARGEST_ENTRY, _LARGEST_SUM = 2.0**50, 2.0**61
_STRETCHES = 16
_TOGETHER = 4  # shells whose objects need not be told apart to lie near each other


class Solver:
    """Solves fields on a backend, in memory that is kept from one to the next; not for several threads at a time."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._kept: dict[str, Any] = {}

    def solve(self, field: Field) -> Solved:
        """Rates of a field.

        Raises
        ------
        CapacityError
            too many parties.
        """
        return _Task(field, self).solve() if self.backend.runs_kernels else mean_field_reference.solve(field)

    def room(self, name: str, shape: tuple[int, ...], dtype: Any = np.float64) -> Any:
        """Uninitialised array."""
        size = int(np.prod(shape))
        if name not in self._kept or self._kept[name].size < size:
            self._kept[name] = self.backend.empty(size * 5 // 4, dtype)
        return self._kept[name][:size].reshape(shape)


class _Task:
    def __init__(self, field: Field, solver: Solver) -> None:
        self.field, self.backend, self.room = field, solver.backend, solver.room
        self.objects = len(field.a_km)
        self.n = -(-self.objects // PAD) * PAD
        self.parties, self.groups = len(field.factors), len(field.groups)
        self.shells, self.bins = len(field.scale), field.k.shape[1]
        self.classes = int(field.partner_class.max()) + 1
        self.width, self.owners = -(-POWERS * self.classes // 8) * 8, -(-(int(field.own_class.max()) + 1) // 8) * 8
        line = (1 + field.k.shape[0]) * self.width + HITS * self.owners
        if 8 * self.shells * self.bins * (self.parties * self.width + self.groups * line) > MAX_BYTES:
            raise CapacityError(
                f"{self.parties} parties that avoid each other differently are too many for mean-field "
                "rates: take fewer different factors of avoidance, or thicker shells"
            )
        self.order = self._order()
        numbers, labels = np.zeros((4, self.n)), np.zeros((5, self.n), np.int32)
        numbers[0] = 1.0
        for row, values in enumerate((field.a_km, field.ecc, field.radius_m, field.weight)):
            numbers[row, : self.objects] = values[self.order]
        for row, label in enumerate(
            (field.bin, field.party, field.group[field.party], field.partner_class, field.own_class)
        ):
            labels[row, : self.objects] = label[self.order]
        put = self.backend.put
        self.numbers, self.labels, self.k = put(numbers), put(labels), put(field.k)
        self.edges, self.centres, self.scale = put(field.edges_km), put(field.centres_km), put(field.scale)
        self.units = [_unit(field.weight * field.radius_m**power) for power in range(POWERS)]

    def _order(self) -> NDArray[np.int64]:
        """Objects that cross as many shells, and meet in the same cells, beside each other."""
        f = self.field
        first = np.searchsorted(f.edges_km, f.a_km * (1.0 - f.ecc))
        last = np.searchsorted(f.edges_km, f.a_km * (1.0 + f.ecc))
        crossed = np.log2(1.0 + last - first).astype(np.int64)
        place = (crossed * self.bins + f.bin) * (self.shells // _TOGETHER + 1) + first // _TOGETHER
        order = np.argsort(place.astype(np.uint16), kind="stable")  # 16 bits are sorted by counting
        whole = self.objects // PAD * PAD
        blocks = order[:whole].reshape(-1, PAD)  # dealt out, since each thread takes a stretch of them
        return np.concatenate([*(blocks[k::_STRETCHES].ravel() for k in range(_STRETCHES)), order[whole:]])

    def solve(self) -> Solved:
        f, backend, launch, room = self.field, self.backend, self.backend.launch, self.room
        cells, lines = self.shells * self.bins, self.groups * self.shells * self.bins
        there = room("there", (self.parties, self.shells, self.bins))
        moments = room("moments", (self.parties, self.shells, self.bins, self.width), np.int64)
        there[...], moments[...] = 0.0, 0
        launch(
            "field_moments",
            self.n,
            self.n,
            self.objects,
            self.parties,
            self.shells,
            self.bins,
            self.width,
            *self.units,
            self.edges,
            self.centres,
            self.numbers,
            self.labels,
            there,
            moments,
        )
        seeks, finds = room("seeks", (lines,)), room("finds", (lines,))
        partners = room("partners", (lines, self.width))
        of_group = (np.arange(self.groups)[:, None] == f.group).astype(np.float64)
        launch(
            "field_partners",
            lines * self.width,
            self.groups,
            self.parties,
            cells,
            self.width,
            backend.put(f.groups),
            backend.put(of_group),
            there,
            moments,
            seeks,
            finds,
            partners,
        )
        met = room("met", (lines, f.k.shape[0], self.width))
        launch(
            "field_met",
            lines * self.width,
            self.groups,
            self.shells,
            self.bins,
            self.width,
            self.k,
            seeks,
            finds,
            partners,
            met,
        )
        sums = self._sums(moments)
        outcomes = backend.put(self._outcomes(sums[0].sum(axis=1)))
        hits = room("hits", (lines, HITS, self.owners))
        launch(
            "field_hits", lines * self.owners, lines, self.width, self.classes, self.owners, outcomes, seeks, met, hits
        )
        rates, halves = room("rates", (4, self.n)), room("halves", (2, self.n))
        launch(
            "field_rates",
            self.n,
            self.n,
            self.objects,
            self.groups,
            self.parties,
            self.shells,
            self.bins,
            self.classes,
            self.owners,
            *self.units,
            self.edges,
            self.centres,
            self.scale,
            self.k,
            outcomes,
            backend.put(f.factors.diagonal()),
            self.numbers,
            self.labels,
            hits,
            rates,
            halves,
        )
        found = np.empty((4, self.objects))
        found[:, self.order] = backend.get(rates)[:, : self.objects]
        unit = _unit(0.5 * f.weight * found[0])
        by_shell = backend.zeros((2, self.shells), np.int64)
        launch(
            "field_shells",
            self.n,
            self.n,
            self.objects,
            self.groups,
            self.shells,
            self.bins,
            self.owners,
            *self.units,
            unit,
            self.edges,
            self.centres,
            self.scale,
            self.numbers,
            self.labels,
            hits,
            halves,
            by_shell,
        )
        return Solved(found[:3], backend.get(by_shell) / unit, f.total(sums, found[3] * f.weight))

    def _sums(self, moments: Any) -> Array:
        """Moments of all parties and classes together [3, shells, bins]."""
        of_all = self.backend.get(moments.sum(axis=0))[..., : POWERS * self.classes]
        summed = of_all.reshape(self.shells, self.bins, self.classes, POWERS).sum(axis=2)
        return np.ascontiguousarray(np.moveaxis(summed / self.units, -1, 0))

    def _outcomes(self, crowd: Array) -> Array:
        """As the kernels want them: [groups of speed, partner classes, 2, own classes padded]."""
        plain = np.moveaxis(self.field.outcomes(crowd), 3, 2)
        padded = np.zeros((*plain.shape[:3], self.owners))
        padded[..., : plain.shape[3]] = plain
        return padded


def _unit(values: NDArray[np.float64]) -> float:
    """Parts in which such values are counted: a power of two, so that neither one of them nor their sum overflows.

    What an object adds to all shells together is at most 1.23 times its own value.
    """
    most, total = float(values.max()), float(values.sum())
    if most <= 0.0:
        return 1.0
    return float(2.0 ** np.floor(np.log2(min(_LARGEST_ENTRY / most, _LARGEST_SUM / total))))
