"""OEM files. Truth: the numbers that were written; CCSDS 502.0-B-3 for the form; IERS Bulletin C for leap seconds."""

from __future__ import annotations

import datetime as dt
import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stmgpu.catalog.ccsds.oem import read_oem
from stmgpu.catalog.ccsds.oem_writer import format_oem
from stmgpu.catalog.trajectories import SYNTHETIC_ID, Segment, Trajectories, Trajectory
from stmgpu.catalog.trajectories.covariances import TrajectoryCovariances
from stmgpu.choices import OemFrame
from stmgpu.errors import InputError, StmgpuError
from stmgpu.frames import to_teme
from stmgpu.messages.fields import COVARIANCE_UNITS

S = 1_000_000_000
HEADER = "CCSDS_OEM_VERS = {version}\nCOMMENT of nothing\nCREATION_DATE = 2024-07-05T00:00:00\nORIGINATOR = US\n\n"
META: dict[str, Any] = {
    "OBJECT_NAME": "SAT A", "OBJECT_ID": "2024-001A", "CENTER_NAME": "EARTH", "REF_FRAME": "TEME", "TIME_SYSTEM": "UTC",
    "START_TIME": "2024-07-05T00:00:00.000", "STOP_TIME": "2024-07-05T00:09:00.000", "INTERPOLATION": "HERMITE",
    "INTERPOLATION_DEGREE": 7,
}  # fmt: skip
TRIANGLE = [[f"{1e-6 if i == j else 1e-9 * (i + 1):g}" for j in range(i + 1)] for i in range(6)]


def states(times_s: np.ndarray) -> np.ndarray:
    rate = np.sqrt(398600.8 / 7000.0**3)
    one, other = np.cos(rate * times_s), np.sin(rate * times_s)
    return np.stack([7000 * one, 7000 * other, 0 * one, -7000 * rate * other, 7000 * rate * one, 0 * one], axis=1)


def rows(begin: str = "2024-07-05T00:00:00", count: int = 10, step_s: float = 60.0) -> list[tuple[str, ...]]:
    times = np.datetime64(begin, "ms") + (np.arange(count) * step_s * 1000).astype("timedelta64[ms]")
    return [(str(t), *map(repr, row)) for t, row in zip(times, states(np.arange(count) * step_s).tolist(), strict=True)]


def kvn(*segments: tuple[dict[str, Any], list[tuple[str, ...]]], version: str = "2.0") -> bytes:
    text = HEADER.format(version=version)
    for meta, data in segments:
        text += "META_START\n" + "".join(f"{k:20s} = {v}\n" for k, v in meta.items()) + "META_STOP\n"
        text += "COMMENT states\n\n" + "".join("  " + "  ".join(row) + "\n" for row in data)
        text += "COVARIANCE_START\nEPOCH = 2024-07-05T00:00:00\nCOV_REF_FRAME = RSW\n"
        text += "\n".join(" ".join(row) for row in TRIANGLE) + "\nCOVARIANCE_STOP\n\n"
    return text.encode()


def xml(*segments: tuple[dict[str, Any], list[tuple[str, ...]]], version: str = "2.0", wrap: bool = False) -> bytes:
    fields = ("EPOCH", "X", "Y", "Z", "X_DOT", "Y_DOT", "Z_DOT")
    text = (
        f'<oem id="CCSDS_OEM_VERS" version="{version}"><header><CREATION_DATE>2024-07-05T00:00:00</CREATION_DATE>'
        "<ORIGINATOR>US</ORIGINATOR></header><body>"
    )
    for meta, data in segments:
        text += "<segment><metadata><COMMENT>hm</COMMENT>" + "".join(f"<{k}>{v}</{k}>" for k, v in meta.items())
        text += "</metadata><data><COMMENT>x</COMMENT>"
        for row in data:
            units = ["", *[' units="km"'] * 3, *[' units="km/s"'] * 3]
            each = zip(fields, units, row, strict=True)
            text += "<stateVector>" + "".join(f"<{k}{u}> {v} </{k}>" for k, u, v in each) + "</stateVector>\n"
        text += "<covarianceMatrix><EPOCH>2024-07-05T00:00:00</EPOCH><COV_REF_FRAME>RSW</COV_REF_FRAME>"
        elements = zip(COVARIANCE_UNITS.items(), [v for row in TRIANGLE for v in row], strict=True)
        text += "".join(f'<{k} units="{u}">{v}</{k}>' for (k, u), v in elements)
        text += "</covarianceMatrix></data></segment>"
    text += "</body></oem>"
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<ndm>{text}</ndm>' if wrap else text).encode()


