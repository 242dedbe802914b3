"""The command line: what it prints, what it writes, and its exit codes (0, 1, 2, 130)."""

from __future__ import annotations

import csv
import gzip
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.commands import stmgpu

from stmgpu.backend.cpu import usable_levels
from stmgpu.catalog import read_catalog, synthetic_catalog, write_catalog
from stmgpu.catalog.columns import COLUMNS
from stmgpu.errors import StoreError
from stmgpu.store import open_dataset

# the reference backend needs minutes for what the kernels do in a second
pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")
CSV_COLUMNS = (
    "tca,primary,secondary,primary_name,secondary_name,miss_distance_km,relative_speed_km_s,miss_radial_km,"
    "miss_transverse_km,miss_normal_km,primary_epoch_age_days,secondary_epoch_age_days,flags,entry,exit,altitude_km,"
    "latitude_deg,longitude_deg,regime,primary_regime,secondary_regime,primary_type,secondary_type"
)


@pytest.fixture(scope="module")
def tle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalog") / "objects.tle"
    write_catalog(synthetic_catalog(2000, seed=4), path, format="3le")
    return path


def test_info_names_every_backend() -> None:
    result = stmgpu("info")
    assert result.exit_code == 0, result.stderr
    for name in ("stmgpu", "python", "cpu backend", "cuda backend", "reference backend", "kernel cache", "packages"):
        assert re.search(rf"^{name} +\S", result.stdout, re.M), name


@pytest.mark.slow
def test_screen_writes_store_csv_and_picture(tle: Path, tmp_path: Path) -> None:
    out, table, picture = tmp_path / "c.zarr", tmp_path / "c.csv", tmp_path / "c.png"
    result = stmgpu(
        "screen",
        tle,
        "--hours",
        6,
        "--threshold-km",
        20,
        "--backend",
        "cpu",
        "--threads",
        1,
        "--out",
        out,
        "--csv",
        table,
        "--plot",
        picture,
    )
    assert result.exit_code == 0, result.stderr
    ds = open_dataset(out, "conjunctions")
    n = ds.sizes["conjunction"]
    assert n > 0
    assert re.search(
        r"2000 objects read, 0 rejected, \d+ failing propagation, \d+ candidates, "
        rf"{n} events; seconds: .*search \d",
        result.stdout,
    )
    assert "certificate: complete" in result.stdout
    lines = table.read_text(encoding="utf-8").splitlines()
    assert lines[0] == CSV_COLUMNS
    rows = list(csv.DictReader(lines))
    assert len(rows) == n
    assert all(int(r["primary"]) < int(r["secondary"]) for r in rows)
    assert [r["tca"] for r in rows] == sorted(r["tca"] for r in rows)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", r["tca"]) for r in rows)
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_propagate_writes_an_ephemeris(tle: Path, tmp_path: Path) -> None:
    out = tmp_path / "e.zarr"
    result = stmgpu("propagate", tle, "--hours", 3, "--step-s", 30, "--backend", "cpu", "--out", out)
    assert result.exit_code == 0, result.stderr
    assert re.search(r"2000 objects read, 0 rejected, \d+ failing propagation, 361 times", result.stdout)
    ds = open_dataset(out, "ephemeris")
    assert ds.position.dims == ("object", "time", "axis")
    assert ds.object.to_numpy().tolist() == read_catalog(tle).norad_id.tolist()
    good = ds.error_code.to_numpy() == 0
    radius = (ds.position.to_numpy() ** 2).sum(axis=-1)[good] ** 0.5
    assert good.mean() > 0.99
    assert radius.min() > 6378.0


