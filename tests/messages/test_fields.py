"""Fields of messages: what a block accepts, and how it names what it rejects."""

from __future__ import annotations

import pytest

from stmgpu.errors import InputError
from stmgpu.messages.fields import OEM, OMM, Record, shown


@pytest.mark.parametrize("keyword", ["OBJECT_NAME", "BSTAR", "CX_X", "CZ_DOT_Z_DOT", "USER_DEFINED_X", "USER_DEFINED_"])
def test_known_keywords(keyword: str) -> None:
    record: Record = {}
    assert OMM.block.add(record, keyword, "1") == ""
    assert record == {keyword: "1"}


@pytest.mark.parametrize("keyword", ["", "CX_W", "CX_XX", "bstar", "CCSDS_OEM_VERS", "START_TIME", "É"])
def test_unknown_keywords_are_named_with_the_cure(keyword: str) -> None:
    record: Record = {}
    problem = OMM.block.add(record, keyword, "1")
    assert problem.startswith(f"keyword {keyword!a} is not known in an OMM; check that the file holds OMM, or read")
    assert record == {}


def test_a_closed_block_lists_its_keywords() -> None:
    problem = OEM.metadata.add({}, "X", "1")
    assert problem.startswith("keyword 'X' is not known in the metadata of a segment; allowed: CENTER_NAME, INTERPOL")
    assert all(keyword in problem for keyword in OEM.metadata.keywords)


def test_a_field_is_given_once() -> None:
    record: Record = {}
    assert OMM.block.add(record, "BSTAR", "1") == ""
    assert OMM.block.add(record, "BSTAR", "2") == "BSTAR is given twice in an OMM"
    assert record == {"BSTAR": "1"}


def test_units_are_compared_without_case() -> None:
    for unit in ("km", " KM ", None):
        assert OEM.state.add({}, "X", "7000", unit=unit) == ""
    assert OEM.state.add({}, "X", "7000", unit="m") == "unit of X is 'm', allowed is km"
    assert OEM.state.add({}, "EPOCH", "2024-07-05T00:00:00", unit="s") == ""


def test_versions() -> None:
    for version in OEM.versions:
        OEM.check_version("line 1", f" {version} ")
    with pytest.raises(InputError, match=r"^line 1: OEM version is '4.0', allowed: 1.0, 2.0, 3.0$"):
        OEM.check_version("line 1", "4.0")


def test_shown_text_is_short_and_ascii() -> None:
    for text in (b"\xff\0" * 500, "\u2028é" * 500):
        assert shown(text).isascii()
        assert "\n" not in shown(text)
        assert len(shown(text)) < 400