FORMS = {
    "kvn": lambda *s: kvn(*s), "kvn 1": lambda *s: kvn(*s, version="1.0"), "kvn 3": lambda *s: kvn(*s, version="3.0"),
    "crlf": lambda *s: kvn(*s).replace(b"\n", b"\r\n"), "gzip": lambda *s: gzip.compress(kvn(*s)),
    "bom": lambda *s: b"\xef\xbb\xbf" + kvn(*s), "xml": lambda *s: xml(*s), "ndm": lambda *s: xml(*s, wrap=True),
    "namespace": lambda *s: xml(*s).replace(b"<oem ", b'<a:oem xmlns:a="urn:x" ').replace(b"</oem>", b"</a:oem>"),
}  # fmt: skip


@pytest.mark.parametrize("form", sorted(FORMS))
def test_every_form_gives_the_same(form: str) -> None:
    later = META | {
        "USEABLE_START_TIME": "2024-07-05T00:10:00",
        "USEABLE_STOP_TIME": "2024-187T00:16:00.5Z",
        "START_TIME": "2024-07-05T00:09:00",
        "STOP_TIME": "2024-07-05T00:18:00",
        "INTERPOLATION": "LAGRANGE",
        "INTERPOLATION_DEGREE": 5,
    }
    t = read_oem(FORMS[form]((META, rows()), (later, rows("2024-07-05T00:09:00"))))
    assert (len(t), t.norad_id[0], t.name[0], t.object_id[0]) == (1, SYNTHETIC_ID, "SAT A", "2024-001A")
    assert t.method.tolist() == ["hermite", "lagrange"]
    assert t.degree.tolist() == [7, 5]
    first = int(np.datetime64("2024-07-05", "ns").view(np.int64))
    assert np.array_equal(t.time_ns[:10], first + np.arange(10) * 60 * S)
    assert np.array_equal(t.position[:10], states(np.arange(10) * 60.0)[:, :3])
    assert np.array_equal(t.velocity[10:], states(np.arange(10) * 60.0)[:, 3:])
    assert (t.usable_start_ns - first).tolist() == [0, 600 * S]
    assert (t.usable_stop_ns - first).tolist() == [540 * S, 960 * S + S // 2]


def test_sources(tmp_path: Path) -> None:
    data = kvn((META, rows()))
    path = tmp_path / "a.oem"
    path.write_bytes(data)
    expected = read_oem(data)
    for source in (path, str(path), io.BytesIO(data)):
        found = read_oem(source)
        assert found.digest() == expected.digest()
    assert read_oem(path).source[0] == str(path)
    with pytest.raises(InputError, match=r"ephemeris file .* cannot be read"):
        read_oem(tmp_path / "none.oem")
    with pytest.raises(InputError, match="larger than 1000 bytes"):
        read_oem(data, max_bytes=1000)
    with pytest.raises(InputError, match="larger than 100000 bytes"):
        read_oem(gzip.compress(b" " * 10_000_000), max_bytes=100_000)
    with pytest.raises(InputError, match="damaged gzip"):
        read_oem(gzip.compress(data)[:-30])


def test_accelerations_do_not_count() -> None:
    data = [(*row, "1e-3", "2e-3", "3e-3") for row in rows()]
    assert read_oem(kvn((META, data))).digest() == read_oem(kvn((META, rows()))).digest()


def test_ids() -> None:
    other = META | {"OBJECT_NAME": "B", "OBJECT_ID": "25544"}
    unknown = META | {"OBJECT_NAME": "C", "OBJECT_ID": "UNKNOWN"}
    data = kvn((META, rows()), (other, rows()), (unknown, rows()))
    assert read_oem(data).norad_id.tolist() == [SYNTHETIC_ID, 25544, SYNTHETIC_ID + 1]
    assert read_oem(data).object_id.tolist() == ["2024-001A", "25544", ""]
    assert read_oem(data, norad_ids={"2024-001A": 60000, "C": 7}).norad_id.tolist() == [60000, 25544, 7]
    assert read_oem(data, first_id=910_000_000).norad_id.tolist() == [910_000_000, 25544, 910_000_001]
    assert read_oem(kvn((META, rows())), norad_ids=42).norad_id.tolist() == [42]
    with pytest.raises(InputError, match="for 3 objects"):
        read_oem(data, norad_ids=42)
    with pytest.raises(InputError, match="ids must be unique"):
        read_oem(data, norad_ids={"C": 25544})
    for bad in (0, 10**9, "7", True):
        with pytest.raises(InputError, match="not a whole number; use 1"):
            read_oem(data, norad_ids={"C": bad})  # type: ignore[dict-item]


@pytest.mark.parametrize("frame", ["EME2000", "GCRF", "ICRF", "TOD", "J2000"])
def test_frames(frame: str) -> None:
    t, plain = read_oem(kvn((META | {"REF_FRAME": frame}, rows()))), read_oem(kvn((META, rows())))
    position, velocity = to_teme(frame, plain.time_ns, plain.position, plain.velocity)
    assert np.array_equal(t.position, position)
    assert np.array_equal(t.velocity, velocity)
    assert 1.0 < np.linalg.norm(position - plain.position, axis=1).min() < 100.0 or frame == "TOD"


@pytest.mark.parametrize(("system", "ahead_s"), [("UTC", 0.0), ("TAI", 37.0), ("TT", 69.184), ("GPS", 18.0)])
def test_time_systems(system: str, ahead_s: float) -> None:
    """In 2024: TAI - UTC = 37 s, TT - TAI = 32.184 s, TAI - GPS = 19 s."""
    begin = np.datetime64("2024-07-05", "ms") + np.timedelta64(round(ahead_s * 1000), "ms")
    meta = META | {"TIME_SYSTEM": system, "START_TIME": str(begin), "STOP_TIME": str(begin + np.timedelta64(540, "s"))}
    t = read_oem(kvn((meta, rows(str(begin)))))
    assert np.array_equal(t.time_ns, read_oem(kvn((META, rows()))).time_ns)


def _across(system: str, begin: str, labels: list[str], end: str) -> Trajectories:
    meta = META | {"TIME_SYSTEM": system, "START_TIME": begin, "STOP_TIME": end}
    data = [(label, *row[1:]) for label, row in zip(labels, rows(count=len(labels), step_s=10.0), strict=True)]
    return read_oem(kvn((meta, data)))


def test_across_a_leap_second() -> None:
    """2016 ended with second 60. Ten seconds apart as clocks ran: two segments that meet, each with all states."""
    labels = [
        "2016-12-31T23:59:40",
        "2016-12-31T23:59:50",
        "2016-12-31T23:59:60",
        "2017-01-01T00:00:09",
        "2017-01-01T00:00:19",
    ]
    utc = _across("UTC", labels[0], labels, labels[-1])
    tai = [f"2017-01-01T00:00:{s:02d}" for s in (16, 26, 36, 46, 56)]
    assert utc.digest() == _across("TAI", tai[0], tai, tai[-1]).digest()
    midnight = int(np.datetime64("2017-01-01", "ns").view(np.int64))
    assert utc.segment_object.tolist() == [0, 0]
    assert utc.usable_start_ns.tolist() == [midnight - 20 * S, midnight]
    assert utc.usable_stop_ns.tolist() == [midnight, midnight + 19 * S]
    assert (utc.time_ns.reshape(2, 5) - midnight).tolist() == [
        [-20 * S, -10 * S, 0, 10 * S, 20 * S],
        [-21 * S, -11 * S, -S, 9 * S, 19 * S],
    ]
    assert np.array_equal(utc.position[:5], utc.position[5:])
    # written in TAI, and the same again
    assert b"TIME_SYSTEM = TAI" in format_oem(utc)
    assert read_oem(format_oem(utc)).digest() == utc.digest()
    with pytest.raises(InputError, match="no leap second at the end of 2024-07-05"):
        _across("UTC", "2024-07-05T23:59:50", ["2024-07-05T23:59:50", "2024-07-05T23:59:60"], "2024-07-06T00:00:00")
    with pytest.raises(InputError, match="second 60 does not exist in TAI"):
        _across("TAI", "2016-12-31T23:59:50", ["2016-12-31T23:59:50", "2016-12-31T23:59:60"], "2017-01-01T00:00:00")


REPLACED = {
    "version": (b"OEM_VERS = 2.0", b"OEM_VERS = 4.0", "OEM version is '4.0', allowed: 1.0, 2.0, 3.0"),
    "no OEM": (b"CCSDS_OEM_VERS", b"CCSDS_CDM_VERS", r"it is a Conjunction Data Message \(CDM\)"),
    "nothing": (b"CCSDS_OEM_VERS", b"SOMETHING", "line 1: it is .* an OEM begins with"),
    "centre": (b"= EARTH", b"= MOON", "line 6: CENTER_NAME is 'MOON', allowed is EARTH"),
    "frame": (b"= TEME", b"= ITRF2000", "REF_FRAME: .*turns with the Earth"),
    "frame of epoch": (b"= TEME", b"= TEME\nREF_FRAME_EPOCH = 2024-07-05T00:00:00", "REF_FRAME_EPOCH fixes TEME"),
    "time system": (b"= UTC", b"= UT1", "TIME_SYSTEM: .*'UT1'.*allowed: UTC, TAI, TT, GPS"),
    "name": (b"OBJECT_NAME", b"COMMENT", "metadata has no OBJECT_NAME"),
    "keyword": (b"OBJECT_ID ", b"OBJEKT_ID ", "line 8: keyword 'OBJEKT_ID' is not known in the metadata"),
    "twice": (b"CENTER_NAME ", b"OBJECT_ID = X\nCENTER_NAME ", "line 9: OBJECT_ID is given twice"),
    "interpolation": (b"= HERMITE", b"= SPLINE", "INTERPOLATION is 'SPLINE', allowed: LAGRANGE, HERMITE, LINEAR"),
    "degree": (b"DEGREE = 7", b"DEGREE = 0", "INTERPOLATION_DEGREE is '0'"),
    "start": (b"= 2024-07-05T00:00:00.000", b"= 2024-07-05T00:02:30", "must lie between"),
    "cut": (b"= 2024-07-05T00:09:00", b"= 2024-07-05T09:09:00", "the file is cut"),
    "number": (b"\n  2024-07-05T00:03:00.000  ", b"\n  2024-07-05T00:03:00.000  1_0", "line 22: X is '1_0.* finite"),
    "not a number": (b"2024-07-05T00:03:00.000  ", b"2024-07-05T00:03:00.000  nan ", "fields|finite"),
    "fields": (b"2024-07-05T00:03:00.000  ", b"2024-07-05T00:03:00.000  1 ", "line 22: it has 8 fields"),
    "epoch": (b"2024-07-05T00:03:00", b"2024-07-32T00:03:00", "line 22: EPOCH is '2024-07-32T00:03:00.000', allow"),
    "order": (b"2024-07-05T00:03:00", b"2024-07-05T00:02:00", "line 22: its time is 0 s after that of the state"),
    "word": (b"COMMENT states", b"STATES", "line 17: it is 'STATES', allowed here: EPOCH and 6 numbers"),
    "open meta": (b"META_STOP\n", b"", "line 1.: it is|META_STOP"),
    "open covariance": (b"COVARIANCE_STOP", b"", "COVARIANCE_START has no COVARIANCE_STOP"),
    "long line": (b"COMMENT states", b"COMMENT " + b"x" * 3000, "characters, allowed are 2000"),
}


@pytest.mark.parametrize("case", sorted(REPLACED))
def test_what_is_refused(case: str) -> None:
    old, new, message = REPLACED[case]
    data = kvn((META, rows()))
    assert old in data
    with pytest.raises(InputError, match=message) as caught:
        read_oem(data.replace(old, new, 1))
    assert str(caught.value).startswith("ephemeris '<bytes>': ")
    assert len(str(caught.value)) < 900


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ({"USEABLE_START_TIME": "2024-07-04T23:59:59"}, "1 s before the first state"),
        ({"USEABLE_STOP_TIME": "2024-07-05T00:09:00.001"}, "0.001 s after the last"),
        (
            {"USEABLE_START_TIME": "2024-07-05T00:05:00", "USEABLE_STOP_TIME": "2024-07-05T00:05:00"},
            "is not after USEABLE",
        ),
        ({"USEABLE_START_TIME": "soon"}, "USEABLE_START_TIME is 'soon'"),
    ],
)
def test_usable_times_that_cannot_be(meta: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_oem(kvn((META | meta, rows())))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('<X units="km">', '<X units="m">', "segment 1, state 1: unit of X is 'm', allowed is km"),
        ("<X ", "<W ", "not well-formed|mismatched|keyword 'W'"),
        ('<Z units="km"> 0.0 </Z>', "", "segment 1, state 1: it has no Z"),
        ("<metadata>", "<metadata/><metadata>", "more than one <metadata>"),
        ("oem", "omm", "holds no <oem>"),
        ('version="2.0"', 'version="9"', "message 1: OEM version is '9'"),
        ("</body>", "", "not valid XML"),
        ("<oem", "<!DOCTYPE oem [<!ENTITY a 'b'>]><oem", "DTD or entities"),
    ],
)
def test_xml_that_is_refused(old: str, new: str, message: str) -> None:
    data = xml((META, rows())).decode()
    assert old in data
    with pytest.raises(InputError, match=message):
        read_oem((data.replace(old, new) if old in ("oem", "<metadata>") else data.replace(old, new, 1)).encode())


