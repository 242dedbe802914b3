"""Slurm jobs for the tests and the acceptance run: submit, wait, signal, kill, and say what happened.

Works with the cluster of ``tests/slurm/cluster.sh`` and with no other: jobs are killed by looking for their processes
on this machine.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from support.paths import ROOT

SLURM = ROOT / "slurm"
CLUSTER = "stmgputest"
_OVER = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE"}


class JobError(AssertionError):
    """A job did not do what was waited for; the message carries its state and its logs."""


def why_not() -> str | None:
    """Why no job can be run here; None if one can."""
    conf = os.environ.get("SLURM_CONF")
    if not shutil.which("sbatch"):
        return "Slurm is not installed (Debian, Ubuntu: apt-get install slurm-wlm munge)"
    if not conf:
        return "no SLURM_CONF of a test cluster; run make slurm, or start one with tests/slurm/cluster.sh"
    try:
        text = Path(conf).read_text(encoding="utf-8")
    except OSError as error:
        return f"SLURM_CONF={conf} cannot be read: {error}"
    if f"ClusterName={CLUSTER}\n" not in text:
        return f"SLURM_CONF={conf} is not the test cluster's; no test job is sent to a Slurm that people work with"
    return None


@dataclass(frozen=True)
class Task:
    """One task of an array, or a job that is none."""

    name: str
    state: str
    exit_code: int
    restarts: int
    node: str = ""


@dataclass(frozen=True)
class Job:
    """A job that was submitted from ``folder``."""

    number: str
    folder: Path
    limit_s: float = field(default=300.0, kw_only=True)

    def tasks(self) -> list[Task]:
        """Every task as Slurm knows it; those that wait together are one."""
        text = _slurm("scontrol", "show", "job", "--oneliner", self.number)
        return [_task(line) for line in text.splitlines() if line.startswith("JobId=")]

    def over(self) -> bool:
        """Whether every task has ended for good. One that is requeued is on its way back, not over."""
        return all(task.state in _OVER for task in self.tasks())

    def finish(self) -> list[Task]:
        """Wait for the end of every task."""
        self.wait("its end", self.over)
        return self.tasks()

    def succeed(self) -> list[Task]:
        """Wait for the end of every task; :class:`JobError` unless all of them did well."""
        tasks = self.finish()
        if any(task.state != "COMPLETED" for task in tasks):
            raise JobError(self.report("not every task did well"))
        return tasks

    def wait(self, what: str, done: Callable[[], bool]) -> None:
        """Wait until ``done()``; :class:`JobError` with the logs after ``limit_s``, or once the job can do no more."""
        end = time.monotonic() + self.limit_s
        while not done():
            if time.monotonic() > end:
                raise JobError(self.report(f"{what} did not come within {self.limit_s:g} s"))
            if self.over() and not done():
                raise JobError(self.report(f"the job ended before {what} came"))
            time.sleep(0.1)

    def usr1(self) -> None:
        """What Slurm sends before the time limit: USR1 to the batch shell of every task that runs."""
        for task in self.tasks():
            if task.state == "RUNNING":  # one that has ended in the meantime is no error
                command = ["scancel", "--batch", "--signal=USR1", task.name]
                subprocess.run(command, capture_output=True, timeout=60, check=False)

    def cancel(self) -> None:
        """Cancel everything and wait for the end."""
        _slurm("scancel", self.number)
        self.wait("the end of the cancelled job", self.over)

    def cancel_task(self, task: int) -> None:
        """Cancel one task of the array."""
        _slurm("scancel", f"{self.number}_{task}")

    def hold(self) -> None:
        """Let no more task of it start."""
        subprocess.run(["scontrol", "hold", self.number], capture_output=True, timeout=60, check=False)

    def kill(self) -> int:
        """SIGKILL for every process of the job on this machine, as when a node dies; how many there were."""
        return _kill(self.processes())

    def kill_rank(self, rank: int) -> int:
        """SIGKILL for what one task of a job step runs, but for its shell, as the kernel does when memory runs out."""
        return _kill(
            [
                process
                for process in self.processes(f"SLURM_PROCID={rank}")
                if Path(f"/proc/{process}/comm").read_text(encoding="utf-8").strip() != "bash"
            ]
        )

    def kill_node(self, node: str) -> int:
        """SIGKILL for the slurmd of a node, the processes of Slurm that watch over the job there, and the job's own.

        Slurm would notice after SlurmdTimeout; it is told at once, as a health check does.
        """
        conf = Path(os.environ["SLURM_CONF"])
        processes = self.processes(f"SLURMD_NODENAME={node}")
        watchers = {psutil.Process(process).ppid() for process in processes}
        watchers = {process for process in watchers if "slurmstepd" in psutil.Process(process).name()}
        killed = _kill([int((conf.parent / "run" / f"slurmd-{node}.pid").read_text()), *watchers, *processes])
        _slurm("scontrol", "update", f"nodename={node}", "state=down", "reason=killed")
        return killed

    def processes(self, *settings: str) -> list[int]:
        """Process ids by the environment that Slurm gave them, and by more of it (``SLURM_PROCID=2``). The path of the
        configuration tells our cluster's job 7 from that of another one on the same machine."""
        own = {text.encode() for text in (f"SLURM_CONF={os.environ['SLURM_CONF']}", *settings)}
        names = {f"SLURM_JOB_ID={self.number}".encode(), f"SLURM_ARRAY_JOB_ID={self.number}".encode()}
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                environment = set(path.read_bytes().split(b"\0"))
            except OSError:
                continue
            if own <= environment and environment & names:
                found.append(int(path.parent.name))
        return found

    def report(self, why: str) -> str:
        """What Slurm says of the job, and its logs."""
        return "\n".join([f"job {self.number}: {why}", *(str(task) for task in self.tasks()), self.log()])

    def log(self) -> str:
        """All logs of the job."""
        paths = sorted([*self.folder.glob(f"*-{self.number}.log"), *self.folder.glob(f"*-{self.number}_*.log")])
        return "\n".join(f"---- {p.name}\n{p.read_text(encoding='utf-8', errors='replace')}" for p in paths)


