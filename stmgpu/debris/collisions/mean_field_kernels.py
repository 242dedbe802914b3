"""Mean-field rates by ``kernels/meanfield.cu``.

Sums over objects are sums of whole numbers, so results are bitwise independent of the order of objects, threads,
instruction set and backend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import device_entry
from stmgpu.backend.tables import table
from stmgpu.debris.collisions import mean_field_reference
from stmgpu.debris.collisions.mean_field_bins import BinnedPopulation, Rates
from stmgpu.errors import CapacityError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from stmgpu.backend import Backend
    from stmgpu.typing import BackendArray, Floats, Ints

PAD = 16
POWERS = table("mean_field.h").integer("MEAN_FIELD_POWERS")
HITS = 9
MAX_BYTES = 1 << 32
"""Largest size of the tables of all parties."""

_LARGEST_ENTRY, _LARGEST_SUM = 2.0**50, 2.0**61
_STRETCHES = 16
_TOGETHER = 4  # shells that share a place in the order of objects


class Solver:
    """Solver on a backend; it keeps its memory between calls, and must not be used by several threads at a time."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._kept: dict[str, BackendArray] = {}

    @device_entry
    def solve(self, field: BinnedPopulation) -> Rates:
        """Compute the rates of a binned population.

        Raises
        ------
        CapacityError
            too many parties.
        """
        return _Task(field, self).solve() if self.backend.runs_kernels else mean_field_reference.solve(field)

    def memory_bytes(self) -> int:
        """Memory for tables: what is left, and what is kept under their names [bytes]."""
        return self.backend.memory_bytes() + sum(int(kept.nbytes) for kept in self._kept.values())

    def room(self, name: str, shape: tuple[int, ...], dtype: DTypeLike = np.float64) -> BackendArray:
        """An uninitialised array, in memory that is used again under the same name."""
        size = int(np.prod(shape))
        if name not in self._kept or self._kept[name].size < size:
            self._kept.pop(name, None)  # both need not fit
            self._kept[name] = self.backend.empty(size * 5 // 4, dtype)
        return self._kept[name][:size].reshape(shape)


class _Task:
    def __init__(self, field: BinnedPopulation, solver: Solver) -> None:
        self.field, self.backend, self.room = field, solver.backend, solver.room
        self.objects = len(field.a_km)
        self.n = -(-self.objects // PAD) * PAD
        self.parties, self.groups = len(field.factors), len(field.groups)
        self.shells, self.bins = len(field.scale), field.k.shape[1]
        self.classes = int(field.partner_class.max()) + 1
        self.width, self.owners = -(-POWERS * self.classes // 8) * 8, -(-(int(field.own_class.max()) + 1) // 8) * 8
        line = (1 + field.k.shape[0]) * self.width + HITS * self.owners
        needed = 8 * self.shells * self.bins * (self.parties * self.width + self.groups * line)
        room = min(MAX_BYTES, solver.memory_bytes())
        if needed > room:
            raise CapacityError(
                f"{self.parties} parties that avoid each other differently are too many for mean-field rates: they "
                f"need {needed / 2**20:,.0f} MiB, and there is room for {room / 2**20:,.0f} MiB; use fewer different "
                "factors of avoidance, thicker shells, or a backend with more memory"
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

    def _order(self) -> Ints:
        """Order of the objects: those that cross about as many shells, and share cells, lie next to each other."""
        f = self.field
        first = np.searchsorted(f.edges_km, f.a_km * (1.0 - f.ecc))
        last = np.searchsorted(f.edges_km, f.a_km * (1.0 + f.ecc))
        crossed = np.log2(1.0 + last - first).astype(np.int64)
        place = (crossed * self.bins + f.bin) * (self.shells // _TOGETHER + 1) + first // _TOGETHER
        order = np.argsort(place.astype(np.uint16), kind="stable")  # 16 bits are sorted by counting
        whole = self.objects // PAD * PAD
        blocks = order[:whole].reshape(-1, PAD)  # dealt out over stretches, each of which one thread takes
        return np.concatenate([*(blocks[k::_STRETCHES].ravel() for k in range(_STRETCHES)), order[whole:]])

    def solve(self) -> Rates:
        f, backend, launch, room = self.field, self.backend, self.backend.launch, self.room
        cells, lines = self.shells * self.bins, self.groups * self.shells * self.bins
        presence = room("presence", (self.parties, self.shells, self.bins))
        moments = room("moments", (self.parties, self.shells, self.bins, self.width), np.int64)
        presence[...], moments[...] = 0.0, 0
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
            presence,
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
            presence,
            moments,
            seeks,
            finds,
            partners,
        )
        encounters = room("encounters", (lines, f.k.shape[0], self.width))
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
            encounters,
        )
        sums = self._sums(moments)
        outcomes = backend.put(self._outcomes(sums[0].sum(axis=1)))
        hits = room("hits", (lines, HITS, self.owners))
        launch(
            "field_hits",
            lines * self.owners,
            lines,
            self.width,
            self.classes,
            self.owners,
            outcomes,
            seeks,
            encounters,
            hits,
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
        by_object = np.empty((4, self.objects))
        by_object[:, self.order] = backend.get(rates)[:, : self.objects]
        unit = _unit(0.5 * f.weight * by_object[0])
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
        return Rates(by_object[:3], backend.get(by_shell) / unit, f.total(sums, by_object[3] * f.weight))

    def _sums(self, moments: BackendArray) -> Floats:
        """Moments of all parties and classes together [3, shells, bins]."""
        all_parties = self.backend.get(moments.sum(axis=0))[..., : POWERS * self.classes]
        summed = all_parties.reshape(self.shells, self.bins, self.classes, POWERS).sum(axis=2)
        return np.ascontiguousarray(np.moveaxis(summed / self.units, -1, 0))

    def _outcomes(self, crowd: Floats) -> Floats:
        """Outcomes in the layout of the kernels: [groups of speed, partner classes, 2, own classes padded]."""
        plain = np.moveaxis(self.field.outcomes(crowd), 3, 2)
        padded = np.zeros((*plain.shape[:3], self.owners))
        padded[..., : plain.shape[3]] = plain
        return padded


def _unit(values: Floats) -> float:
    """Number of parts in a unit, a power of two, with which neither a value nor the sum of all overflows.

    What an object adds to all shells together is at most 1.23 times its own value.
    """
    most, total = float(values.max()), float(values.sum())
    if most <= 0.0:
        return 1.0
    return float(2.0 ** np.floor(np.log2(min(_LARGEST_ENTRY / most, _LARGEST_SUM / total))))
