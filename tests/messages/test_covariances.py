"""Covariances of messages. Truth: CCSDS 502.0-B-3, table 5-4, for order and units; the numbers that were written."""

from __future__ import annotations

import pytest

from stmgpu.errors import InputError
from stmgpu.messages import kvn, xml
from stmgpu.messages.covariances import DIAGONAL, ELEMENTS
from stmgpu.messages.fields import COVARIANCE_UNITS, OEM

META = """META_START
OBJECT_NAME = A
REF_FRAME = EME2000
META_STOP
2024-07-05T00:00:00 7000 0 0 0 7.5 0
"""
ROWS = ["1", "2 3", "4 5 6", "7 8 9 10", "11 12 13 14 15", "16 17 18 19 20 21"]
BLOCK = ["EPOCH = 2024-187T00:00:01.5", "COV_REF_FRAME = rtn", *ROWS]


def message(*lines: str) -> bytes:
    return ("CCSDS_OEM_VERS = 2.0\n" + META + "\n".join(("COVARIANCE_START", *lines, "COVARIANCE_STOP"))).encode()


def xml_message(fields: dict[str, str]) -> bytes:
    matrix = "".join(f'<{k} units="{COVARIANCE_UNITS.get(k, "")}">{v}</{k}>' for k, v in fields.items())
    state = "<stateVector><EPOCH>2024-07-05T00:00:00</EPOCH>" + "".join(
        f"<{k}>{v}</{k}>" for k, v in zip(("X", "Y", "Z", "X_DOT", "Y_DOT", "Z_DOT"), (7e3, 0, 0, 0, 7, 1), strict=True)
    )
    return (
        '<oem version="2.0"><body><segment><metadata><REF_FRAME>EME2000</REF_FRAME></metadata><data>'
        f"{state}</stateVector><covarianceMatrix>{matrix}</covarianceMatrix></data></segment></body></oem>"
    ).encode()


def test_order() -> None:
    assert ELEMENTS[:4] == ("CX_X", "CY_X", "CY_Y", "CZ_X")
    assert [ELEMENTS[k] for k in DIAGONAL] == [f"C{n}_{n}" for n in ("X", "Y", "Z", "X_DOT", "Y_DOT", "Z_DOT")]
    assert COVARIANCE_UNITS["CX_DOT_Z"] == "km**2/s"


def test_both_forms_give_the_numbers_written() -> None:
    kvn_table = kvn.read_segments(message(*BLOCK, "COMMENT no", BLOCK[0], *ROWS), OEM)[0].covariance
    assert kvn_table is not None
    assert kvn_table.frame == ("RTN", "EME2000")  # without a frame of its own: that of the states
    assert kvn_table.nanosecond.tolist() == [1_500_000_000] * 2
    assert kvn_table.values.tolist() == [list(range(1, 22))] * 2
    fields = {"EPOCH": "2024-187T00:00:01.5", "COV_REF_FRAME": "RTN"}
    fields |= {name: str(k + 1) for k, name in enumerate(ELEMENTS)}
    xml_table = xml.read_segments(xml_message(fields), OEM)[0].covariance
    assert xml_table is not None
    assert xml_table.frame == ("RTN",)
    assert xml_table.values.tolist() == [list(range(1, 22))]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (BLOCK[:-1], "line 15: the matrix that begins at line 8 has 5 rows, allowed are 6"),
        ([*BLOCK[:3], "2 3 4", *BLOCK[4:]], "line 11: row 2 of a covariance matrix has 3 numbers instead of 2"),
        (BLOCK[2:], "line 8: it is '1'; a covariance matrix begins with EPOCH = time"),
        ([*BLOCK[:5], "MASS = 3", *BLOCK[5:]], "line 13: it is 'MASS = 3', allowed here: a row of numbers"),
        ([BLOCK[0], *BLOCK], "line 9: it is 'EPOCH = .*', allowed here: EPOCH or COV_REF_FRAME, each once"),
        ([*BLOCK[:3], "2 x", *BLOCK[4:]], "the covariance at line 8: CY_Y is 'x', allowed is a finite decimal number"),
        ([*BLOCK[:3], "2 -3", *BLOCK[4:]], "the covariance at line 8: variance CY_Y is -3, below 0"),
        ([*BLOCK[:3], "x 3", *BLOCK[4:]], "line 11: it is 'x 3', allowed here: a row of numbers"),
        (["EPOCH = noon", *ROWS], "the covariance at line 8: EPOCH is 'noon', allowed are times"),
        ([BLOCK[0], "COV_REF_FRAME = " + "X" * 30, *ROWS], "at line 8: COV_REF_FRAME is 'X+', allowed is a name"),
    ],
)
def test_what_is_refused(lines: list[str], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        kvn.read_segments(message(*lines), OEM)


def test_what_is_refused_in_xml() -> None:
    with pytest.raises(InputError, match=r"segment 1, covariance 1: it has no CX_X, CY_X"):
        xml.read_segments(xml_message({"EPOCH": "2024-07-05T00:00:00"}), OEM)
    wrong = xml_message({"CX_X": "1"}).replace(b'units="km**2"', b'units="m**2"')
    with pytest.raises(InputError, match=r"segment 1, covariance 1: unit of CX_X is 'm\*\*2', allowed is km\*\*2"):
        xml.read_segments(wrong, OEM)
