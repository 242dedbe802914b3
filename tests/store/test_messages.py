"""Messages of an assessed store: their numbers are those of the conjunctions, and the command writes them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from support.commands import refused, stmgpu
from support.stores import BACKEND, screen, small_catalog

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels
from stmgpu.errors import InputError
from stmgpu.messages.cdm import format_cdm, read_cdm
from stmgpu.risk import message_risks
from stmgpu.store.messages import writable

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("messages") / "s.zarr"
    screen(small_catalog(600), store, hours=3.0)
    stm.assess_store(store, backend=BACKEND, radii="fixed:20")
    return store


@pytest.fixture
def con(made: Path) -> xr.Dataset:
    return stm.open_dataset(made)


def test_numbers_of_messages_are_those_of_the_conjunctions(con: xr.Dataset) -> None:
    """Distances, speeds, radii and probabilities; Pc also from the states and covariances of the messages as read."""
    created = np.datetime64("2025-01-01T00:00:00")
    messages = read_cdm(format_cdm(stm.messages_of(con, created=created)))
    assert len(messages) == con.sizes["conjunction"] > 20
    assert all(message.warnings == () for message in messages)
    np.testing.assert_allclose([m.miss_distance_m for m in messages], 1e3 * con.miss_distance, rtol=1e-6, atol=1e-3)
    np.testing.assert_allclose([m.number("RELATIVE_SPEED") for m in messages], 1e3 * con.relative_speed, rtol=1e-6)
    assert [m.tca for m in messages] == con.tca.values.tolist() or (
        np.array([m.tca for m in messages]) == con.tca
    ).all()
    np.testing.assert_array_equal([m.number("COLLISION_PROBABILITY") for m in messages], con.pc)
    risks = message_risks(messages[::5], backend="reference")
    assert {risk.radius_m for risk in risks} == {20.0}
    pc = con.pc.values[::5]
    valid = np.isfinite(pc)
    assert valid.any()
    found = np.array([risk.plane_probability for risk in risks])
    np.testing.assert_allclose(found[valid], pc[valid], rtol=1e-6)
    for message, ids in zip(messages, con.primary.values.tolist(), strict=True):
        one = message.objects[0]
        assert int(one.designator) == ids
        assert one.fields["COVARIANCE_METHOD"] == "DEFAULT"
        assert one.comments[0].startswith("covariance: a model, ")
        assert "days old at TCA" in " ".join(one.comments)
        text = " ".join(message.comments)
        assert "HBR source: fixed:20" in text
        assert "flags: " in text
        assert "do not suffice for decisions" in text


def test_rows_by_their_probability(con: xr.Dataset) -> None:
    assert len(writable(con)) == con.sizes["conjunction"]
    value = np.where(np.isnan(con.pc), con.pc_max, con.pc)
    limit = float(np.median(value))
    assert writable(con, limit).tolist() == np.flatnonzero(value >= limit).tolist()
    for above in (-1.0, 2.0, np.nan):
        with pytest.raises(InputError, match=r"the least probability is .*, allowed is a number from 0 to 1"):
            writable(con, above)
    with pytest.raises(InputError, match="the conjunctions are not assessed"):
        writable(con.drop_vars("pc"))


def test_the_command(made: Path, con: xr.Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "messages"
    limit = float(np.sort(np.where(np.isnan(con.pc), con.pc_max, con.pc))[-3])
    result = stmgpu("cdm", "write", made, "--dir", folder, "--above", limit, "--json")
    assert result.exit_code == 0, result.stderr
    document = {"messages": 3, "written": 3, "without_covariance": 0, "folder": str(folder)}
    assert json.loads(result.stdout) == document
    files = sorted(folder.iterdir())
    assert [path.suffix for path in files] == [".cdm"] * 3
    checked = stmgpu("cdm", "check", folder)
    assert checked.exit_code == 0
    assert checked.stdout == "3 messages can be used, 0 rejected\n"
    result = stmgpu("cdm", "write", made, "--dir", folder, "--above", limit, "--form", "xml", "--frame", "GCRF")
    assert result.stdout == f"3 messages in {folder}\n"
    (message,) = read_cdm(sorted(folder.glob("*.xml"))[0])
    assert message.objects[0].frame == "GCRF"
    assert message.fields["ORIGINATOR"] == "STMGPU"
    refused(stmgpu("cdm", "write", made, "--dir", files[0]), "it is a file; give a folder with --dir")
    refused(stmgpu("cdm", "write", made, "--dir", folder, "--above", 2), "the least probability is 2, allowed is a num")
    refused(stmgpu("cdm", "write", made, "--dir", folder, "--originator", ""), "--originator is '', allowed is printab")


@pytest.mark.slow
def test_written_again_a_store_gives_the_same_files(made: Path, con: xr.Dataset, tmp_path: Path) -> None:
    """Files that are there stay as they are; others of the same names are replaced only when asked for."""
    folder = tmp_path / "messages"
    limit = float(np.sort(np.where(np.isnan(con.pc), con.pc_max, con.pc))[-3])
    again = ["cdm", "write", made, "--dir", folder, "--above", limit, "--json"]
    assert stmgpu(*again).exit_code == 0
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    row = con.isel(conjunction=int(writable(con, limit)[0]))
    stamp = str(row.tca.values.astype("M8[s]")).translate({45: None, 58: None, 84: "_"})
    assert f"{int(row.primary):09d}_conj_{int(row.secondary):09d}_{stamp}.cdm" in before
    result = stmgpu(*again)
    assert (json.loads(result.stdout)["messages"], json.loads(result.stdout)["written"]) == (3, 0)
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before
    path = sorted(folder.iterdir())[1]
    path.write_bytes(b"mine")
    refused(stmgpu(*again), f"{path} holds something else than would be written; use --overwrite to replace")
    assert path.read_bytes() == b"mine"
    dated = [*again, "--created", "2025-01-01T06:00:00", "--dialect", "tracss", "--form", "kvn"]
    refused(stmgpu(*dated), "and 2 more files hold something else")
    assert json.loads(stmgpu(*dated, "--overwrite").stdout)["written"] == 3
    assert {path.name for path in folder.iterdir()} == before.keys()
    for path in folder.iterdir():
        (message,) = read_cdm(path)
        assert message.fields["CREATION_DATE"] == "2025-01-01T06:00:00.000"
        assert message.fields["CONJUNCTION_ID"] == path.stem
        assert message.message_id == f"{path.stem}_20250101_060000"
    refused(stmgpu(*again, "--created", "tomorrow"), "time 'tomorrow' is not a UTC time")


def test_the_dialect_of_tracss(con: xr.Dataset) -> None:
    """Further fields, as CDM 2.0, equal to the columns; what CDM 1.0 has is the same in both."""
    some = con.isel(conjunction=slice(0, 6))
    messages = read_cdm(format_cdm(stm.messages_of(some, dialect="tracss")))
    for k, (one, message) in enumerate(zip(stm.messages_of(some), messages, strict=True)):
        assert (message.version, message.warnings) == ("2.0", ())
        further = {name: text for name, text in message.fields.items() if name not in one.fields}
        assert {name: message.fields[name] for name in one.fields} == dict(one.fields)
        assert further.pop("CONJUNCTION_ID") == one.message_id[:-16]
        begin, end = (np.datetime64(further.pop(f"{name}_SCREEN_PERIOD")) for name in ("START", "STOP"))
        assert (begin, end - begin) == (np.datetime64(con.attrs["start"][:19]), np.timedelta64(3, "h"))
        assert further.pop("COLLISION_MAX_PC_METHOD") == "SCALE_COMBINED_COVAR"
        columns = some.isel(conjunction=k)
        assert {name: float(text) for name, text in further.items()} == {
            "MAHALANOBIS_DISTANCE": float(columns.mahalanobis), "APPROACH_ANGLE": float(columns.approach_angle),
            "COLLISION_MAX_PROBABILITY": float(columns.pc_max),
        }  # fmt: skip
    with pytest.raises(InputError, match="the dialect 'jspoc' is unknown, allowed: ccsds, tracss"):
        stm.messages_of(some, dialect="jspoc")


def test_a_store_without_assessment_is_refused(tmp_path: Path) -> None:
    store = tmp_path / "s.zarr"
    screen(small_catalog(100), store, hours=1.0)
    refused(stmgpu("cdm", "write", store, "--dir", tmp_path / "m"), "the conjunctions are not assessed")
    assert not (tmp_path / "m").exists()