def test_catalogue_commands(tle: Path, tmp_path: Path) -> None:
    result = stmgpu("catalog", "summary", tle, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["objects"] == 2000
    assert re.search(r"^regimes +LEO", stmgpu("catalog", "summary", tle).stdout, re.M)
    made, converted = tmp_path / "made.csv", tmp_path / "converted.json"
    assert stmgpu("catalog", "synthesize", made, "--objects", 50, "--seed", 9).exit_code == 0
    assert stmgpu("catalog", "convert", made, converted).exit_code == 0
    assert read_catalog(converted).equals(read_catalog(made))


def test_rejected_records_are_listed(tle: Path, tmp_path: Path) -> None:
    lines = tle.read_text().splitlines()[:30]
    broken = tmp_path / "broken.tle"
    lines[1] = lines[1][:-1] + str((int(lines[1][-1]) + 1) % 10)
    broken.write_text("\n".join(lines) + "\n")
    result = stmgpu("catalog", "summary", broken)
    assert result.exit_code == 0
    assert "checksum" in result.stderr
    listed = stmgpu("catalog", "summary", broken, "--rejected").stdout
    assert re.search(r"^rejected +line \d+.*checksum", listed, re.M)


@pytest.mark.parametrize(
    "arguments",
    [
        ["screen", "{missing}"],
        ["screen", "{junk}"],
        ["screen", "{tle}", "--hours", "-1"],
        ["screen", "{tle}", "--hours", "1", "--days", "1"],
        ["screen", "{tle}", "--threshold-km", "0"],
        ["screen", "{tle}", "--start", "tomorrow"],
        ["screen", "{tle}", "--backend", "gpu"],
        ["screen", "{tle}", "--csv", "{missing}/x.csv"],
        ["screen", "{tle}", "--out", "{folder}"],
        ["screen", "{tle}", "--out", "{folder}", "--overwrite"],
        ["propagate", "{tle}", "--out", "{missing}", "--step-s", "0"],
        ["catalog", "convert", "{tle}", "{folder}/x.unknown"],
        ["catalog", "synthesize", "{folder}/x.csv", "--objects", "0"],
        ["screen", "{folder}"],
        ["screen", "{empty}"],
        ["screen", "{tle}", "--hours", "0"],
        ["screen", "{tle}", "--hours", "nan"],
        ["screen", "{tle}", "--start", ""],
        ["screen", "{tle}", "--start", "1600-01-01"],
        ["screen", "{tle}", "--plot", "{folder}/x.xyz"],
        ["screen", "{tle}", "--csv", "{pipe}"],
        ["screen", "{tle}", "--csv", "{folder}"],
        ["screen", "{tle}", "--out", "{missing}", "--csv", "{missing}"],
        ["catalog", "convert", "{tle}", "{link}", "--format", "csv"],
        ["catalog", "convert", "{tle}", "{missing}/x.csv"],
        ["catalog", "synthesize", "{link}", "--format", "csv"],
        ["nonsense"],
        ["screen"],
    ],
)
def test_wrong_use_gives_2_and_one_message(arguments: list[str], tle: Path, tmp_path: Path) -> None:
    (tmp_path / "junk").write_text("not a catalogue\n")
    (tmp_path / "empty").touch()
    (tmp_path / "link").symlink_to(tmp_path / "junk")
    os.mkfifo(tmp_path / "pipe")  # stands for /dev/null and the like
    places = {
        "tle": tle,
        "pipe": tmp_path / "pipe",
        "empty": tmp_path / "empty",
        "link": tmp_path / "link",
        "missing": tmp_path / "missing",
        "junk": tmp_path / "junk",
        "folder": tmp_path,
    }
    result = stmgpu(*(a.format(**places) for a in arguments))
    assert result.exit_code == 2
    assert result.stderr.strip()
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert not (tmp_path / "missing").exists()
    assert (tmp_path / "link").is_symlink()


def test_failures_give_1(tle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STMGPU_ISA", "z80")
    result = stmgpu("screen", tle, "--backend", "cpu", "--hours", 1)
    assert result.exit_code == 1
    assert "'z80' is not available here; usable:" in result.stderr
    result = stmgpu("screen", tle, "--hours", 1)  # nor does auto replace what was asked for by name
    assert result.exit_code == 1
    assert "'z80' is not available here; usable:" in result.stderr


@pytest.mark.slow
def test_the_same_command_again_computes_nothing_and_another_is_refused(tle: Path, tmp_path: Path) -> None:
    out = tmp_path / "c.zarr"
    command = ("screen", tle, "--hours", 0.1, "--backend", "cpu", "--out", out)
    first = stmgpu(*command)
    assert first.exit_code == 0
    again = stmgpu(*command)
    assert again.exit_code == 0
    assert "tiles computed now: 0; done: 1 of 1;" in again.stderr
    assert again.stdout == first.stdout
    other = stmgpu(*command, "--threshold-km", 7)
    assert other.exit_code == 2
    assert "settings.threshold_km: stored 5.0, requested 7.0" in other.stderr
    assert "--overwrite" in other.stderr
    assert stmgpu(*command, "--threshold-km", 7, "--overwrite").exit_code == 0
    assert stmgpu(*command[:-1], tmp_path / "none.zarr", "--resume").exit_code == 2


@pytest.mark.alone
@pytest.mark.slow
def test_interrupt_gives_130_without_a_traceback(tmp_path: Path) -> None:
    demo = [sys.executable, "-m", "stmgpu.cli", "demo", "--objects", "8000", "--hours", "700", "--out", str(tmp_path)]
    # a shell's background jobs are born deaf to it
    process = subprocess.Popen(
        demo,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("backend"):
            break
    while process.poll() is None and not (tmp_path / "conjunctions.zarr").exists():
        time.sleep(0.05)
    time.sleep(0.5)  # amid the work
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert stdout == ""
    assert [p.name for p in tmp_path.iterdir()] == ["conjunctions.zarr"]
    with pytest.raises(StoreError, match="unfinished"):
        open_dataset(tmp_path / "conjunctions.zarr")


@pytest.mark.slow
def test_progress_is_a_bar_on_a_terminal(tmp_path: Path) -> None:
    """A pseudo-terminal as standard error; the demo's small form runs the whole way."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "stmgpu.cli", "demo", "--objects", "3000", "--hours", "48", "--out", str(tmp_path)]
    process = subprocess.Popen(
        command, stderr=slave, stdout=subprocess.PIPE, text=True, env={**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    )
    os.close(slave)
    shown = b""
    while process.poll() is None or select.select([master], [], [], 0)[0]:
        if select.select([master], [], [], 0.1)[0]:
            try:
                shown += os.read(master, 65536)
            except OSError:  # the other end is closed
                break
    os.close(master)
    stdout = process.communicate(timeout=60)[0]
    assert process.returncode == 0, shown.decode()
    assert "screening" in shown.decode()
    assert "h/s" in shown.decode()
    assert "left" in shown.decode()
    assert "3000 objects read" in stdout
    assert sorted(p.name for p in tmp_path.iterdir()) == ["conjunctions.csv", "conjunctions.zarr", "report.html"]


def test_a_screening_without_events(tmp_path: Path) -> None:
    """Nothing found is a result like any other: an empty store, a CSV file with a header, a report."""
    result = stmgpu(
        "demo", "--objects", 40, "--hours", 0.1, "--threshold-km", 0.1, "--backend", "cpu", "--out", tmp_path
    )
    assert result.exit_code == 0, result.stderr
    assert " 0 events;" in result.stdout
    assert open_dataset(tmp_path / "conjunctions.zarr").sizes["conjunction"] == 0
    assert (tmp_path / "conjunctions.csv").read_text() == CSV_COLUMNS + "\n"
    assert "</html>" in (tmp_path / "report.html").read_text("utf-8")
    assert result.stdout.rstrip().endswith(str(tmp_path / "report.html"))


def test_names_with_brackets_are_shown_as_they_are(tmp_path: Path) -> None:
    """Rich reads [...] as markup; a name is text."""
    objects = synthetic_catalog(300, seed=0)
    named = objects.from_columns(**{name: getattr(objects, name) for name in COLUMNS} | {"name": "[red]X[/]"})
    write_catalog(named, tmp_path / "named.csv")
    result = stmgpu("screen", tmp_path / "named.csv", "--hours", 2, "--threshold-km", 50, "--backend", "cpu")
    assert result.exit_code == 0, result.stderr
    assert "[red]X[/]" in result.stdout


@pytest.mark.slow
def test_a_catalogue_from_standard_input(tle: Path) -> None:
    """A gzipped one through a pipe; with --quiet nothing but the result is said."""
    done = subprocess.run(
        [sys.executable, "-m", "stmgpu.cli", "-q", "screen", "-", "--hours", "1", "--backend", "cpu"],
        input=gzip.compress(tle.read_bytes()),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"2000 objects read" in done.stdout
    assert done.stderr == b""


@pytest.mark.slow
def test_a_reader_that_leaves_early_is_no_error(tle: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "stmgpu.cli", "screen", str(tle), "--hours", "1", "--backend", "cpu"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(timeout=60) == 0, said
    assert "Traceback" not in said
    assert "Broken" not in said


@pytest.mark.alone
@pytest.mark.slow
def test_termination_leaves_nothing_behind(tmp_path: Path) -> None:
    """What a batch system sends at a job's time limit."""
    process = subprocess.Popen(
        [sys.executable, "-m", "stmgpu.cli", "demo", "--hours", "400", "--out", str(tmp_path)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("window"):
            break
    process.terminate()
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 143, stderr
    assert "Traceback" not in stderr
    assert stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_the_window_and_old_elements_are_named(tle: Path) -> None:
    result = stmgpu("screen", tle, "--start", "2060-01-01", "--hours", 1, "--backend", "cpu")
    assert result.exit_code == 0, result.stderr
    assert "window: 1 h from 2060-01-01T00:00:00.000000Z, threshold 5 km" in result.stderr
    assert re.search(
        r"warning: the median age of the elements at the window.s middle is 12,7[\d.]+ days", result.stderr
    )
    listed = re.findall(r"^failing propagation: (\d+) with code \d \(\w.*\): \d+", result.stderr, re.M)
    failing = int(re.search(r"(\d+) failing propagation", result.stdout).group(1))  # type: ignore[union-attr]
    assert sum(map(int, listed)) == failing > 0
    assert "warning" not in stmgpu("screen", tle, "--hours", 0.1, "--backend", "cpu").stderr


def test_a_certificate_that_does_not_hold_is_a_failure(
    tle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The results are written and printed all the same."""
    monkeypatch.setattr("stmgpu.screen.certificate.Certificate.holds", False)
    result = stmgpu("screen", tle, "--hours", 1, "--backend", "cpu", "--csv", tmp_path / "c.csv")
    assert result.exit_code == 1
    assert "NOT COMPLETE" in result.stdout
    assert "conjunctions may be missing" in result.stderr
    assert (tmp_path / "c.csv").read_text().startswith(CSV_COLUMNS)


def test_version_and_units_in_the_help() -> None:
    assert stmgpu("--version").stdout.startswith("stmgpu")
    assert "below this threshold, in km" in re.sub(r"[\s│]+", " ", stmgpu("screen", "--help").stdout)


def test_slow_pairs_alone_are_said_to_be_so(tle: Path, tmp_path: Path) -> None:
    cat = read_catalog(tle)
    columns = {name: getattr(cat[:1], name).repeat(2) for name in COLUMNS} | {"norad_id": [1, 2]}
    write_catalog(cat.from_columns(**columns), tmp_path / "docked.csv")
    result = stmgpu("screen", tmp_path / "docked.csv", "--hours", 1, "--backend", "cpu")
    assert "No conjunction at 0.1 km/s or faster; 1 slower one (docked or co-orbital) not shown" in result.stdout
    assert " 1 event;" in result.stdout
