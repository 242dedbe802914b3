"""Benchmark the reading of ephemeris files, in states per second.

Usage: python benchmarks/ephemeris_files.py [--files 64] [--rounds 3] [--out FILE]

Files hold three days of one low orbit in steps of 60 s, as Starlink publishes them: Modified ITC with covariances, OEM
without and with covariances. Each case keeps its best round. Rates are given by the clock, and by the processor time
of one process, which other jobs on the machine disturb less.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import machine
import numpy as np

from stmgpu.catalog.ccsds.oem_writer import format_oem
from stmgpu.catalog.trajectories import Segment, Trajectories, Trajectory
from stmgpu.catalog.trajectories.covariances import TrajectoryCovariances
from stmgpu.catalog.trajectories.files import read_trajectories
from stmgpu.distribute.resources import cores

STATES, STEP_S = 4320, 60
NAME = "MEME_{}_SAT_1900000_Operational_0_UNCLASSIFIED.txt"


def orbit(*, covariance: bool) -> Trajectories:
    """Three days on a circle, with covariances of random size."""
    seconds = np.arange(STATES) * float(STEP_S)
    times = np.datetime64("2024-07-08T00:00:42", "ns").view(np.int64) + np.arange(STATES) * STEP_S * 10**9
    rate = np.sqrt(398600.4418 / 6925.0**3)
    c, s = np.cos(rate * seconds), np.sin(rate * seconds)
    position = 6925.0 * np.stack([c, 0.6 * s, 0.8 * s], axis=1)
    velocity = 6925.0 * rate * np.stack([-s, 0.6 * c, 0.8 * c], axis=1)
    lower = np.abs(np.random.default_rng(0).normal(size=(STATES, 21))) * 1e-7
    kept = (
        TrajectoryCovariances(np.zeros(STATES, np.int64), times, np.full(STATES, "RTN"), lower)
        if covariance
        else TrajectoryCovariances()
    )
    return Trajectories.of([Trajectory([Segment(times, position, velocity, covariance=kept)], name="SAT")])


def modified_itc(t: Trajectories) -> bytes:
    """The states as a file of Starlink's form."""
    times = t.time_ns.view("datetime64[ns]").astype("datetime64[s]").tolist()
    span = f"ephemeris_start:{times[0]} UTC ephemeris_stop:{times[-1]} UTC step_size:{STEP_S}"
    lines = [f"created:{times[0]} UTC", span, "ephemeris_source:blend", "UVW"]
    for when, r, v, lower in zip(times, t.position, t.velocity, t.covariance.lower, strict=True):
        lines.append(f"{when:%Y%j%H%M%S}.000 " + " ".join(f"{x:.10f}" for x in (*r, *v)))
        lines += [" ".join(f"{x:.10e}" for x in lower[k : k + 7]) for k in (0, 7, 14)]
    return ("\n".join(lines) + "\n").encode()


def write(folder: Path, form: str, files: int) -> None:
    """As many files of one form as wanted, each of another object."""
    t = orbit(covariance=form != "OEM")
    text = modified_itc(t) if form == "Modified ITC" else format_oem(t)
    for number in range(1, files + 1):
        name = NAME.format(number) if form == "Modified ITC" else f"{number:05d}.oem"
        (folder / name).write_bytes(text.replace(b"OBJECT_ID = 900000001", b"OBJECT_ID = %d" % number))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="JSON file to write; default results/ephemeris_files.json")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for form in ("Modified ITC", "OEM", "OEM with covariances"):
        with tempfile.TemporaryDirectory() as name:
            write(Path(name), form, options.files)
            for processes in sorted({1, cores()}):
                wall, cpu = [], []
                for _ in range(options.rounds):
                    begin, used = time.perf_counter(), time.process_time()
                    states = len(read_trajectories(name, processes=processes).time_ns)
                    wall.append(time.perf_counter() - begin)
                    cpu.append(time.process_time() - used)
                row = {"form": form, "processes": processes, "states": states, "states_per_s": states / min(wall)}
                if processes == 1:
                    row["states_per_cpu_s"] = states / min(cpu)
                rows.append(row)
                print("  ".join(f"{v:,.0f}" if isinstance(v, float) else str(v) for v in row.values()))
    print(
        machine.write("ephemeris_files", {"files": options.files, "rounds": options.rounds, "rows": rows}, options.out)
    )


if __name__ == "__main__":
    main()
