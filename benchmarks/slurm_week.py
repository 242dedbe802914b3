"""Compare a Slurm array that is killed repeatedly with a serial run, byte for byte.

    export SLURM_CONF=$(tests/slurm/cluster.sh start)
    python benchmarks/slurm_week.py CATALOG --start 2024-07-06T00:00:00
    tests/slurm/cluster.sh stop

Runs ``stmgpu screen`` serially; then the array, killed at random moments and submitted again with the same command,
until it is done. Every other kill is SIGKILL for every process of the job, batch shells included, as if the node had
died; the others are scancel. Prints what was done at each kill, whether a finished tile was ever computed again, and
whether the stores are equal byte for byte (all but ``run/``, which says who computed what and when). Exit code 0 if
they are. Writes ``results/slurm_week.json``.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import machine  # noqa: E402
from slurm.jobs import Job, JobError, contents, markers, submit, why_not  # noqa: E402

STMGPU = Path(sys.executable).with_name("stmgpu")


def main() -> int:
    """Run the acceptance case; the exit code."""
    options = _options()
    if reason := why_not():
        print(f"cannot run: {reason}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="stmgpu-week-") as folder:
        try:
            result = _case(options, Path(folder))
        except JobError as error:
            print(error, file=sys.stderr)
            return 1
    print("EQUAL byte for byte" if result["equal"] else f"DIFFERENT: {', '.join(result['different_files'])}")
    if options.name:
        print(machine.write(options.name, result))
    return 0 if result["equal"] and not result["finished_tiles_computed_again"] else 1


def _case(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    arguments = [
        str(options.catalog.resolve()),
        "--start",
        options.start,
        "--days",
        str(options.days),
        "--threshold-km",
        str(options.threshold_km),
        *options.stmgpu,
    ]
    begin = time.perf_counter()
    subprocess.run(
        [STMGPU, "screen", *arguments, "--out", "serial.zarr"], cwd=folder, check=True, stdout=subprocess.DEVNULL
    )
    serial_s = time.perf_counter() - begin
    serial = contents(folder / "serial.zarr")
    tiles = len(markers(folder / "serial.zarr"))
    print(f"serial: {serial_s:.1f} s, {tiles} tiles, {len(serial)} files", flush=True)

    chance = random.Random(options.seed)
    store = folder / "array.zarr"
    begin = time.perf_counter()
    kills: list[dict[str, Any]] = []
    kept: dict[str, int] = {}
    again: set[str] = set()
    for number in range(options.kills):
        job = _submit(options, folder, arguments)
        kills.append(_kill(job, store, tiles, options.kills - number, chance, by_signal=number % 2 == 0))
        again |= _changed(kept, markers(store))
        kept = markers(store)
        print(f"kill {number + 1}: {kills[-1]}", flush=True)
    _submit(options, folder, arguments).succeed()
    array_s = time.perf_counter() - begin
    again |= _changed(kept, markers(store))
    found = contents(store)
    subprocess.run([STMGPU, "check", str(store)], cwd=folder, check=True)
    different = sorted(name for name in serial.keys() | found.keys() if serial.get(name) != found.get(name))
    print(
        f"array of {options.tasks} tasks, {options.kills} kills: {array_s:.1f} s from the first submission to the "
        f"end; finished tiles computed again: {len(again)}",
        flush=True,
    )
    return {
        "catalog": options.catalog.name,
        "start": options.start,
        "days": options.days,
        "threshold_km": options.threshold_km,
        "tasks": options.tasks,
        "seed": options.seed,
        "serial_s": round(serial_s, 1),
        "array_s": round(array_s, 1),
        "tiles": tiles,
        "files": len(serial),
        "kills": kills,
        "finished_tiles_computed_again": len(again),
        "tiles_lost_in_flight_at_most": sum(kill["tiles_in_flight_at_most"] for kill in kills),
        "equal": not different,
        "different_files": different,
    }


def _submit(options: argparse.Namespace, folder: Path, arguments: list[str]) -> Job:
    return submit(
        folder,
        [f"--array=0-{options.tasks - 1}", *options.sbatch],
        "screen_array.sbatch",
        [*arguments, "--out", "array.zarr"],
        {"STMGPU": str(STMGPU)},
        limit_s=options.limit_s,
    )


def _kill(job: Job, store: Path, tiles: int, kills_left: int, chance: random.Random, by_signal: bool) -> dict[str, Any]:
    """Kill a job after a random number of further tiles, which leaves some for the kills to come, and a moment."""
    done = len(markers(store))
    wanted = done + chance.randint(1, max(1, (tiles - done) // (kills_left + 1)))
    job.wait(f"tile {wanted}", lambda: len(markers(store)) >= wanted)
    time.sleep(chance.uniform(0.0, 0.5))
    at_work = len([task for task in job.tasks() if task.state == "RUNNING"])
    if by_signal:
        job.hold()  # or the tasks that still wait would start behind the kill
        killed = job.kill()
    else:
        killed = len(job.processes())
    job.cancel()
    return {
        "how": "SIGKILL" if by_signal else "scancel",
        "processes": killed,
        "tiles_in_flight_at_most": at_work,
        "tiles_done": len(markers(store)),
    }


def _changed(before: dict[str, int], after: dict[str, int]) -> set[str]:
    """Tiles that were done before and have lost their marker or got another one."""
    return {tile for tile, when in before.items() if after.get(tile) != when}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("catalog", type=Path)
    parser.add_argument("--start", required=True, help="UTC")
    parser.add_argument("--days", type=float, default=7.0)
    parser.add_argument("--threshold-km", type=float, default=5.0)
    parser.add_argument("--tasks", type=int, default=4, help="tasks of the array")
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--seed", type=int, help="of the moments of the kills; default: another one each time")
    parser.add_argument("--folder", type=Path, help="where the two stores and the logs go; default: TMPDIR")
    parser.add_argument("--limit-s", type=float, default=3600.0, help="longest wait for one submission")
    parser.add_argument("--sbatch", action="append", default=["--cpus-per-task=2"], help="another option for sbatch")
    parser.add_argument("--stmgpu", action="append", default=[], help="another option for stmgpu screen")
    parser.add_argument("--name", default="slurm_week", help="name of the result file; empty writes none")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(10**6)
    return options


if __name__ == "__main__":
    sys.exit(main())
