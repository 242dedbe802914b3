"""The batch scripts without Slurm: bash runs them, and small programs stand in for stmgpu, scontrol, srun, sbatch."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from slurm.jobs import ROOT, SLURM

BATCH = sorted(SLURM.glob("*.sbatch"))
SHELL = [*BATCH, *sorted(SLURM.glob("*.sh")), ROOT / "tests" / "slurm" / "cluster.sh", ROOT / ".ci" / "run"]
HOSTILE = ["a b.tle", "--out", "$(touch x).zarr", "; touch x", "`touch x`", "*", "", "'\"\\", "--csv=a\nb"]
ARRAY = {"SLURM_ARRAY_JOB_ID": "70", "SLURM_ARRAY_TASK_ID": "3", "SLURM_JOB_ID": "74"}
SRUN = """\
while [[ $1 == --* ]]; do shift; done
set -m # a process group of its own for the task: srun passes a signal on to all of it
"$@" & trap 'again=1; kill -USR1 -- -$!' USR1; trap 'again=1; kill -TERM -- -$!' TERM
again=1; while [[ $again ]]; do again=; wait $!; code=$?; done; exit $code
"""

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="the batch scripts need bash")
Make = Callable[[str, str], Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a program in the folder ``bin``, which is the first of the PATH."""
    (tmp_path / "bin").mkdir()

    def program(name: str, body: str) -> Path:
        path = tmp_path / "bin" / name
        path.write_text(f"#!/usr/bin/env bash\n{body}\n", encoding="utf-8")
        path.chmod(0o755)
        return path

    program("stmgpu", 'printf "%s\\0" "$@" >arguments')
    program("scontrol", 'echo "$*" >>requeued')
    program("srun", SRUN)
    return program