@pytest.mark.parametrize("content", [b"", b"\n\n", b"CCSDS_OEM_VERS = 2.0\n", b"<ndm></ndm>", b"\0" * 50, b"{}"])
def test_nothing_in_it(content: bytes) -> None:
    with pytest.raises(InputError):
        read_oem(content)


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        b"<oem>" * 200_000,
        b"<ndm>" + b"<a>" * 200_000,
        b"CCSDS_OEM_VERS = 2.0\n" + b"\n" * 3_000_000,
        b"CCSDS_OEM_VERS = 2.0\n" * 100_000,
        b"1 " * 3_000_000,
        kvn((META, rows())) + b"META_START\n" * 100_000,
        kvn((META, rows() * 20_000)),
        b'<oem version="2.0"><body>' + b"<segment></segment>" * 50_000,
        b"CCSDS_OEM_VERS = 2.0\nMETA_START\n" + b"".join(b"K%d = 1\n" % k for k in range(100_000)),
    ],
    ids=["open", "deep", "blank", "versions", "one line", "metas", "repeats", "segments", "keywords"],
)
def test_hostile_sizes_take_linear_time(content: bytes) -> None:
    """Quadratic work in any of these would run for minutes."""
    with pytest.raises(InputError):
        read_oem(content)


TOKENS = [
    *(bytes([byte]) for byte in b"\0\n\r\"\xff',<>&{}[]= 09-+._eTZ:"), b"", b"\xc3\xa9", b"&#0;", b"]]>", b"nan",
    b"inf", b"1e999", b"9" * 30, b"META_START\n", b"META_STOP\n", b"COVARIANCE_START\n", b"<oem>", b"</data>",
    b"<!DOCTYPE x>", "１".encode(), b"CCSDS_OEM_VERS = 2.0\n", b"2016-12-31T23:59:60", b"1600-01-01T00:00:00",
]  # fmt: skip


