"""Contraction of the thermosphere by rising CO2, from a file (without one: :mod:`.co2_pathways`)."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.debris.environment.atmosphere import HEIGHTS_KM
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from stmgpu.typing import Floats, Ints


class Co2Scaling:
    """Factor on the density by rising CO2, which cools and contracts the thermosphere.

    Brown et al. 2021 (doi:10.1029/2021JD034589) and the thesis of 2023: WACCM-X at rising CO2, relative to the year
    2000, for the concentration pathways RCP and SSP. ln(factor) is interpolated linearly in year, height and F10.7.
    Outside the table the nearest value is used: heights of 200 to 1000 km, F10.7 of 70 to 200, years from the first to
    the last of the pathway (2100, or earlier where its CO2 leaves the simulated range).

    Parameters
    ----------
    path : str or Path
        netCDF-4 file DEN-CO2scaling2000-2100.
    scenario : str
        Name of a pathway; case, points, hyphens and underscores are ignored: 'RCP4.5', 'SSP2-4.5', 'SSP3_70_lowNTCF'.

    Raises
    ------
    InputError
        missing file, another format, unknown pathway, or h5py not installed.
    """

    def __init__(self, path: str | Path, scenario: str) -> None:
        self.path = Path(path)
        try:
            h5py: Any = importlib.import_module("h5py")
        except ImportError as error:
            raise InputError(
                f"environment.co2 needs the package h5py, which cannot be imported ({error}); install it "
                "(python -m pip install h5py) or leave co2 out"
            ) from error
        try:
            with h5py.File(self.path, "r") as file:
                content = {
                    name: np.asarray(data, np.float64) for name, data in file.items() if isinstance(data, h5py.Dataset)
                }
        except (OSError, ValueError, TypeError, RuntimeError, KeyError) as error:
            raise InputError(f"cannot read the CO2 scaling {self.path} as netCDF-4: {error}") from error
        axes = [content.get(name) for name in ("alt", "year", "F107")]
        if any(a is None or a.ndim != 1 or len(a) < 2 or not (np.diff(a) > 0.0).all() for a in axes):
            raise InputError(
                f"{self.path} is not a table of CO2 scaling: it needs increasing alt, year and F107; it holds "
                f"{', '.join(content) or 'nothing'}"
            )
        altitude, year, self._f107 = (np.asarray(a) for a in axes)
        shape = (len(altitude), len(year), len(self._f107))
        pathways = {name: data for name, data in content.items() if data.shape == shape and name != "CO2_only"}
        chosen = [name for name in pathways if _plain(name) == _plain(scenario)]
        if not chosen:
            raise InputError(
                f"CO2 pathway {scenario!r} is not in {self.path}; choose one of {', '.join(sorted(pathways)) or 'none'}"
            )
        factor = pathways[chosen[0]]
        finite = np.isfinite(factor).min(axis=(0, 2))
        known = int(finite.sum())
        if known < 2 or not finite[:known].all() or not ((factor[:, :known] > 0.0) & (factor[:, :known] < 10.0)).all():
            raise InputError(f"{self.path}: pathway {chosen[0]} must hold factors between 0 and 10, year by year")
        curve = np.log(factor[:, :known]).reshape(len(altitude), -1)
        at = np.array([np.interp(HEIGHTS_KM, altitude, c) for c in curve.T])
        self._table = at.reshape(known, len(self._f107), len(HEIGHTS_KM))
        self._year = year[:known]
        end = f"{year[known - 1]:g}"
        self.notes: tuple[str, ...] = (
            f"CO2: pathway {chosen[0]} of {self.path.name}, factor 1 in 2000; after {end} that of {end}",
        )

    def log_factor(self, years: Floats, f107: Floats) -> Floats:
        """Return ln(factor on rho) on the heights of the tables, float64 [k, heights], at k years and F10.7."""
        row, of_row = _linear(self._year, years)
        column, of_column = _linear(self._f107, f107)
        result = np.zeros((len(years), len(HEIGHTS_KM)))
        for i in (0, 1):
            for j in (0, 1):
                weight = np.abs(1 - i - of_row) * np.abs(1 - j - of_column)
                result += weight[:, np.newaxis] * self._table[row + i, column + j]
        return result


def _plain(name: str) -> str:
    """Letters and digits of a name, in upper case."""
    return re.sub(r"[^A-Z0-9]", "", name.upper())


def _linear(nodes: Floats, x: Floats) -> tuple[Ints, Floats]:
    """Row of the node below each x, and the fraction of the interval to the next node, limited to 0 to 1."""
    row = np.clip(np.searchsorted(nodes, x, side="right") - 1, 0, len(nodes) - 2)
    return row, np.clip((x - nodes[row]) / (nodes[row + 1] - nodes[row]), 0.0, 1.0)
