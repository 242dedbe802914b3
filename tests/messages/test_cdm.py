"""Conjunction data messages: what is read, what is refused, and that writing loses nothing."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.messages import DRAG, json_text, kvn, space_track
from support.paths import SHARED

from stmgpu.errors import InputError
from stmgpu.messages.cdm import ConjunctionMessage, ConjunctionObject, format_cdm, read_cdm, write_cdm
from stmgpu.messages.cdm.building import Section

PC = SHARED / "data" / "pc"
CDM = "CDM '<bytes>': "


def same(one: ConjunctionMessage, other: ConjunctionMessage) -> None:
    """Both hold the same values and texts."""
    assert one.tca == other.tca
    assert one.miss_distance_m == other.miss_distance_m
    assert dict(one.fields) == dict(other.fields)
    assert one.comments == other.comments
    for a, b in zip(one.objects, other.objects, strict=True):
        assert (a.designator, a.name, a.frame, a.comments) == (b.designator, b.name, b.frame, b.comments)
        assert dict(a.fields) == dict(b.fields)
        for name in ("position_km", "velocity_km_s", "covariance"):
            assert getattr(a, name).tobytes() == getattr(b, name).tobytes(), name


def read_one(content: str | bytes) -> ConjunctionMessage:
    (message,) = read_cdm(content.encode() if isinstance(content, str) else content)
    return message


def test_a_message_in_kvn() -> None:
    message = read_one(kvn())
    assert message.tca == np.datetime64("2024-03-13T22:37:52.618", "ns")
    assert (message.message_id, message.miss_distance_m, message.warnings) == ("event-1", 716.0, ())
    assert message.number("COLLISION_PROBABILITY") == 4.835e-05
    assert np.isnan(message.number("RELATIVE_POSITION_R"))
    assert message.hard_body_radius() == (10.0, "COMMENT HBR")
    one, two = message.objects
    assert (one.designator, one.name, two.name) == ("91001", "ALPHA [A] & CO", "BETA DEB")
    assert one.position_km.tolist() == [2570.097065, 2244.654904, 6281.497978]
    assert (one.covariance.shape, two.covariance.shape) == ((7, 7), (6, 6))
    assert one.covariance[6].tolist() == [float(DRAG[name]) for name in DRAG]
    assert two.covariance[2, :3].tolist() == [-23.13, 13.36, 71050.0]
    assert one.number("MASS") == 251.6
    assert one.comments == ("of object 1",)


@pytest.mark.parametrize("form", ["kvn", "xml"])
def test_written_messages_hold_the_same(form: Any) -> None:
    first = read_one(kvn(replace={"RELATIVE_SPEED": "RELATIVE_SPEED = 14762 [km]", "MASS": "MASS = NaN [kg]"}))
    assert first.fields["RELATIVE_SPEED"] == "14762 [km]"
    assert first.warnings == ("line 8: unit of RELATIVE_SPEED is 'km', allowed is m/s; it is kept as text",)
    notes = {"MESSAGE_ID": "MESSAGE_ID = <&>", "USER_DEFINED_NOTE": "USER_DEFINED_NOTE = [m]"}
    second = read_one(kvn(comment="", replace=notes))
    for messages in ([first], [first, second]):
        again = read_cdm(format_cdm(messages, form))
        for one, other in zip(messages, again, strict=True):
            same(one, other)
    other_form = "xml" if form == "kvn" else "kvn"
    same(first, read_one(format_cdm(read_one(format_cdm(first, form)), other_form)))  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["kvn", "xml"])
def test_a_message_keeps_its_version(form: Any) -> None:
    for version in ("1.0", "2.0"):
        message = read_one(kvn().replace("CCSDS_CDM_VERS = 1.0", f"CCSDS_CDM_VERS = {version}"))
        assert message.version == version
        assert read_one(format_cdm(message, form)).version == version
    with pytest.raises(InputError, match=r"version of a CDM is '3.0', allowed: 1.0, 2.0"):
        dataclasses.replace(message, version="3.0")


def test_the_suffix_chooses_the_form(tmp_path: Path) -> None:
    message = read_one(kvn())
    for name, begin in (("a.cdm", b"CCSDS_CDM_VERS "), ("a.xml", b"<?xml")):
        write_cdm(message, tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(begin)
        same(message, read_cdm(tmp_path / name)[0])
    buffer = io.BytesIO()
    write_cdm([message], buffer, form="xml")
    assert buffer.getvalue() == (tmp_path / "a.xml").read_bytes()
    with pytest.raises(InputError, match=r"suffix of .*a.json' is no form of a CDM; use .cdm, .kvn, .txt, .xml"):
        write_cdm(message, tmp_path / "a.json")


def test_json_of_space_track_holds_the_same_as_kvn() -> None:
    given = kvn(replace={"USER_DEFINED_NOTE": None})
    row = space_track(TCA_FRACTION="23")
    for text in (json_text(row), json.dumps({"request_metadata": {"Total": 1}, "data": [row]})):
        message = read_one(text)
        assert message.tca == np.datetime64("2024-03-13T22:37:52.023", "ns")
        assert message.comments == ("CDM_ID = 900000001", "HBR = 10 [m]")
    message = read_one(json_text(space_track()))
    plain = read_one(given)
    assert message.tca == plain.tca
    for one, other in zip(message.objects, plain.objects, strict=True):
        assert np.array_equal(one.covariance, other.covariance)
        assert dict(one.fields) == dict(other.fields)
    lower = {key.lower().replace("sat1_", "object1_").replace("sat2_", "object2_"): v for key, v in row.items()}
    same(read_one(json_text(row)), read_one(json_text(lower)))


def test_rejected_messages_are_listed() -> None:
    rejected: list[str] = []
    text = kvn() + kvn(replace={"TCA": None}) + kvn(replace={"MESSAGE_ID": "MESSAGE_ID = event-3"})
    found = read_cdm(text.encode(), on_rejected=rejected.append)
    assert [message.message_id for message in found] == ["event-1", "event-3"]
    assert rejected == [
        f"{CDM}line 94: the message has no TCA, which a CDM needs; check that the file is complete",
    ]
    with pytest.raises(InputError, match="line 94: the message has no TCA"):
        read_cdm(text.encode())
    rejected.clear()
    rows = json_text(space_track(), {"CDM_ID": "1", "MIN_RNG": None, "SAT_1_ID": None}, 5)
    assert len(read_cdm(rows.encode(), on_rejected=rejected.append)) == 1
    assert [text.removeprefix(CDM) for text in rejected] == [
        "message 2: it is a row of Space-Track's cdm_public, without states and covariances; ask for the class cdm",
        "message 3: it is '5', allowed is an object of CDM fields",
    ]


REFUSED = {
    "a needed field is missing": (
        {"MISS_DISTANCE": None}, "line 1: the message has no MISS_DISTANCE, which a CDM needs; check that",
    ),
    "an element is missing": ({"CNDOT_NDOT": None}, "line 1: OBJECT1 has no CNDOT_NDOT, which a CDM needs"),
    "a field is empty": ({"X": "X ="}, "line 1: OBJECT1 has no X, which a CDM needs"),
    "given twice": ({"TCA": "TCA = 2024-03-13T22:37:52\nTCA = 2024-03-13T22:37:53"}, "line 7: TCA is given twice"),
    "wrong unit": ({"X": "X = 2570097 [m]"}, "line 23: unit of X is 'm', allowed is km"),
    "wrong number": ({"CR_R": "CR_R = 1_000 [m**2]"}, "line 36: CR_R is '1_000', allowed is a decimal number such as"),
    "not finite": ({"CR_R": "CR_R = nan"}, "CR_R is 'nan', allowed is a decimal number"),
    "huge": ({"X": "X = 1e400"}, "X is '1e400', allowed is a decimal number such as -1.5e3, of at most 1e+20"),
    "wrong date": ({"TCA": "TCA = 2024-02-30T00:00:00"}, "line 6: TCA is '2024-02-30T00:00:00', allowed are times"),
    "wrong frame": ({"REF_FRAME": "REF_FRAME = TEME"}, "REF_FRAME is 'TEME', allowed: EME2000, GCRF, ITRF"),
    "wrong choice": ({"MANEUVERABLE": "MANEUVERABLE = PERHAPS"}, "MANEUVERABLE is 'PERHAPS', allowed: YES, NO, N/A"),
    "negative variance": ({"CT_T": "CT_T = -1 [m**2]"}, "variance CT_T is -1, allowed is 0 or more"),
    "negative miss": ({"MISS_DISTANCE": "MISS_DISTANCE = -1 [m]"}, "MISS_DISTANCE is '-1', allowed is a number of 0"),
    "unknown keyword": ({"MASS": "WEIGHT = 5"}, "keyword 'WEIGHT' is not known in an object of a CDM; allowed are"),
    "no field": ({"MASS": "MASS"}, "it is 'MASS', allowed is KEYWORD = value or COMMENT"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_messages_are_refused_by_line(name: str) -> None:
    replace, message = REFUSED[name]
    with pytest.raises(InputError) as caught:
        read_one(kvn(replace=replace))  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{CDM}line ")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("OBJECT = OBJECT2", "OBJECT = OBJECT1", "OBJECT is 'OBJECT1', which is given already; allowed here: OBJECT2"),
        ("OBJECT = OBJECT1", "OBJECT = OBJECT2", "OBJECT is 'OBJECT2'; allowed here: OBJECT1"),
        ("CDM_VERS = 1.0", "CDM_VERS = 7", "line 1: CDM version is '7', allowed: 1.0, 2.0"),
        ("CCSDS_CDM_VERS = 1.0\n", "", "it has no CCSDS_CDM_VERS; a CDM begins with CCSDS_CDM_VERS = 1.0"),
    ],
)
def test_the_order_of_objects_and_the_version(before: str, after: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_one(kvn().replace(before, after))
    assert message in str(caught.value)


def test_cut_files_and_other_content() -> None:
    whole = kvn()
    for content, message in (
        (whole[: whole.index("OBJECT = OBJECT2")], "it has no OBJECT = OBJECT2; check that the file is complete"),
        ("", "it is empty; give a CDM in KVN, XML or JSON"),
        (" \n ", "it is empty"),
        ("\0\1\2", "it holds zero bytes and is not text"),
        (
            "CCSDS_OEM_VERS = 2.0",
            "it is an Orbit Ephemeris Message (OEM), which holds states",
        ),
        ("<cdm version='1.0'>", "it is not valid XML"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><cdm version='1.0'>&a;</cdm>", "XML with a DTD or entities is refused"),
        ("<omm/>", "it is an Orbit Mean-Elements Message"),
        ("[]", "it holds no CDM"),
        ("[{", "it is not valid JSON"),
        ('[{"TCA": 1, "TCA": 2}]', "an object whose keys are unique, without a second 'TCA'"),
        ('[{"TCA": NaN}]', "a number or null instead of NaN"),
        ('[{"tca": "1", "TCA": "2"}]', "message 1: TCA is given twice; remove one"),
        ('[{"MISS_DISTANCE": 1e999}]', "MISS_DISTANCE is '1e999', allowed is a decimal number"),
        ('[{"TCA": ["a"]}]', "TCA is \"['a']\", allowed is a text or a number"),
        (json_text(space_track(TCA_FRACTION="1000")), "TCA_FRACTION is '1000', allowed are whole milliseconds from 0"),
        (json_text(space_track(TCA="2024-03-13T22:37:52.5")), "has a fraction already; remove TCA_FRACTION"),
        (json_text(space_track(SAT1_X_UNIT="m")), "message 1, OBJECT1: unit of X is 'm', allowed is km"),
    ):
        with pytest.raises(InputError) as caught:
            read_one(content)
        assert message in str(caught.value), content[:60]


def test_a_file_above_64_mib_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.cdm"
    with path.open("wb") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(InputError, match=r"large.cdm' is larger than 67108864 bytes; check that it is a CDM"):
        read_cdm(path)


def test_states_that_disagree_are_warned_of_with_both_numbers() -> None:
    message = read_one(kvn(replace={
        "MISS_DISTANCE": "MISS_DISTANCE = 715.1 [m]", "RELATIVE_SPEED": "RELATIVE_SPEED = 14000 [m/s]",
        "USER_DEFINED_NOTE": "STOP_SCREEN_PERIOD = 2024-03-13T00:00:00",
    }))  # fmt: skip
    assert message.warnings == (
        "the states are 715.747642 m apart, while MISS_DISTANCE is 715.1 m",
        "the states move at 14762.0854 m/s, while RELATIVE_SPEED is 14000 m/s",
        "TCA is outside of START_SCREEN_PERIOD and STOP_SCREEN_PERIOD",
    )
    message = read_one(kvn(replace={"CR_R": "CR_R = 0 [m**2]", "OBJECT_DESIGNATOR": "OBJECT_DESIGNATOR = 91002"}))
    assert message.warnings == (
        "both objects have OBJECT_DESIGNATOR '91002'",
        "the covariance of the position of OBJECT1 is not positive definite",
    )


@pytest.mark.parametrize(
    ("comment", "radius"),
    [
        ("HBR = 10 [m]", (10.0, "COMMENT HBR")),
        ("HBR                        = 52.8", (52.8, "COMMENT HBR")),
        ("hard body radius: 0.01 km", (10.0, "COMMENT Hard Body Radius")),
        ("the HBR is 7", None),
    ],
)
def test_the_radius_and_where_it_stands(comment: str, radius: tuple[float, str] | None) -> None:
    found = read_one(kvn(comment=comment)).hard_body_radius()
    assert found == radius if radius else np.isnan(found[0])


def test_radii_of_both_objects_are_added_and_wrong_ones_refused() -> None:
    given = kvn(comment="").replace("MANEUVERABLE", "HBR = 2.5 [m]\nMANEUVERABLE")
    assert read_one(given).hard_body_radius() == (5.0, "HBR of both objects")
    mixed = given.replace("HBR = 2.5 [m]", "COMMENT Operator Hard Body Radius = 4 [m]", 1)
    assert read_one(mixed).hard_body_radius() == (6.5, "COMMENT Hard Body Radius and HBR of both objects")
    for comment, message in (
        ("HBR = -1 [m]", "'HBR = -1 \\[m\\]' states no radius, allowed is a number of 0 or more in m or km"),
        ("HBR = 5 [ft]", "states no radius"),
        ("HBR = 5 [m]\nCOMMENT HBR = 6 [m]", "comments state several radii: 5 m, 6 m; give --radius"),
    ):
        with pytest.raises(InputError, match=message):
            read_one(kvn(comment=comment)).hard_body_radius()


def test_objects_made_by_hand_are_checked() -> None:
    matrix = np.diag([1.0] * 6)
    made = ConjunctionObject("1", "A", "GCRF", np.ones(3), np.ones(3), matrix)
    with pytest.raises(InputError, match="a CDM needs CATALOG_NAME, INTERNATIONAL_DESIGNATOR, EPHEMERIS_NAME"):
        format_cdm(ConjunctionMessage(np.datetime64(0, "ns"), 1.0, (made, made), read_one(kvn()).fields))
    matrix[0, 1] = 0.5
    for values, message in (
        (matrix, r"not symmetric: rows 1 and 2 have 0.5 and 0; give the mean"),
        (np.diag([1.0, -2.0, 1, 1, 1, 1]), "variance in row 2 of the covariance is -2, allowed is 0 or more"),
        (np.full((6, 6), np.nan), "covariance holds nan, allowed are finite numbers"),
        (np.eye(3), r"covariance has the shape \(3, 3\), allowed: \(6, 6\) or"),
    ):
        with pytest.raises(InputError, match=message):
            ConjunctionObject("1", "A", "GCRF", np.ones(3), np.ones(3), values)
    message = read_one(kvn())
    with pytest.raises(InputError, match="keyword 'WEIGHT' is not known in a CDM before its objects"):
        format_cdm(ConjunctionMessage(message.tca, 1.0, message.objects, {**message.fields, "WEIGHT": "5"}))
    with pytest.raises(InputError, match=r"MESSAGE_ID is 'a\\nb', allowed is printable text on one line"):
        format_cdm(ConjunctionMessage(message.tca, 1.0, message.objects, {**message.fields, "MESSAGE_ID": "a\nb"}))


DAMAGE = (
    b"[", b"]", b" [m]", b" [ M ]", b"[]", b" ", b"\t", b"\n", b"\r", b"NaN", b"1e400", b"1_0", b"\xd9\xa3", b"\xff",
    b"\xc2\xa0", b"-1", b"e5", b"YES", b"PERHAPS", b"COMMENT ", b"OBJECT = OBJECT2\n", b"2024-02-30T00:00:00",
    b"TCA = 2024-01-01T00:00:00 [UTC]\n", b"\nUSER_DEFINED_A = 5 [m]\n", b"\nCX_X = 5\n", b"CDRG_R = 5 [m**3/kg]\n",
)  # fmt: skip


def _outcome(data: bytes) -> object:
    """All that reading says and gives."""
    rejected: list[str] = []
    try:
        found = read_cdm(data, on_rejected=rejected.append)
    except InputError as error:
        return str(error), rejected
    texts = [(m.tca, m.miss_distance_m, list(m.fields.items()), m.comments, m.warnings, m.source) for m in found]
    objects = [(one.designator, one.name, one.frame, list(one.fields.items())) for m in found for one in m.objects]
    values = [x.tobytes() for m in found for o in m.objects for x in (o.position_km, o.velocity_km_s, o.covariance)]
    return texts, objects, values, rejected


def test_usual_fields_are_read_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The short way through `Section.take_plain` and the long one through `Section.add` say and give the same."""
    rng = np.random.default_rng(8)
    texts = [kvn().encode(), format_cdm(read_one(kvn()), "xml"), json_text(space_track()).encode()]
    damaged = []
    for k in range(90):
        lines = texts[k % 3].split(b"\n")
        for _ in range(rng.integers(0, 3)):
            row = int(rng.integers(len(lines)))
            at = int(rng.integers(len(lines[row]) + 1)) if rng.integers(2) else len(lines[row])
            lines[row] = lines[row][:at] + DAMAGE[rng.integers(len(DAMAGE))] + lines[row][at + rng.integers(2) :]
        damaged.append(b"\n".join(lines))
    usual = [_outcome(data) for data in damaged]
    assert 15 < sum(len(one) == 4 and bool(one[0]) for one in usual) < 85  # type: ignore[arg-type, index, misc]
    monkeypatch.setattr(Section, "take_plain", lambda *_: False)
    assert [_outcome(data) for data in damaged] == usual


