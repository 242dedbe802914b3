"""Forms of ephemeris files. Truth: the first characters of each form in its own documentation."""

from __future__ import annotations

import pytest

from stmgpu.catalog.trajectories.reading import ReadOptions, read_one
from stmgpu.errors import InputError


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("stk.v.11.0\n\nBEGIN Ephemeris\n", r"it is an STK ephemeris \(.e\), .*; export it as OEM"),
        ("#cP2024  7  8  0  0  0.00000000\n", "it is an SP3 file, .*; convert it to OEM"),
        ("H1 CPF  2  EUM 2024\n", "it is a Consolidated Prediction Format file, "),
        ("1 25544U 98067A   24187.5\n2 25544", "it holds two-line elements; give it as the catalogue"),
        ("0 ISS\n1 25544U 98067A   24187.5\n2 25544", "it holds two-line elements"),
        ('[{"OBJECT_NAME": "A"}]', "it is JSON"),
        ("CCSDS_CDM_VERS = 1.0\n", r"it is a Conjunction Data Message \(CDM\), .*; give an OEM"),
        ("CCSDS_OPM_VERS = 2.0\n", r"it is an Orbit Parameter Message \(OPM\), "),
        ("<cdm/>", r"it is a Conjunction Data Message \(CDM\), "),
        ("<html>", "it is an HTML page"),
        ("<a/>", "XML root <a> holds no <oem>"),
        ("hello", "line 1: it is 'hello'; an OEM begins with"),
        ("", "it holds no segment"),
    ],
)
def test_other_forms_are_named(text: str, problem: str) -> None:
    with pytest.raises(InputError, match=f"ephemeris '<bytes>': {problem}"):
        read_one(text.encode(), ReadOptions())