def start(script: str, folder: Path, arguments: list[str], **environment: str) -> subprocess.Popen[str]:
    """Run a script as Slurm would: a copy somewhere else, in the folder that it was submitted from."""
    (folder / "spool").mkdir(exist_ok=True)
    copied = shutil.copy(SLURM / script, folder / "spool" / "slurm_script")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "STMGPU", "CUDA"))}
    settings = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "STMGPU_SLURM_DIR": str(SLURM), **environment}
    return subprocess.Popen(
        [copied, *arguments],
        cwd=folder,
        env=clean | settings,
        text=True,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def run(script: str, folder: Path, arguments: list[str], **environment: str) -> tuple[int, str]:
    """Exit code and standard error of a script."""
    process = start(script, folder, arguments, **environment)
    _, err = process.communicate(timeout=60)
    return process.returncode, err


def told(folder: Path) -> list[str]:
    """What the stand-in of stmgpu was given."""
    return (folder / "arguments").read_text(encoding="utf-8").split("\0")[:-1]


def await_file(path: Path) -> None:
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end, f"{path} did not appear"
        time.sleep(0.02)


# ------------------------------------------------------------------------------------------------------- the text
@pytest.mark.parametrize("path", SHELL, ids=lambda path: path.name)
def test_bash_can_read_it(path: Path) -> None:
    done = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", SHELL, ids=lambda path: path.name)
def test_shellcheck_has_nothing_to_say(path: Path) -> None:
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not installed")
    command = ["shellcheck", "--shell=bash", "--external-sources", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("path", BATCH, ids=lambda path: path.name)
def test_every_script_can_be_requeued_in_time(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    directives = re.findall(r"^#SBATCH (.+)$", text, re.M)
    seconds = 600 if path.name == "evolve_array.sbatch" else 120  # a run of a study is a tile, and takes longer
    assert {"--requeue", f"--signal=B:USR1@{seconds}", "--open-mode=append"} <= set(directives)
    (log,) = (d for d in directives if d.startswith("--output="))
    is_array = any(d.startswith("--array=") for d in directives)
    assert log == ("--output=%x-%A_%a.log" if is_array else "--output=%x-%j.log")  # no folder that must exist
    assert any(d.startswith("--time=") for d in directives)


def test_the_page_speaks_of_every_file() -> None:
    page = (SLURM / "README.md").read_text(encoding="utf-8")
    for path in SLURM.iterdir():
        if path.name != "README.md":
            assert f"`{path.name}`" in page, path.name


# -------------------------------------------------------------------------------------------------- what is passed on
@pytest.mark.parametrize("path", BATCH, ids=lambda path: path.name)
def test_arguments_reach_stmgpu_as_they_are(path: Path, make: Make, tmp_path: Path) -> None:
    code, err = run(path.name, tmp_path, HOSTILE, **ARRAY, SLURM_CPUS_PER_TASK="6")
    assert code == 0, err
    arguments = told(tmp_path)
    assert arguments[0] == path.name.split("_")[0]
    assert arguments[-len(HOSTILE) :] == HOSTILE  # behind the script's own: the user's word is the last
    assert not (tmp_path / "x").exists()


def test_each_script_chooses_executor_and_backend(make: Make, tmp_path: Path) -> None:
    own = {}
    for path in BATCH:
        run(path.name, tmp_path, ["catalog.tle"], **ARRAY, SLURM_CPUS_PER_TASK="6")
        own[path.name] = told(tmp_path)[1:-1]
    assert own == {
        "evolve_array.sbatch": ["--executor", "slurm-array", "--threads", "6"],
        "screen_array.sbatch": ["--executor", "slurm-array", "--threads", "6"],
        "screen_gpu.sbatch": ["--executor", "slurm-array", "--backend", "cuda"],
        "screen_dask.sbatch": ["--executor", "dask", "--scheduler", "slurm", "--threads", "6", "--backend", "cuda"],
    }


def test_the_step_of_dask_waits_for_its_client(make: Make, tmp_path: Path) -> None:
    """Options of srun: the client ends last, workers may be lost, and every task has its cores and all GPUs."""
    make("srun", 'printf "%s\\0" "$@" >arguments')
    run("screen_dask.sbatch", tmp_path, ["catalog.tle"], SLURM_JOB_ID="74", SLURM_CPUS_PER_TASK="6")
    arguments = told(tmp_path)
    assert arguments[: arguments.index("bash")] == ["--kill-on-bad-exit=0", "--wait=0", "--cpus-per-task=6"]


def test_json_is_asked_for_before_the_verb(make: Make, tmp_path: Path) -> None:
    assert run("screen_array.sbatch", tmp_path, ["c.tle"], **ARRAY, STMGPU_LOG_JSON="1")[0] == 0
    assert told(tmp_path)[:2] == ["--log-json", "screen"]


@pytest.mark.parametrize("code", [0, 1, 2, 130, 137])
def test_the_exit_code_is_passed_on(code: int, make: Make, tmp_path: Path) -> None:
    make("stmgpu", f"exit {code}")
    assert run("screen_array.sbatch", tmp_path, [], **ARRAY)[0] == code
    assert not (tmp_path / "requeued").exists()


def test_a_container_takes_the_place_of_the_command(make: Make, tmp_path: Path) -> None:
    make("apptainer", 'printf "%s\\0" "$@" >arguments')
    image = {"STMGPU_IMAGE": "my images/stmgpu.sif"}
    assert run("screen_array.sbatch", tmp_path, ["c.tle"], **ARRAY, **image)[0] == 0
    assert told(tmp_path)[:4] == ["exec", "my images/stmgpu.sif", "stmgpu", "screen"]
    device = tmp_path / "nvidia0"
    shared = (SLURM / "job.sh").read_text(encoding="utf-8")
    assert shared.count("/dev/nvidia0") == 1
    (tmp_path / "job.sh").write_text(shared.replace("/dev/nvidia0", str(device)), encoding="utf-8")
    image["STMGPU_SLURM_DIR"] = str(tmp_path)
    for there in (False, True):  # of the node, whatever CUDA_VISIBLE_DEVICES says
        if there:
            device.touch()
        assert run("screen_gpu.sbatch", tmp_path, ["c.tle"], **ARRAY, **image, CUDA_VISIBLE_DEVICES="0")[0] == 0
        assert ("--nv" in told(tmp_path)[:2]) == there
    assert told(tmp_path)[:5] == ["exec", "--nv", "my images/stmgpu.sif", "stmgpu", "screen"]


@pytest.mark.parametrize(("task", "code"), [("0", 137), ("1", 137), ("2", 0), ("11", 0)])
def test_only_scheduler_and_client_make_a_dask_job_fail(task: str, code: int, make: Make, tmp_path: Path) -> None:
    make("stmgpu", "exit 137")
    assert run("screen_dask.sbatch", tmp_path, [], SLURM_PROCID=task)[0] == code


# --------------------------------------------------------------------------------------------------------- signals
@pytest.mark.parametrize(("ids", "name"), [(ARRAY, "70_3"), ({"SLURM_JOB_ID": "74"}, "74")], ids=["array", "single"])
def test_75_puts_the_task_back_into_the_queue(ids: dict[str, str], name: str, make: Make, tmp_path: Path) -> None:
    make("stmgpu", "exit 75")
    code, err = run("screen_array.sbatch", tmp_path, [], **ids)
    assert code == 0
    assert f"job {name} is back in the queue" in err
    assert (tmp_path / "requeued").read_text(encoding="utf-8") == f"requeue {name}\n"


def test_75_remains_where_requeueing_is_refused(make: Make, tmp_path: Path) -> None:
    make("stmgpu", "exit 75")
    make("scontrol", "exit 1")
    code, err = run("screen_array.sbatch", tmp_path, [], **ARRAY)
    assert code == 75
    assert "Submit the same command again" in err


@pytest.mark.parametrize("path", BATCH, ids=lambda path: path.name)
def test_usr1_reaches_stmgpu_and_its_tile_is_waited_for(path: Path, make: Make, tmp_path: Path) -> None:
    make("stmgpu", "trap 'touch heard' USR1; touch up; until [[ -e heard && -e done ]]; do sleep 0.02; done; exit 75")
    process = start(path.name, tmp_path, [], **ARRAY)
    await_file(tmp_path / "up")
    process.send_signal(signal.SIGUSR1)
    await_file(tmp_path / "heard")
    process.send_signal(signal.SIGUSR1)  # a second one changes nothing
    assert process.poll() is None
    (tmp_path / "done").touch()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert (tmp_path / "requeued").read_text(encoding="utf-8") == "requeue 70_3\n"


def test_usr1_before_stmgpu_listens_is_no_failure(make: Make, tmp_path: Path) -> None:
    make("stmgpu", "touch up; while :; do sleep 0.02; done")
    process = start("screen_array.sbatch", tmp_path, [], **ARRAY)
    await_file(tmp_path / "up")
    process.send_signal(signal.SIGUSR1)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert (tmp_path / "requeued").exists()


def test_usr1_while_stmgpu_ends_changes_nothing(make: Make, tmp_path: Path) -> None:
    make("stmgpu", "trap '' USR1; touch up; sleep 0.3; exit 0")
    process = start("screen_array.sbatch", tmp_path, [], **ARRAY)
    await_file(tmp_path / "up")
    process.send_signal(signal.SIGUSR1)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert not (tmp_path / "requeued").exists()


@pytest.mark.parametrize("path", BATCH, ids=lambda path: path.name)
def test_term_reaches_stmgpu(path: Path, make: Make, tmp_path: Path) -> None:
    make("stmgpu", "trap 'exit 143' TERM; touch up; while :; do sleep 0.02; done")
    process = start(path.name, tmp_path, [], **ARRAY)
    await_file(tmp_path / "up")
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert not (tmp_path / "requeued").exists()


# ---------------------------------------------------------------------------------------------------- what is missing
def test_without_the_shared_file_it_says_so(make: Make, tmp_path: Path) -> None:
    code, err = run("screen_array.sbatch", tmp_path, [], STMGPU_SLURM_DIR=str(tmp_path / "nowhere"))
    assert code == 2
    assert "nowhere/job.sh is missing: submit with slurm/submit.sh" in err


def test_the_shared_file_is_found_from_the_checkout(make: Make, tmp_path: Path) -> None:
    assert run("screen_array.sbatch", tmp_path, ["c.tle"], STMGPU_SLURM_DIR="", SLURM_SUBMIT_DIR=str(ROOT))[0] == 0


def test_without_stmgpu_it_says_so(make: Make, tmp_path: Path) -> None:
    code, err = run("screen_array.sbatch", tmp_path, [], STMGPU="no-such-stmgpu")
    assert code == 2
    assert "no-such-stmgpu is not on the PATH" in err


# ------------------------------------------------------------------------------------------------------------- tools
def test_submit_passes_everything_on(make: Make, tmp_path: Path) -> None:
    make("sbatch", 'printf "%s\\0" "$STMGPU_SLURM_DIR" "$@" >arguments')
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run([SLURM / "submit.sh", "--array=0-1", *HOSTILE], cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 0
    assert told(tmp_path) == [str(SLURM), "--array=0-1", *HOSTILE]
    assert {path.name for path in tmp_path.iterdir()} == {"arguments", "bin"}


def test_cluster_names_what_it_cannot_do(tmp_path: Path) -> None:
    cluster = ROOT / "tests" / "slurm" / "cluster.sh"
    environment = {name: value for name, value in os.environ.items() if name != "SLURM_CONF"}
    for arguments, code, message in (
        ([], 2, "use: cluster.sh"),
        (["status"], 1, "no such cluster"),
        (["stop", str(tmp_path)], 1, "no such cluster"),
    ):
        done = subprocess.run([cluster, *arguments], env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (code, "")
        assert message in done.stderr
