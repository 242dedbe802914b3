"""SGP4 against every number of its published verification file, on each backend of this machine.

Usage: python benchmarks/reproduce/sgp4_verification.py

Truth: SGP4-VER.TLE and tcppver.out of AIAA 2006-6753 (Vallado, Crawford, Hujsak, Kelso), as the sgp4 package ships
them: 33 satellites, positions to 1e-8 km, velocities to 1e-9 km/s. The published program ends a satellite with its
first error; for one (33334) the error comes at the epoch, so that no number of its own is printed.
"""

from __future__ import annotations

import argparse
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
from sgp4.api import Satrec
from verdict import Report

from stmgpu.backend import Backend, get_backend
from stmgpu.errors import BackendError
from stmgpu.propagate.sgp4 import SGP4Propagator
from stmgpu.typing import Floats

sys.path.append(str(Path(__file__).resolve().parents[1]))
import element_files

SOURCE = "AIAA 2006-6753, tcppver.out"
NEAREST_KM = 2e-7
"""What the sgp4 package's own tests allow [km, km/s]."""
INSIDE_EARTH = 33333
AT_EPOCH = 33334


def printed() -> list[Floats]:
    """Rows of each satellite: minutes after epoch, position [km], velocity [km/s]."""
    blocks: list[list[list[float]]] = []
    for line in (files("sgp4") / "tcppver.out").read_text(encoding="ascii").splitlines():
        if "xx" in line:
            blocks.append([])
        else:
            blocks[-1].append([float(word) for word in line.split()[:7]])
    return [np.array(block) for block in blocks]


def compare(report: Report, name: str, backend: Backend) -> None:
    """Worst differences of one backend."""
    text = (files("sgp4") / "SGP4-VER.TLE").read_text(encoding="ascii")
    lines = [line for line in text.splitlines() if line[:1] in ("1", "2")]
    worst, states = np.zeros(2), 0
    for line1, line2, rows in zip(lines[::2], lines[1::2], printed(), strict=True):
        satrec = Satrec.twoline2rv(line1, line2)
        if satrec.satnum == AT_EPOCH:
            continue
        t_s = rows[:, 0] * 60.0
        start = (satrec.jdsatepoch, satrec.jdsatepochF)
        grid, _ = SGP4Propagator(element_files.columns([satrec]), backend, start, (t_s.min(), t_s.max())).grid(t_s)
        ours = backend.get(grid)[:, :, 0]
        difference = np.abs(ours - rows[:, 1:])
        worst = np.maximum(worst, [np.max(difference[:, :3]), np.max(difference[:, 3:])])  # NaN stays
        states += len(rows)
    report.check(f"{name}: states compared", None, states, source=SOURCE)
    report.check(f"{name}: positions within {NEAREST_KM:g} km", None, worst[0], high=NEAREST_KM, source=SOURCE)
    report.check(f"{name}: velocities within {NEAREST_KM:g} km/s", None, worst[1], high=NEAREST_KM, source=SOURCE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    report = Report("SGP4: the published verification file")
    for name in ("reference", "cpu", "cuda"):
        try:
            backend = get_backend(name)
        except BackendError as error:
            report.note(f"{name}: not run, {str(error).splitlines()[0]}")
            continue
        compare(report, name, backend)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
