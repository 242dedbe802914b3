"""Commands about covariance models: fit and check on histories whose errors are known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.commands import refused, stmgpu
from support.histories import Noise, predicted_of, sets_of, states_of, truth_of
from support.trajectories import MEME_NAME, meme

from stmgpu.backend.cpu import usable_levels
from stmgpu.catalog import synthetic_catalog, write_catalog
from stmgpu.frames import from_teme
from stmgpu.propagate.oem_files import format_oem
from stmgpu.risk.covariance_model import read_model

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Catalogues of every half day, and true states of some of their objects."""
    monkeypatch.chdir(tmp_path)
    truth = truth_of(20, seed=4)
    for k, catalog in enumerate(sets_of(truth, Noise(), sets=8, every_days=0.5, seed=5)):
        write_catalog(catalog, tmp_path / f"day{k}.csv")
    (tmp_path / "truth.oem").write_bytes(format_oem(states_of(truth[:12], days=4.0, step_s=3600.0)))
    return tmp_path


DAYS = [f"day{k}.csv" for k in range(8)]


def test_a_fit_without_reference_says_so_in_every_output(folder: Path) -> None:
    result = stmgpu("-q", "covariance", "fit", *DAYS, "--out", "own.toml")
    assert result.exit_code == 0, result.stderr
    text = " ".join(result.stdout.split())
    assert "own was not judged against independent states: the sigmas may be wrong by a factor of ten" in text
    assert "do not suffice for decisions about manoeuvres" in text
    assert "left out, too few: LEO2, 3.5 to 5.5 days: 20 pairs own was" in text
    assert result.stdout.endswith("written: own.toml\n")
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "not judged against independent states" in (folder / "own.toml").read_text()
    model = read_model("own.toml")
    assert [row.age_days for row in model.stratum] == [(0.75, 1.5), (1.5, 2.5), (2.5, 3.5)]
    assert "160 element sets of 20 objects, 2025-03-01 to 2025-03-04, of day0.csv, day1.csv" in model.obtained
    document = json.loads(stmgpu("covariance", "fit", *DAYS, "--out", "own.toml", "--json").stdout)
    assert document["notice"] == model.notice
    assert document["verdicts"] is None
    assert [row["pairs"] for row in document["strata"]] == [row.pairs for row in model.stratum]


def test_a_fit_with_reference_has_verdicts(folder: Path) -> None:
    words = ["covariance", "fit", *DAYS, "--out", "own.toml", "--name", "mine", "--ages", "0.75,1.5,3"]
    result = stmgpu("-q", *words, "--reference", "truth.oem")
    assert result.exit_code == 0, result.stderr
    text = " ".join(result.stdout.split())
    assert "against states of truth.oem: 1 calibrated, 0 failed, 1 too few" in text
    assert "calibrated: the 68.27 % percentile of the errors is within a factor 2 of sigma" in text
    assert max(map(len, result.stdout.splitlines())) <= 80
    model = read_model("own.toml")
    assert (model.name, model.reference) == ("mine", "states of truth.oem")
    assert [row.verdict for row in model.stratum] == ["calibrated", "too few"]
    document = json.loads(stmgpu(*words, "--reference", "truth.oem", "--json").stdout)
    assert document["verdicts"] == {"calibrated": 1, "failed": 0, "too few": 1}


@pytest.mark.slow
def test_check_tells_realistic_covariances_from_wrong_ones(folder: Path) -> None:
    assert stmgpu("covariance", "fit", *DAYS, "--out", "own.toml").exit_code == 0
    own = json.loads(stmgpu("covariance", "check", *DAYS, "--covariance", "own.toml", "--json").stdout)
    assert {row["regime"] for row in own["strata"]} == {"LEO2"}
    assert all(0.8 < row["scale"] < 1.25 for row in own["strata"])
    assert "they hold the errors of both" in own["errors_are"]
    assert "not judged against independent states" in own["notice"]
    words = ["covariance", "check", *DAYS, "--covariance", "rtn:10,1000,100", "--ages", "0.75,1.25"]
    result = stmgpu("-q", *words, "--reference", "truth.oem")
    assert result.exit_code == 0, result.stderr
    text = " ".join(result.stdout.split())
    assert "covariances: rtn:10,1000,100 errors are against states of truth.oem" in text
    assert max(map(len, result.stdout.splitlines())) <= 80
    known = json.loads(stmgpu(*words, "--reference", "truth.oem", "--json").stdout)
    (row,) = known["strata"]
    assert row["count"] == 12 * 7
    assert 0.7 < row["scale"] < 1.1  # the radial error against the truth is 7 m
    shipped = stmgpu("-q", "covariance", "check", *DAYS).stdout
    assert "do not suffice for decisions about manoeuvres" in " ".join(shipped.split())


def test_what_cannot_be_learned_is_refused(folder: Path) -> None:
    write_catalog(synthetic_catalog(30, seed=4), folder / "one.csv")
    refused(stmgpu("-q", "covariance", "fit", "one.csv", "--out", "m.toml"), "none of 30 element sets has a newer one")
    assert not (folder / "m.toml").exists()
    refused(
        stmgpu("-q", "covariance", "fit", *DAYS, "--out", "m.toml", "--reference", "truth.oem=77"),
        "one id, 77, is given for 12 objects",
    )


@pytest.mark.slow
def test_covariances_of_ephemerides_are_tested_against_a_reference(folder: Path) -> None:
    truth = states_of(truth_of(40, seed=6), days=0.5, step_s=400.0)
    (folder / "later.oem").write_bytes(format_oem(truth))
    (folder / "right.oem").write_bytes(format_oem(predicted_of(truth, (10.0, 90.0, 8.0), every=27, seed=1)[0]))
    words = ["covariance", "check", "--ephemeris", "right.oem", "--reference", "later.oem"]
    result = stmgpu("-q", *words)
    assert result.exit_code == 0, result.stderr
    text = " ".join(result.stdout.split())
    assert "covariances: right.oem errors are against states of later.oem; those of one ephemeris depend" in text
    document = json.loads(stmgpu(*words, "--json").stdout)
    assert [row["age_days"] for row in document["strata"]] == [[0.0, 0.25], [0.25, 0.5], [0.5, 1.0]]
    assert [row["count"] for row in document["strata"]] == [80, 80, 40]
    assert all(0.8 < row["scale"] < 1.25 for row in document["strata"])
    refused(stmgpu("covariance", "check", "--ephemeris", "right.oem"), "--ephemeris needs --reference")
    refused(stmgpu("covariance", "check"), "give either histories of element sets, or ephemerides")
    refused(stmgpu("covariance", "check", "day0.csv", "--ephemeris", "right.oem"), "give either histories")


def test_starlinks_files_are_a_reference(folder: Path) -> None:
    """Modified ITC in EME2000, whose object is named by the file."""
    truth = states_of(truth_of(20, seed=4)[:1], days=4.0, step_s=1800.0)
    times = truth.time_ns.view("datetime64[ns]")
    states = np.hstack(from_teme("EME2000", truth.time_ns, truth.position, truth.velocity))
    name = MEME_NAME.format(number=1, name="T1")
    (folder / name).write_bytes(meme(times, states))
    words = [
        "covariance",
        "check",
        *DAYS,
        "--covariance",
        "rtn:10,1000,100",
        "--ages",
        "0.75,1.25",
        "--reference",
        name,
    ]
    result = stmgpu(*words, "--json")
    assert result.exit_code == 0, result.stderr
    (row,) = json.loads(result.stdout)["strata"]
    assert row["count"] == 7
    assert 0.1 < row["mean"] < 12.0