@pytest.mark.slow
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_mutated_files(data: st.DataObject) -> None:
    """Whatever the bytes: valid trajectories, or one of our own errors."""
    other = META | {"OBJECT_ID": "UNKNOWN", "OBJECT_NAME": "B", "REF_FRAME": "GCRF", "TIME_SYSTEM": "TAI"}
    form = FORMS[data.draw(st.sampled_from(["kvn", "xml", "ndm", "crlf"]))]
    content = bytearray(form((META, rows()), (other, rows())))
    for _ in range(data.draw(st.integers(1, 5))):
        start = data.draw(st.integers(0, max(len(content) - 1, 0)))
        length = data.draw(st.sampled_from([0, 0, 1, 1, 2, 10, 70, 500]))
        content[start : start + length] = data.draw(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=8)))
    try:
        found = read_oem(bytes(content))
    except StmgpuError as error:
        str(error).encode("ascii", "backslashreplace")
        return
    assert len(found) > 0
    assert Trajectories.from_arrays(found.to_arrays()).equals(found)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"<", b"CCSDS_OEM_VERS = 2.0\n", b"\x1f\x8b"]))
def test_random_bytes(content: bytes, head: bytes) -> None:
    with pytest.raises(InputError):
        read_oem(head + content)


@pytest.mark.parametrize("frame", ["teme", "eme2000"])
def test_covariances_are_written_and_read_again(frame: OemFrame) -> None:
    s = states(np.arange(4) * 60.0)
    begin = int(np.datetime64("2025-03-01T01:02:03", "ns").view(np.int64))
    times = begin + np.arange(4) * 60 * S
    lower = np.abs(np.random.default_rng(2).normal(size=(3, 21))) * 1e-7
    covariance = TrajectoryCovariances(np.zeros(3, np.int64), times[:3], np.array(["RTN", "TNW", "TEME"]), lower)
    t = Trajectories.of([Trajectory([Segment(times, s[:, :3], s[:, 3:], covariance=covariance)], 25544)])
    again = read_oem(format_oem(t, frame=frame))
    assert again.covariance.equals(t.covariance)
    assert np.abs(again.position - t.position).max() < 1e-10


