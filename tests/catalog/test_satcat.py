"""SATCAT of CelesTrak and Space-Track: what is read, what is refused, and what a catalogue takes from it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.commands import refused
from support.commands import stmgpu as command
from support.samples import csv_of, fields

import stmgpu as stm
from stmgpu.catalog import read_catalog, synthetic_catalog, write_catalog
from stmgpu.catalog.satcat import read_satcat
from stmgpu.errors import CatalogError

CELESTRAK = """\
OBJECT_NAME,OBJECT_ID,NORAD_CAT_ID,OBJECT_TYPE,OPS_STATUS_CODE,OWNER,LAUNCH_DATE,LAUNCH_SITE,DECAY_DATE,PERIOD,\
INCLINATION,APOGEE,PERIGEE,RCS,DATA_STATUS_CODE,ORBIT_CENTER,ORBIT_TYPE
"MADE, UP 1",2011-002A,1,PAY,+,XYZ,2011-01-20,AFWTR,,98.1,51.6,600,590,2.5,,EA,ORB
MADE UP 2,2011-002B,2,R/B,D,XYZ,2011-01-20,AFWTR,2025-01-01T11:30:00Z,,,,,,NCE,EA,IMP
MADE UP 3,2011-002C,3,DEB,,,2011-01-20,AFWTR,,99.0,51.6,700,590,,,EA,ORB
MADE UP 4,2011-002D,4,UNK,-,ABC,2011-01-20,AFWTR,,99.0,51.6,700,590,,,EA,ORB
"""


def space_track(norad: int, **edits: Any) -> dict[str, Any]:
    return {
        "INTLDES": f"2011-002{chr(64 + norad)}", "NORAD_CAT_ID": str(norad), "OBJECT_TYPE": "PAYLOAD",
        "SATNAME": f"MADE UP {norad}", "COUNTRY": "XYZ", "LAUNCH": "2011-01-20", "SITE": "AFWTR", "DECAY": None,
        "PERIOD": "98.1", "INCLINATION": "51.60", "APOGEE": "600", "PERIGEE": "590", "COMMENT": None,
        "COMMENTCODE": None, "RCSVALUE": "0", "RCS_SIZE": "LARGE", "FILE": "8000", "LAUNCH_YEAR": "2011",
        "LAUNCH_NUM": "2", "LAUNCH_PIECE": "A", "CURRENT": "Y", "OBJECT_NAME": f"MADE UP {norad}",
        "OBJECT_ID": f"2011-002{chr(64 + norad)}", "OBJECT_NUMBER": str(norad), **edits,
    }  # fmt: skip


def test_celestrak() -> None:
    for data in (CELESTRAK.encode(), gzip.compress(CELESTRAK.encode()), CELESTRAK.replace("\n", "\r\n").encode()):
        satcat = read_satcat(data)
        assert (satcat.norad_id.tolist(), satcat.rejected) == ([1, 2, 3, 4], ())
        assert satcat.name.tolist()[0] == "MADE, UP 1"
        assert satcat.object_type.tolist() == ["PAYLOAD", "ROCKET BODY", "DEBRIS", "UNKNOWN"]
        assert satcat.status.tolist() == ["OPERATIONAL", "DECAYED", "", "NONOPERATIONAL"]
        assert satcat.owner.tolist() == ["XYZ", "XYZ", "", "ABC"]
        assert np.isnan(satcat.decay_jd).tolist() == [True, False, True, True]
        assert satcat.decay_jd[1] == 2460676.5


def test_space_track() -> None:
    records = [space_track(1), space_track(2, DECAY="2025-01-01", OBJECT_TYPE="TBA"), space_track(2, CURRENT="N")]
    table = csv_of(*({key: value or "" for key, value in record.items()} for record in records))
    for data in (json.dumps(records).encode(), table, "\n".join(map(json.dumps, records)).encode()):
        satcat = read_satcat(data)
        assert (satcat.norad_id.tolist(), satcat.rejected_count) == ([1, 2], 0)
        assert satcat.object_type.tolist() == ["PAYLOAD", "UNKNOWN"]
        assert (satcat.owner.tolist(), satcat.object_id.tolist()) == (["XYZ", "XYZ"], ["2011-002A", "2011-002B"])
        assert satcat.decay_jd.tolist()[1] == 2460676.5


@pytest.mark.parametrize(
    ("edits", "reason"),
    [
        ({"NORAD_CAT_ID": "x7"}, "NORAD_CAT_ID is 'x7', allowed is 1 to 999999999"),
        ({"OBJECT_TYPE": "SHIP"}, "OBJECT_TYPE is 'SHIP', allowed is one of PAYLOAD, PAY"),
        ({"DECAY": "soon"}, "DECAY_DATE is 'soon', allowed is a date such as 2024-07-05, or nothing"),
        ({"COUNTRY": "A\tB"}, "OWNER is 'A\\tB', allowed is printable text"),
        ({"COUNTRY": "A" * 300}, "allowed is printable text of at most 100 characters"),
        ({"NORAD_CAT_ID": "1"}, "object occurs again; its first entry, record 1, is used"),
    ],
)
def test_wrong_entries_are_listed(edits: dict[str, str], reason: str) -> None:
    satcat = read_satcat(json.dumps([space_track(1), space_track(2, **edits)]).encode())
    assert (satcat.norad_id.tolist(), satcat.rejected_count) == ([1], 1)
    assert satcat.rejected[0].where == "record 2"
    assert reason in satcat.rejected[0].reason


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not that of a SATCAT|at least one entry"),
        (csv_of(fields()), "CSV header is not that of a SATCAT, which has NORAD_CAT_ID and some of"),
        (b"[]", "at least one entry"),
        (b"[5]", "only 0 of 1 entries are valid"),
        (b'[{"NORAD_CAT_ID": "7", "COMMENTCODE": "1"}]', "first entry is not that of a SATCAT"),
        (b"<html><body>Log in</body></html>", "it is an HTML page; give a SATCAT in CSV or JSON"),
        (CELESTRAK.replace(",PAY,", ",1,").replace(",DEB,", ",2,").replace(",R/B,", ",3,").encode(), "only 1 of 4"),
        (CELESTRAK.encode()[:300] + b"\n1,2\n1,2,3\n", "only 0 of 2|only 1 of"),
    ],
)
def test_what_is_no_satcat(data: bytes, message: str) -> None:
    with pytest.raises(CatalogError, match=message) as refusal:
        read_satcat(data)
    assert "SATCAT '<bytes>'" in str(refusal.value)


def test_a_satcat_is_no_catalogue() -> None:
    for data in (CELESTRAK.encode(), json.dumps([space_track(1)]).encode()):
        with pytest.raises(CatalogError, match=r"it is a SATCAT, which .* no elements; give it with --satcat"):
            read_catalog(data)
    assert len(read_catalog(csv_of({**fields(), "OPS_STATUS_CODE": "P"}))) == 1
    assert len(read_catalog(json.dumps([{**fields(), "COMMENTCODE": "1"}]).encode())) == 1


def test_a_flood_of_wrong_entries_ends() -> None:
    with pytest.raises(CatalogError, match="reading ended at line 10001"):
        read_satcat(b"NORAD_CAT_ID,OWNER\n" + b"0,X\n" * 30_000)


def test_a_flood_of_good_entries_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stmgpu.catalog.satcat.MAX_ENTRIES", 3)
    with pytest.raises(CatalogError, match="line 5 is beyond its 3 entries"):
        read_satcat(CELESTRAK.encode())


def test_a_catalogue_takes_it() -> None:
    cat = read_catalog(csv_of(
        fields(4, OBJECT_NAME="GIVEN", OBJECT_TYPE="DEBRIS", COUNTRY_CODE="OLD"),
        fields(1, OBJECT_NAME=None, OBJECT_ID=None),
        fields(9, OBJECT_TYPE="PAYLOAD"),
        fields(2, EPOCH="2025-01-04T00:00:00"),
        fields(2, EPOCH="2024-12-04T00:00:00"),
    ))  # fmt: skip
    described = cat.with_satcat(read_satcat(CELESTRAK.encode()))
    assert described.norad_id.tolist() == [4, 1, 9, 2]
    assert described.object_type.tolist() == ["UNKNOWN", "PAYLOAD", "PAYLOAD", "ROCKET BODY"]
    assert described.name.tolist() == ["GIVEN", "MADE, UP 1", "MADE UP", "MADE UP"]
    assert described.object_id.tolist() == ["2011-002B", "2011-002A", "2011-002B", "2011-002B"]
    assert described.owner.tolist() == ["ABC", "XYZ", "", "XYZ"]
    assert described.status.tolist() == ["NONOPERATIONAL", "OPERATIONAL", "", "DECAYED"]
    assert described.notes == (
        "type, status, owner and decay of 3 of 4 objects are from '<bytes>'",
        "1 object has elements newer than the decay date",
    )
    assert described.with_sets("nearest", near="2024-12-01").decay_jd.tolist()[3] == 2460676.5
    assert cat.owner.tolist() == ["OLD", "", "", ""]
    summary = described.summary()
    assert summary["types"] == {"PAYLOAD": 2, "ROCKET BODY": 1, "UNKNOWN": 1}
    assert summary["statuses"] == {"DECAYED": 1, "NONOPERATIONAL": 1, "OPERATIONAL": 1, "not given": 1}
    assert summary["decayed"] == 1
    assert synthetic_catalog(3).summary()["statuses"] == {}


@pytest.mark.slow
def test_status_and_owner_reach_the_rows_of_a_screening(tmp_path: Path) -> None:
    cat = synthetic_catalog(400, seed=8)
    plain = stm.screen(cat, start="2025-01-01", hours=1, threshold_km=30.0)
    assert "primary_owner" not in plain
    first = int(plain.primary[0])
    satcat = read_satcat(f"NORAD_CAT_ID,OPS_STATUS_CODE,OWNER\n{first},S,XYZ\n".encode())
    con = stm.screen(cat.with_satcat(satcat), start="2025-01-01", hours=1, threshold_km=30.0)
    assert (
        con.drop_vars([f"{w}_{x}" for w in ("primary", "secondary") for x in ("owner", "status")])
        .drop_attrs()
        .equals(plain.drop_attrs())
    )
    known = con.primary.values == first
    assert (set(con.primary_owner.values[known]), set(con.primary_owner.values[~known])) == ({"XYZ"}, {""})
    assert set(con.primary_status.values[known]) == {"SPARE"}
    path = tmp_path / "c.zarr"
    assert stm.screen_to_store(cat.with_satcat(satcat), path, start="2025-01-01", hours=1, threshold_km=30.0).complete
    assert stm.open_dataset(path).primary_owner.values.tolist() == con.primary_owner.values.tolist()
    stm.write_csv(con, tmp_path / "c.csv")
    assert (tmp_path / "c.csv").read_text().splitlines()[0].endswith("primary_owner,secondary_owner")


@pytest.mark.slow
def test_command_line(tmp_path: Path) -> None:
    cat, satcat = tmp_path / "cat.csv", tmp_path / "satcat.csv"
    write_catalog(synthetic_catalog(30), cat)
    satcat.write_text(CELESTRAK + "MADE UP 5,2011-002E,5,SHIP,,,,,,,,,,,,,\n")
    told = command("catalog", "summary", cat, "--satcat", satcat)
    assert "statuses      DECAYED 1, NONOPERATIONAL 1, OPERATIONAL 1, not given 27" in told.stdout
    assert "rejected of the SATCAT: line 6 (object 5): OBJECT_TYPE is 'SHIP'" in told.stderr
    screened = command("screen", cat, "--satcat", satcat, "--start", "2025-01-02", "--hours", 1)
    assert "1 decayed, " in screened.stdout
    assert "decayed: 1 with code 11 (after its decay date: no longer in orbit by the catalogue): 2" in screened.stderr
    command("catalog", "convert", cat, tmp_path / "out.json", "--satcat", satcat)
    assert read_catalog(tmp_path / "out.json").owner.tolist()[:4] == ["XYZ", "XYZ", "", "ABC"]
    refused(command("screen", "--satcat", satcat, "--ephemeris", cat), "--satcat describes the objects of a catalogue")
    refused(command("catalog", "summary", cat, "--satcat", tmp_path), "is a folder; give a SATCAT")
