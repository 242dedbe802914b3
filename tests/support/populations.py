"""Files of populations, made by tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import savemat

from stmgpu.time import jd_of_year


def mocat_file(path: Path, **changes: Any) -> Path:
    """A file of 11 objects, one of each class 1 to 11, unless ``changes`` (column: values) say otherwise."""
    sats = np.zeros((11, 24))
    sats[:, 0], sats[:, 1], sats[:, 2] = 1.125, 0.001, 1.7
    sats[:, 3] = sats[:, 5] = 0.25 * np.arange(11)
    sats[:, 4] = 1.0
    sats[:, 7], sats[:, 8] = 100.0, 0.5
    sats[:, 14] = np.nan
    sats[:, 15], sats[:, 22], sats[:, 23] = jd_of_year(2015.0), np.arange(1, 12), 1000 + np.arange(11)
    for column, values in changes.items():
        sats[:, int(column[1:])] = values
    savemat(path, {"mat_sats": sats})
    return path
