"""Element sets for the tests, read by the ``sgp4`` package and handed over as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sgp4 import omm
from sgp4.api import Satrec

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """What a propagator needs of a catalogue."""

    epoch_jd: Array
    epoch_fr: Array
    mean_motion: Array
    eccentricity: Array
    inclination: Array
    raan: Array
    argp: Array
    mean_anomaly: Array
    bstar: Array

    def __len__(self) -> int:
        return len(self.epoch_jd)

    def __getitem__(self, which: object) -> Columns:
        return Columns(**{name: column[which] for name, column in vars(self).items()})


def columns(satrecs: Sequence[Satrec]) -> Columns:
    """Columns of parsed element sets."""
    names = {
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
    return Columns(**{ours: np.array([getattr(s, theirs) for s in satrecs]) for ours, theirs in names.items()})


def read_tle(path: Path) -> list[Satrec]:
    """All pairs of lines of a TLE file without names."""
    lines = path.read_text(encoding="ascii").splitlines()
    return [Satrec.twoline2rv(a, b) for a, b in zip(lines[::2], lines[1::2], strict=True)]


def read_omm_csv(path: Path) -> list[Satrec]:
    """All records of an OMM file in CSV."""
    satrecs = []
    with path.open(encoding="utf-8") as file:
        for fields in omm.parse_csv(file):
            satrec = Satrec()
            omm.initialize(satrec, fields)
            satrecs.append(satrec)
    return satrecs
