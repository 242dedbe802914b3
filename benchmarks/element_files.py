"""Shared real catalogues as satrecs of the ``sgp4`` package and as columns."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
from sgp4 import omm
from sgp4.api import Satrec

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "catalogs"
STARTS = {"2024-07-05.tle": 2460496.5, "2024-11-01_omm.csv": 2460615.5}
_NAMES = {
    "epoch_jd": "jdsatepoch",
    "epoch_fr": "jdsatepochF",
    "mean_motion": "no_kozai",
    "eccentricity": "ecco",
    "inclination": "inclo",
    "raan": "nodeo",
    "argp": "argpo",
    "mean_anomaly": "mo",
    "bstar": "bstar",
}


def read(name: str) -> list[Satrec]:
    """All objects of one shared catalogue; :class:`FileNotFoundError` says where it was looked for."""
    path = FOLDER / name
    if path.suffix == ".tle":
        lines = path.read_text(encoding="ascii").splitlines()
        return [Satrec.twoline2rv(a, b) for a, b in zip(lines[::2], lines[1::2], strict=True)]
    satrecs = []
    with path.open(encoding="utf-8") as file:
        for fields in omm.parse_csv(file):
            satrec = Satrec()
            omm.initialize(satrec, fields)
            satrecs.append(satrec)
    return satrecs


def columns(satrecs: list[Satrec]) -> SimpleNamespace:
    """Columns for :class:`stmgpu.propagate.sgp4.SGP4Propagator`."""
    return SimpleNamespace(**{k: np.array([getattr(s, v) for s in satrecs]) for k, v in _NAMES.items()})
