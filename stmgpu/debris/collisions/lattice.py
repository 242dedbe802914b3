"""Lattices of cells for Cube: cubes, or cells of thin shells (the same in ``kernels/cube.cu``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

import numpy as np

from stmgpu.debris.specs import LatticeName
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from stmgpu.typing import Floats

LATTICES: tuple[LatticeName, ...] = get_args(LatticeName)
"""Forms of cells."""

FLATNESS = 50.0
"""Edge of a cube over the thickness of the shell cells of the same volume, which are sqrt(50) times as wide: 1 km by
354 km for 50 km. Chosen by measurement: thinner cells gain nothing, wider ones blur the density near the extreme
latitudes of orbits (benchmarks/reproduce/cube.py)."""

REFERENCE_RADIUS_KM = 7000.0
"""Radius at which a 'shell' cell has the volume of its cube; its volume is proportional to the radius squared."""


@dataclass(frozen=True)
class Lattice:
    """A division of space into cells.

    Attributes
    ----------
    cell_km : float
        Edge of a cube, or thickness of a shell [km].
    bands : int
        Bands of latitude of a shell; 0 for cubes. Band b reaches from (b - s) pi / bands to (b + 1 - s) pi / bands
        above the south pole, s being the shift in latitude; the first and the last are joined with their neighbours,
        so that a cap is one to two bands high.
    sectors : ndarray of float64
        float64 [bands + 1], sectors of longitude of each band: cells are about square.
    """

    cell_km: float
    bands: int = 0
    sectors: Floats = field(default_factory=lambda: np.ones(1))

    @staticmethod
    def of(kind: LatticeName, cube_km: float) -> Lattice:
        """Create a lattice whose cells have the volume of a cube of ``cube_km``.

        Raises
        ------
        InputError
            an unknown kind, a size that is not positive and finite, or a size too coarse for shells.
        """
        if kind not in LATTICES:
            raise InputError(f"lattice {kind!r} is unknown; choose one of {', '.join(LATTICES)}")
        if not (np.isfinite(cube_km) and cube_km > 0.0):
            raise InputError(f"cube_km must be a positive length, got {cube_km}")
        if kind == "cube":
            return Lattice(float(cube_km))
        bands = round(np.pi * REFERENCE_RADIUS_KM / (cube_km * FLATNESS**0.5))
        if bands < 8:
            raise InputError(
                f"cube_km = {cube_km:g} gives {bands} bands of latitude, at least 8 are needed; choose a "
                "smaller size, or lattice = 'cube'"
            )
        height = np.pi / bands
        centre = np.arange(bands + 1) * height
        area = 2.0 * np.pi * (np.cos(centre - 0.5 * height) - np.cos(centre + 0.5 * height))
        area[[0, 1]] = area[[-2, -1]] = 2.0 * np.pi * (1.0 - np.cos(1.5 * height))
        return Lattice(cube_km / FLATNESS, bands, np.maximum(np.rint(area / height**2), 1.0))

    def cells(self, r_km: Floats, shift: Floats) -> Floats:
        """Numbers of the cells of positions [n, 3], whole float64 [n, 3]; ``shift`` [3] or [n, 3] moves the lattice."""
        if self.bands == 0:
            return np.floor(r_km / self.cell_km + shift)
        shift = np.broadcast_to(shift, r_km.shape)
        rho = np.hypot(r_km[:, 0], r_km[:, 1])
        latitude, turn = np.arctan2(r_km[:, 2], rho), np.arctan2(r_km[:, 1], r_km[:, 0]) / (2.0 * np.pi)
        layer = np.floor(np.hypot(rho, r_km[:, 2]) / self.cell_km + shift[:, 0])
        band = np.clip(np.floor((latitude / np.pi + 0.5) * self.bands + shift[:, 1]), 1, self.bands - 1)
        sectors = self.sectors[band.astype(np.int64)]
        turn = turn + (shift[:, 2] + 0.5)
        return np.stack([layer, band, np.minimum(np.floor((turn - np.floor(turn)) * sectors), sectors - 1.0)], axis=1)

    def volume_km3(self, cells: Floats, shift: Floats) -> Floats:
        """Volume [n] of cells [n, 3] as :meth:`cells` gives them [km^3]."""
        if self.bands == 0:
            return np.full(len(cells), self.cell_km**3)
        shift = np.broadcast_to(shift, cells.shape)
        inner = np.maximum(cells[:, 0] - shift[:, 0], 0.0) * self.cell_km
        outer = (cells[:, 0] + 1.0 - shift[:, 0]) * self.cell_km
        edge = (cells[:, 1] - shift[:, 1]) * np.pi / self.bands
        south = np.where(cells[:, 1] <= 1, -1.0, -np.cos(edge))
        north = np.where(cells[:, 1] >= self.bands - 1, 1.0, -np.cos(edge + np.pi / self.bands))
        sectors = self.sectors[cells[:, 1].astype(np.int64)]
        volume: Floats = (outer**3 - inner**3) / 3.0 * (north - south) * 2.0 * np.pi / sectors
        return volume

    def bits(self, reach_km: float) -> tuple[int, int]:
        """Bits of the first cell number, and of each other one, for positions up to ``reach_km`` from the centre."""
        first = int(np.ceil(reach_km / self.cell_km)).bit_length() + 1
        return (first, first) if self.bands == 0 else (first, int(max(self.bands, self.sectors.max())).bit_length())