BROKEN = {
    "CDM-covariance-wrong-entry-format.txt": "line 65: CRDOT_T is '-4.152E-02 this-is-not-a-number', allowed is a",
    "CDM-frame-mapper.txt": "line 148: CDRG_DRG is given twice in OBJECT1; remove one",
    "CDM-missing-TCA.txt": "line 1: the message has no TCA, which a CDM needs",
    "CDM-missing-object1-covariance-block.xml": "message 1: OBJECT1 has no CR_R, CT_R, CT_T, CN_R, CN_T, CN_N and 15",
    "CDM-missing-object2-state-vector.txt": "line 1: OBJECT2 has no X, which a CDM needs",
    "CDM-wrong-key-word.txt": "line 6: keyword 'WRONG_KEYWORD' is not known in a CDM before its objects",
    "CDMExample1InvalidTca.txt": "line 5: TCA is '2010-04-31T22:37:52.618', allowed are times",
    "CDMExample4.txt": "line 124: variance CTHR_THR is -0.02986, allowed is 0 or more",
    "CDMExample_issue1319_mandatory_empty_value.xml": "message 1: OBJECT1 has no X, which a CDM needs",
}
"""Broken files, and what is wrong with each. Frame-mapper repeats a keyword in a second, alternative matrix."""


def _files() -> list[Path]:
    if not PC.is_dir():
        pytest.skip("the shared data are not beside this checkout (../shared/data/pc)")
    files = sorted((PC / "cdm").rglob("*.*"))
    assert len(files) == 115
    return files


