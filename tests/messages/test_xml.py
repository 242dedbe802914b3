"""Syntax of XML. Meaning is tested with the messages: tests/catalog/ccsds."""

from __future__ import annotations

import pytest

from stmgpu.errors import InputError
from stmgpu.messages.fields import OEM, OMM
from stmgpu.messages.xml import read_records, read_segments

RECORD = (
    b"<omm><body><segment><metadata><OBJECT_NAME>A</OBJECT_NAME></metadata><data><meanElements><COMMENT>x</COMMENT>"
    b'<!-- y --><INCLINATION units="deg"> 51.6 </INCLINATION></meanElements><tleParameters/><userDefinedParameters>'
    b'<USER_DEFINED parameter="P">q</USER_DEFINED></userDefinedParameters></data></segment></body></omm>'
)
VECTOR = (
    b'<stateVector><EPOCH>2024-07-05T00:00:00</EPOCH><X units="km">1</X><Y>2</Y><Z>3</Z><X_DOT>4</X_DOT>'
    b"<Y_DOT>5</Y_DOT><Z_DOT>6</Z_DOT><X_DDOT>7</X_DDOT></stateVector>"
)
SEGMENT = b"<segment><metadata><OBJECT_NAME>A</OBJECT_NAME></metadata><data>" + VECTOR * 2 + b"</data></segment>"
OEM_FILE = b'<oem version="2.0"><header/><body>' + SEGMENT * 2 + b"</body></oem>"
BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'


def test_records_of_one_message_or_many() -> None:
    expected = {"OBJECT_NAME": "A", "INCLINATION": "51.6", "USER_DEFINED_P": "q"}
    for data, count in ((RECORD, 1), (b"<ndm>" + RECORD * 3 + b"<oem/></ndm>", 3)):
        records = list(read_records(data, OMM))
        assert [record.position for record in records] == list(range(1, count + 1))
        assert all(record.fields == expected and not record.problem for record in records)
    nested = b"<ndm><ndm>" + RECORD + b"</ndm></ndm>"
    with pytest.raises(InputError, match="XML root <ndm> holds no <omm>; give one OMM or an ndm of several"):
        list(read_records(nested, OMM))


def test_a_problem_is_of_its_record() -> None:
    bad = RECORD.replace(b'"deg"', b'"rad"')
    twice = RECORD.replace(b"<tleParameters/>", b"<tleParameters/><tleParameters/>")
    problems = [record.problem for record in list(read_records(b"<ndm>" + RECORD + bad + twice + b"</ndm>", OMM))]
    assert problems == [
        "",
        "unit of INCLINATION is 'rad', allowed is deg",
        "message holds 2 <tleParameters> sections, allowed is one",
    ]


def test_segments_of_one_message_or_many() -> None:
    for data, count in ((OEM_FILE, 2), (b"<ndm>" + OEM_FILE + RECORD + OEM_FILE + b"</ndm>", 4)):
        segments = read_segments(data, OEM)
        assert [segment.where() for segment in segments] == [f"segment {k + 1}" for k in range(count)]
        assert segments[-1].where(1) == f"segment {count}, state 2"
        assert all(segment.meta == {"OBJECT_NAME": "A"} for segment in segments)
        assert segments[0].states.tolist() == [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]] * 2


@pytest.mark.parametrize("data", [BOMB + b"<omm>&b;</omm>", BOMB + b"<oem>&b;</oem>", b"<!DOCTYPE x SYSTEM 'a'><omm/>"])
def test_entities_and_dtds_are_rejected(data: bytes) -> None:
    with pytest.raises(InputError, match=r"XML with a DTD or entities is refused .*; give plain OMM XML"):
        list(read_records(data, OMM))
    with pytest.raises(InputError, match=r"XML with a DTD or entities is refused .*; give plain OEM XML"):
        read_segments(data, OEM)


@pytest.mark.parametrize("data", [b"", b"<omm>", b"<a></b>", b"<?xml version='1.0' encoding='no-such-code'?><omm/>"])
def test_what_is_not_xml(data: bytes) -> None:
    with pytest.raises(InputError, match=r"it is not valid XML: .*; give one OMM or an ndm of several"):
        list(read_records(data, OMM))
    with pytest.raises(InputError, match=r"it is not valid XML: .*; give one OEM or an ndm of several"):
        read_segments(data, OEM)


def test_states_need_metadata_before_them() -> None:
    data = OEM_FILE.replace(b"<metadata><OBJECT_NAME>A</OBJECT_NAME></metadata>", b"", 1)
    with pytest.raises(InputError, match="segment 1, state 1: it comes before any <metadata>"):
        read_segments(data, OEM)