def test_written_and_read_again() -> None:
    begin = int(np.datetime64("2025-03-01T01:02:03.456789123", "ns").view(np.int64))
    steps = np.cumsum(np.random.default_rng(1).integers(S, 90 * S, 60))
    s = states(steps * 1e-9)
    one = Segment(begin + steps, s[:, :3], s[:, 3:], int(begin + steps[3]), int(begin + steps[30]), "hermite", 9)
    two = Segment(begin + steps, s[:, :3], s[:, 3:], int(begin + steps[30]), int(begin + steps[59]), "lagrange", 8)
    three = Segment(begin + steps, s[:, :3], s[:, 3:], method="linear")
    t = Trajectories.of([Trajectory([one, two], 25544, "ISS (ZARYA)", "1998-067A"), Trajectory([three], name="B = C")])
    text = format_oem(t, creation_date=dt.datetime(2025, 3, 1), message_id="7")
    again = read_oem(text, norad_ids={"1998-067A": 25544})
    assert again.digest() == Trajectories.of([Trajectory([one, two], 25544), Trajectory([three], 900_000_001)]).digest()
    assert again.name.tolist() == t.name.tolist()
    assert text == format_oem(t, creation_date=dt.datetime(2025, 3, 1), message_id="7")
    with pytest.raises(InputError, match="frame 'itrf' is unknown; choose one of teme, eme2000, gcrf"):
        format_oem(t, frame="itrf")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="at least one"):
        format_oem(Trajectories.of([]))
    with pytest.raises(InputError, match="originator"):
        format_oem(t, originator="a\nb")