@pytest.mark.slow
def test_real_messages_are_written_without_loss() -> None:
    for path in _files():
        if path.name in BROKEN:
            continue
        (message,) = read_cdm(path)
        for form in ("kvn", "xml"):
            same(message, read_one(format_cdm(message, form)))  # type: ignore[arg-type]
    for message in read_cdm(PC / "messages" / "spacetrack" / "cdm_full.json"):
        (plain,) = read_cdm(PC / "cdm" / f"{message.message_id}.cdm")
        assert (message.tca, message.miss_distance_m) == (plain.tca, plain.miss_distance_m)
        for one, other in zip(message.objects, plain.objects, strict=True):
            assert one.covariance.tobytes() == other.covariance.tobytes()
            assert one.position_km.tobytes() == other.position_km.tobytes()


def test_broken_messages_have_their_errors() -> None:
    named = {path.name: path for path in _files()}
    for name, message in BROKEN.items():
        with pytest.raises(InputError) as caught:
            read_cdm(named[name])
        assert f"{name}': {message}" in str(caught.value)
    for name, count in (("cdm_public.json", 3), ("cdm_public_with_metadata.json", 2)):
        rejected: list[str] = []
        assert read_cdm(PC / "messages" / "spacetrack" / name, on_rejected=rejected.append) == []
        assert len(rejected) == count
