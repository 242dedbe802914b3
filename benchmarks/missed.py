"""Compare the lists of other programs with ours: events of either that the other lacks.

    python benchmarks/missed.py [--baseline SCRIPT] [--astroz]

The catalogue of 2024-07-05 beside the checkout, 24 h from 2024-07-06T00:00, 5 km. An event of one list is matched by
one of the same pair whose TCA is at most a second away. ``--baseline`` names a script that is called as ``SCRIPT
CATALOG HOURS THRESHOLD --start JD --jobs 1 --out FILE.npz`` and writes ``norad_i``, ``norad_j`` and ``tca_days_rel``.
Writes ``results/missed.json``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import machine
import numpy as np
from element_files import FOLDER

import stmgpu as stm

START, HOURS, THRESHOLD_KM = "2024-07-06T00:00:00", 24.0, 5.0
FAST_KM_S = 0.1
APART_S = 1.0

Events = tuple[np.ndarray, np.ndarray]
"""Pairs [n, 2], lower id first, and TCA in seconds after the start [n]."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--baseline", help="script of the obvious pipeline")
    parser.add_argument("--astroz", action="store_true")
    options = parser.parse_args()
    path = FOLDER / "2024-07-05.tle"
    catalog = stm.read_catalog(path)
    con = stm.screen(catalog, start=START, hours=HOURS, threshold_km=THRESHOLD_KM)
    ours = (
        np.stack([con.primary.to_numpy(), con.secondary.to_numpy()], axis=1),
        (con.tca.to_numpy() - np.datetime64(START)) / np.timedelta64(1, "s"),
    )
    fast = con.relative_speed.to_numpy() > FAST_KM_S
    result: dict[str, Any] = {
        "catalog": path.name,
        "start": START,
        "hours": HOURS,
        "threshold_km": THRESHOLD_KM,
        "events": len(fast),
        "fast": int(fast.sum()),
    }
    if options.baseline:
        result["baseline"] = compare(ours, fast, _baseline(options.baseline, path))
    if options.astroz:
        result["astroz"] = compare(ours, fast, _astroz(path))
    print(machine.write("missed", result))
    return 0


def compare(ours: Events, fast: np.ndarray, theirs: Events) -> dict[str, int]:
    """How many events each list has that the other lacks."""
    missed = ~matched(ours, theirs)
    return {
        "events": len(theirs[1]),
        "fast_missed": int((missed & fast).sum()),
        "slow_missed": int((missed & ~fast).sum()),
        "not_ours": int((~matched(theirs, ours)).sum()),
    }


def matched(events: Events, others: Events) -> np.ndarray:
    """Whether each event has one of the same pair within a second in the other list."""
    times: dict[tuple[int, int], list[float]] = {}
    for pair, tca in zip(map(tuple, others[0].tolist()), others[1].tolist(), strict=True):
        times.setdefault(pair, []).append(tca)
    found = [
        any(abs(tca - other) <= APART_S for other in times.get(pair, ()))
        for pair, tca in zip(map(tuple, events[0].tolist()), events[1].tolist(), strict=True)
    ]
    return np.array(found, np.bool_)


def _baseline(script: str, path: Path) -> Events:
    start = stm.parse_utc(START)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "events.npz"
        command = [script, str(path), str(HOURS), str(THRESHOLD_KM), "--start", repr(start.jd + start.fr)]
        subprocess.run([sys.executable, *command, "--jobs", "1", "--out", str(out)], check=True)
        with np.load(out) as events:
            pairs = np.sort(np.stack([events["norad_i"], events["norad_j"]], axis=1), axis=1)
            return pairs, 86400.0 * events["tca_days_rel"]


def _astroz(path: Path) -> Events:
    import astroz

    when = datetime.fromisoformat(START).replace(tzinfo=UTC)
    objects = astroz.Constellation(str(path))
    found = astroz.screen(objects, HOURS * 60.0, threshold=THRESHOLD_KM, step=0.5, start_time=when)
    ids = np.asarray(objects.satnums)
    pairs = np.sort(np.stack([ids[np.asarray(found.i)], ids[np.asarray(found.j)]], axis=1), axis=1)
    return pairs, 60.0 * np.asarray(found.time, np.float64)


if __name__ == "__main__":
    sys.exit(main())