def submit(
    folder: Path,
    options: list[str],
    script: str,
    arguments: list[str],
    environment: Mapping[str, str] | None = None,
    limit_s: float = 300.0,
) -> Job:
    """Submit a script of ``slurm/`` from ``folder``: options for sbatch before it, options for stmgpu after it."""
    command = [str(SLURM / "submit.sh"), "--parsable", *options, str(SLURM / script), *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        timeout=60,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise JobError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return Job(done.stdout.strip().split(";")[0], folder, limit_s=limit_s)


def markers(store: Path) -> dict[str, int]:
    """Finished tiles of a store, with the time of the marker: a tile that is done again gets a new one."""
    found = {}
    for path in (store / "run" / "tiles").glob("*.json"):
        try:
            found[path.stem] = path.stat().st_mtime_ns
        except FileNotFoundError:
            continue
    return found


def contents(store: Path) -> dict[str, str]:
    """SHA-256 of every file of a store's result. ``run/`` says who computed it and when, so it is left out."""
    return {
        str(path.relative_to(store)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(store.rglob("*"))
        if path.is_file() and path.relative_to(store).parts[0] != "run"
    }


def nodes() -> list[str]:
    """Names of the nodes of the test cluster."""
    return re.findall(r"^NodeName=(\S+)", Path(os.environ["SLURM_CONF"]).read_text(encoding="utf-8"), re.M)


def restart_nodes() -> None:
    """Start again the daemons that were killed."""
    cluster = ROOT / "tests" / "slurm" / "cluster.sh"
    subprocess.run([cluster, "start"], capture_output=True, timeout=120, check=True)


def _kill(processes: list[int]) -> int:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    return len(processes)


def _task(line: str) -> Task:
    fields = dict(re.findall(r"(\w+)=(\S*)", line))
    name = f"{fields['ArrayJobId']}_{fields['ArrayTaskId']}" if "ArrayJobId" in fields else fields["JobId"]
    code, by_signal = (int(part) for part in fields["ExitCode"].split(":"))
    exit_code = code or (128 + by_signal if by_signal else 0)
    return Task(name, fields["JobState"], exit_code, int(fields["Restarts"]), fields.get("BatchHost", ""))


def _slurm(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise JobError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return done.stdout
