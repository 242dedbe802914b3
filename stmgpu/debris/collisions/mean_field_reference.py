"""Mean-field rates in NumPy: the reference of the kernels, and the computation of the reference backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.debris.collisions.mean_field_bins import ROUNDING, BinnedPopulation, Rates, numbered
from stmgpu.debris.shells import sparse_shell_shares

if TYPE_CHECKING:
    from stmgpu.typing import Floats, Ints


def solve(field: BinnedPopulation) -> Rates:
    """Compute the rates of a binned population."""
    return _Reference(field).solve()


class _Reference:
    def __init__(self, field: BinnedPopulation) -> None:
        self.field = field
        self.n, self.shells, self.bins = len(field.a_km), len(field.scale), field.k.shape[1]
        share = sparse_shell_shares(field.a_km, field.ecc, field.edges_km)
        self.row, self.shell = np.repeat(np.arange(self.n), np.diff(share.indptr)), share.indices
        # v^2 = v_s^2 (2 - r/a), and relative speeds are scaled by sqrt((v^2 / v_s^2 + 1) / 2)
        ratio = 1.5 - 0.5 * field.centres_km[self.shell] / field.a_km[self.row]
        self.share = share.data * np.sqrt(np.maximum(ratio, 0.0))
        self.cell = self.shell * self.bins + field.bin[self.row]
        crowd: Floats = np.bincount(self.shell, field.weight[self.row] * self.share, self.shells).astype(np.float64)
        self.outcomes = field.outcomes(crowd)
        self.moments = self._moments()

    def _moments(self) -> Floats:
        """sum w f, sum w f r, sum w f r^2 [3, parties, shells, bins, classes of mass]."""
        f, classes = self.field, self.outcomes.shape[1]
        parties, cells = len(f.factors), self.bins * self.shells
        place = (f.party[self.row] * cells + self.cell) * classes + f.partner_class[self.row]
        value = f.weight[self.row] * self.share
        result = np.empty((3, parties, self.shells, self.bins, classes))
        for power in range(3):
            result[power] = np.bincount(place, value, parties * cells * classes).reshape(result.shape[1:])
            value = value * f.radius_m[self.row]
        return result

    def solve(self) -> Rates:
        f = self.field
        local = np.zeros((3, len(self.row)))
        group = f.group[f.party][self.row]
        for number, factors in enumerate(f.groups):
            entries = slice(None) if len(f.groups) == 1 else np.flatnonzero(group == number)
            local[:, entries] = self._encounters(factors, entries)
        local *= self.share * f.scale[self.shell]
        sums = np.stack([np.bincount(self.row, part, self.n) for part in local])
        # sum_s f^2 / V_s v_s pi (2 r)^2: the row's encounters with itself, included in the moments
        itself = np.bincount(self.row, self.share**2 * f.scale[self.shell], self.n) * 4.0 * f.radius_m**2
        itself *= np.minimum(f.weight, 1.0)  # the objects of a row with a larger weight meet each other
        own = self._own(itself * f.factors[f.party, f.party])
        rates = np.where(own < (1.0 - ROUNDING) * sums, sums - own, 0.0)
        part = np.divide(rates, sums, out=np.zeros_like(rates), where=sums > 0.0) * (0.5 * f.weight)
        by_shell = [np.bincount(self.shell, local[c] * part[c, self.row], self.shells) for c in (0, 1)]
        free = f.total(self.moments.sum(axis=(1, 4)), f.k[:, f.bin, f.bin].sum(axis=0) * itself * f.weight)
        return Rates(rates, np.stack(by_shell), free)

    def _encounters(self, factors: Floats, entries: Ints | slice) -> Floats:
        """Sum of k w f (r_i + r_j)^2 over partners, for entries of the shell shares.

        Returns
        -------
        ndarray of float64, shape (3, entries)
            all collisions, catastrophic ones, fragments.
        """
        row = self.row[entries]
        shells, shell = numbered(self.shell[entries], self.shells)  # only shells and classes that occur
        classes, own_class = numbered(self.field.own_class[row], self.outcomes.shape[2])
        cell = shell * self.bins + self.field.bin[row]
        place = cell * len(classes) + own_class
        moments = np.zeros((3, len(shells), *self.moments.shape[3:]))
        for party, factor in enumerate(factors):
            if factor > 0.0:
                moments += self.moments[:, party, shells] * factor
        groups, partners, _, kinds = self.outcomes.shape
        outcomes = np.ascontiguousarray(np.moveaxis(self.outcomes[:, :, classes], 3, 0))
        outcomes = outcomes.reshape(kinds, groups * partners, len(classes))
        r = self.field.radius_m[row]
        result = np.zeros((1 + kinds, len(row)))
        # (r_i + r_j)^2 = r_i^2 + 2 r_i r_j + r_j^2, each term with the moment of its power of r_j
        for power, factor in ((0, r * r), (1, 2.0 * r), (2, 1.0)):
            partners_met = self.field.k[:, np.newaxis] @ moments[power]  # [groups, shells, bins, partners]
            partners_met = np.ascontiguousarray(partners_met.transpose(1, 2, 0, 3)).reshape(
                len(shells), self.bins, groups * partners
            )
            result[0] += partners_met.sum(axis=2).ravel()[cell] * factor
            for kind in range(kinds):
                result[1 + kind] += (partners_met @ outcomes[kind]).ravel()[place] * factor
        return result

    def _own(self, each: Floats) -> Floats:
        """Encounters of each object with itself, by outcome [3, n]."""
        f = self.field
        same = f.k[:, f.bin, f.bin] * each  # [groups of speed, n]
        kinds = self.outcomes[:, f.partner_class, f.own_class]  # [groups of speed, n, 2]
        return np.concatenate([same.sum(axis=0)[None], np.einsum("gn,gnc->cn", same, kinds)])
