"""Commands about conjunction data messages."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from support.commands import refused, stmgpu
from support.messages import json_text, kvn, space_track

from stmgpu.cli.approximations import show_approximations
from stmgpu.cli.results import WIDTH
from stmgpu.messages.cdm import read_cdm
from stmgpu.risk import message_risks, message_samples
from stmgpu.risk.comparison import METHODS


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cdm").mkdir()
    (tmp_path / "cdm" / "good.cdm").write_text(kvn(replace={"MASS": "MASS = heavy"}))
    (tmp_path / "cdm" / "rows.json").write_text(json_text(space_track(SAT1_OBJECT_NAME="=1+1")))
    (tmp_path / "bad.cdm").write_text(kvn(replace={"TCA": None}))
    return tmp_path


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(Path(name).read_text().splitlines()))


def test_check_lists_what_is_wrong_and_what_is_doubtful(folder: Path) -> None:
    result = stmgpu("cdm", "check", "cdm")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        "doubtful  CDM 'cdm/good.cdm: line 1': line 21: MASS is 'heavy', allowed is a decimal number such as -1.5e3, "
        "of at most 1e+20; it is kept as text",
        "2 messages can be used, 0 rejected",
    ]
    result = stmgpu("cdm", "check", "cdm", "bad.cdm", "absent.cdm", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert (document["messages"], document["rejected"], len(document["warnings"])) == (2, 2, 1)
    assert document["rejections"][0].startswith("CDM 'bad.cdm': line 1: the message has no TCA")
    assert "absent.cdm' cannot be read" in document["rejections"][1]


def test_read_shows_conjunctions_and_writes_csv(folder: Path) -> None:
    result = stmgpu("cdm", "read", "cdm", "bad.cdm", "--csv", "m.csv")
    assert result.exit_code == 0, result.stderr
    assert "2 messages, 1 rejected\nwritten: m.csv" in result.stdout
    assert result.stderr.startswith("rejected: CDM 'bad.cdm': line 1: the message has no TCA")
    rows = _rows("m.csv")
    assert [row["name_1"] for row in rows] == ["ALPHA [A] & CO", "'=1+1"]
    assert [float(row["miss_m"]) for row in rows] == [716.0, 716.0]
    refused_all = stmgpu("-q", "cdm", "read", "bad.cdm")
    assert refused_all.exit_code == 2
    assert "no message can be used" in refused_all.stderr


def test_probabilities_as_table_json_and_csv(folder: Path) -> None:
    result = stmgpu("-q", "pc", "--cdm", "cdm", "--backend", "reference", "--csv", "pc.csv")
    assert result.exit_code == 0, result.stderr
    (risk,) = message_risks(read_cdm("cdm/good.cdm"), backend="reference")
    assert f"{risk.probability:.3e}" in result.stdout
    assert "method: 2-D; radius: COMMENT HBR; covariances: CALCULATED" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    rows = _rows("pc.csv")
    assert [float(row["pc"]) for row in rows] == [risk.probability] * 2
    document = json.loads(stmgpu("pc", "--cdm", "cdm", "--backend", "reference", "--json").stdout)
    assert list(document["messages"][0]) == list(rows[0])
    assert document["messages"][0]["pc_max"] == risk.maximum
    larger = json.loads(
        stmgpu("pc", "--cdm", "cdm/good.cdm", "--radius", 20, "--backend", "reference", "--json").stdout
    )
    assert (larger["messages"][0]["radius_m"], larger["messages"][0]["radius_source"]) == (20.0, "given")


def test_approximations_beside_the_exact_probability(folder: Path) -> None:
    (folder / "point.cdm").write_text(kvn(comment="HBR = 0 [m]"))
    command = ("pc", "--cdm", "cdm/good.cdm", "--cdm", "point.cdm", "--compare", "--backend", "reference")
    result = stmgpu("-q", *command, "--csv", "pc.csv")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    table = lines[next(k for k, line in enumerate(lines) if "Foster" in line) + 2 :]
    (risk,) = message_risks(read_cdm("cdm/good.cdm"), backend="reference")
    assert table[0].split()[:2] == ["1", f"{risk.plane_probability:.3e}"]
    assert table[2].split() == ["2", "0.000e+00", *["-"] * len(METHODS)]
    row, empty = _rows("pc.csv")
    for method, shown in zip(METHODS, table[1].split(), strict=True):
        relative = float(row[f"pc_{method}"]) / risk.plane_probability - 1.0
        assert shown == ("<1e-12" if abs(relative) < 1e-12 else f"{relative:+.1e}")
        assert abs(relative) < 0.05
        assert empty[f"pc_{method}"] == ""
    document = json.loads(stmgpu(*command, "--json").stdout)
    assert document["messages"][0]["pc_serra2016"] == float(row["pc_serra2016"])
    assert document["messages"][1]["pc_serra2016"] is None


def test_samples_beside_the_other_probabilities(folder: Path) -> None:
    (folder / "far.cdm").write_text(kvn(replace={"CR_R": "CR_R = 1e-3 [m**2]"}))  # far from positive definite
    command = ("pc", "--cdm", "cdm/good.cdm", "--cdm", "far.cdm", "--samples", 2000, "--seed", 7)
    result = stmgpu("-q", *command, "--backend", "reference", "--csv", "pc.csv")
    assert result.exit_code == 0, result.stderr
    assert max(map(len, result.stdout.splitlines())) <= 80
    found = message_samples(message_risks(read_cdm("cdm/good.cdm")), 2000, seed=7, backend="reference")
    assert f"{found.lower[0]:.3e} to {found.upper[0]:.3e}" in result.stdout
    assert "2: a covariance is far from positive definite" in result.stdout
    assert "2000 samples each, two-body motion, seed 7" in result.stdout
    row, none = _rows("pc.csv")
    assert int(row["mc_hits"]) == found.hits[0]
    assert (float(row["mc_upper"]), float(row["mc_start_s"])) == (found.upper[0], found.start_s[0])
    assert (none["mc_probability"], none["mc_hits"]) == ("", "0")
    document = json.loads(stmgpu(*command, "--backend", "reference", "--json").stdout)
    assert document["messages"][0]["mc_probability"] == found.probability[0]
    assert document["messages"][1]["mc_probability"] is None
    refused = stmgpu("pc", "--cdm", "cdm/good.cdm", "--samples", 0)
    assert refused.exit_code == 2
    assert "samples must be a whole number of 1 or more" in refused.stderr


def test_bad_messages_of_pc_are_listed(folder: Path) -> None:
    (folder / "none.cdm").write_text(kvn(comment=""))
    command = ("pc", "--cdm", "cdm/good.cdm", "--cdm", "bad.cdm", "none.cdm", "--backend", "reference", "--json")
    result = stmgpu(*command)
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert (len(document["messages"]), document["rejected"]) == (1, 2)
    assert "it states no hard-body radius" in document["rejections"][1]
    assert "rejected: CDM 'none.cdm: line 1': it states no hard-body radius" in result.stderr
    assert stmgpu("pc", "--cdm", "none.cdm", "--backend", "reference").exit_code == 2
    refused(stmgpu("pc", "--cdm", "cdm", "--radius", -1), "--radius is -1, allowed is a finite number of 0 or more")
    options = ("--backend", "reference", "--json")
    ruled = json.loads(stmgpu("pc", "--cdm", "cdm/good.cdm", "none.cdm", "--radii", "cara", *options).stdout)
    sources = [(row["radius_m"], row["radius_source"]) for row in ruled["messages"]]
    assert sources == [(10.0, "COMMENT HBR"), (2.2, "both cara: default")]
    (folder / "radii.csv").write_text("norad_id,radius_m,sigma_m\n91001,3,0.5\n")
    ruled = json.loads(stmgpu("pc", "--cdm", "none.cdm", "--radii", "radii.csv", *options).stdout)
    assert ruled["messages"][0]["radius_m"] == pytest.approx((4.1**2 + 0.5**2) ** 0.5, rel=1e-15)
    assert ruled["messages"][0]["radius_source"] == "radii.csv + cara: default"
    refused(stmgpu("pc", "--cdm", "cdm", "--radii", "carra"), "the radius rule 'carra' is unknown; allowed are cara")
    refused(stmgpu("pc", "--cdm", "cdm", "--radii", "cara", "--radius", 5), "choose one: --radius also replaces")
    (folder / "empty").mkdir()
    refused(stmgpu("cdm", "read", "empty"), "the folders hold no file; give files of CDMs")


def test_a_slow_encounter_says_why_it_is_not_that_of_the_plane(folder: Path) -> None:
    slow = {"X_DOT": "X_DOT = -2.888600000 [km/s]", "Y_DOT": "Y_DOT = -6.007200000 [km/s]"}
    (folder / "slow.cdm").write_text(kvn(replace={**slow, "Z_DOT": "Z_DOT = 3.328800000 [km/s]"}))
    result = stmgpu("-q", "pc", "--cdm", "slow.cdm", "--backend", "reference")
    assert "1: extended: it lasts " in result.stdout
    assert "1: Pc is 3D-Nc: the two-dimensional " in result.stdout


def test_tiny_probabilities_leave_the_table_its_width() -> None:
    """Numbers of nine characters at most: none is cut, nor the numbers of the rows."""
    methods = ("plane", "foster1992", "chan1997", "alfano2005", "patera2005", "serra2016", "small_radius")
    rows = [{f"pc_{name}": value for name in methods} for value in (*[1e-5] * 98, 1.967e-173, 0.0)]
    page = io.StringIO()
    show_approximations(Console(file=page, width=WIDTH), rows)
    lines = page.getvalue().splitlines()
    assert not any("…" in line for line in lines)
    assert next(line for line in lines if line.split()[:1] == ["99"]).split() == ["99", *["<1e-99"] * 7]
