"""Status, owner and decay date of objects in the files of catalogues."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from support.samples import csv_of, fields

from stmgpu.catalog import format_catalog, read_catalog, synthetic_catalog
from stmgpu.catalog.object_data import decay_days, status_name


def test_fields_of_a_public_catalogue_are_read() -> None:
    record = {**fields(), "DECAY_DATE": "2024-07-05", "COUNTRY_CODE": "PRC", "OBJECT_TYPE": "PAYLOAD", "SITE": "JSC"}
    cat = read_catalog(json.dumps([record, {**fields(7), "DECAY_DATE": None, "OPS_STATUS_CODE": "P"}]).encode())
    assert cat.decay_jd.tolist()[0] == 2460496.5
    assert np.isnan(cat.decay_jd[1])
    assert cat.owner.tolist() == ["PRC", ""]
    assert cat.status.tolist() == ["", "PARTIALLY OPERATIONAL"]


@pytest.mark.parametrize("form", ["csv", "json", "kvn", "xml"])
def test_messages_keep_them(form: str) -> None:
    cat = dataclasses.replace(
        synthetic_catalog(3),
        owner=np.array(["US", "", "F&G"]),
        status=np.array(["OPERATIONAL", "DECAYED", ""]),
        decay_jd=np.array([np.nan, 2460496.5, np.nan]),
    )
    assert read_catalog(format_catalog(cat, form)).equals(cat)


@pytest.mark.parametrize("text", ["2024-02-30", "2024-7-5", "soon", "2024-07-05x", "20240705", "0000-00-00"])
def test_wrong_decay_dates_are_rejected(text: str) -> None:
    cat = read_catalog(csv_of(fields(1), fields(2, DECAY_DATE=text), fields(3)))
    assert cat.norad_id.tolist() == [1, 3]
    assert cat.rejected[0].reason == f"DECAY_DATE is {text!r}, allowed is a date such as 2024-07-05, or nothing"


def test_dates_may_have_a_time_of_day() -> None:
    days, broken = decay_days(["2024-07-05T13:30:00Z", " 2024-07-05 ", "2024-07-05 00:00:00", ""])
    assert days[:3].tolist() == [2460496.5] * 3
    assert np.isnan(days[3])
    assert not broken.any()


def test_status_codes() -> None:
    assert [status_name(code) for code in ("+", "-", "b", "X", "?", None, "", "nonsense")] == [
        "OPERATIONAL", "NONOPERATIONAL", "BACKUP", "EXTENDED MISSION", "UNKNOWN", "", "", "UNKNOWN",
    ]  # fmt: skip
