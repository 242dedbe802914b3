"""Reading of CelesTrak's space-weather files, in fixed columns and as CSV. The real record: test_solar.py."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.space_weather import csv_document, document, record, written

from stmgpu.debris.environment.space_weather import read_space_weather
from stmgpu.errors import InputError


def test_small_file(tmp_path: Path) -> None:
    weather = read_space_weather(written(tmp_path, document("2020-01-15", "2020-07-20")))
    assert weather.covers == "2020-02 to 2020-06"
    assert weather.f107.tolist() == [102.0, 103.0, 104.0, 105.0, 106.0]
    assert weather.ap.tolist() == [2.0, 3.0, 4.0, 5.0, 6.0]


def test_a_last_month_without_ap_is_left_out(tmp_path: Path) -> None:
    def blank(lines: list[str]) -> list[str]:
        return [line[:78] + "    " + line[82:] if line.startswith("2020 03") else line for line in lines]

    cut = read_space_weather(written(tmp_path, document("2020-01-01", "2020-04-01", blank)))
    assert cut.covers == "2020-01 to 2020-02"
    with pytest.raises(InputError, match="Ap of 2020-03 has 0 days"):
        read_space_weather(written(tmp_path, document("2020-01-01", "2020-05-01", blank)))


def test_csv_gives_the_same_months(tmp_path: Path) -> None:
    text = read_space_weather(written(tmp_path, document("2019-11-20", "2020-06-10")))
    table = read_space_weather(written(tmp_path, csv_document("2019-11-20", "2020-06-10")))
    assert (table.first_month, table.covers) == (text.first_month, "2019-12 to 2020-05")
    np.testing.assert_array_equal(table.f107, text.f107)
    np.testing.assert_array_equal(table.ap, text.ap)
    path = tmp_path / "sw.csv.gz"
    path.write_bytes(gzip.compress(csv_document("2019-11-20", "2020-06-10").encode()))
    np.testing.assert_array_equal(read_space_weather(path).f107, text.f107)


def test_a_burst_and_blanks_of_csv_do_not_count(tmp_path: Path) -> None:
    text = csv_document("2020-01-01", "2020-03-01").replace(",101.0,", ",900.0,", 1).replace(",102.0,", ",,", 1)
    weather = read_space_weather(written(tmp_path, text))
    assert weather.f107.tolist() == [101.0, 102.0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("AP_AVG", "AP", "its header lacks AP_AVG"),
        ("2020-01-03", "2020-01-04", r"line 4: 2020-01-04 follows 2020-01-02"),
        ("2020-01-03", "2020-02-30", r"line 4: there is no day"),
        ("2020-01-03", "3.1.2020", r"line 4: '3.1.2020' is not a date such as"),
        ("101.0", "1o1.0", r"line 2, F10.7_OBS: '1o1.0' is not a number"),
        ("101.0", "10.0", r"line 2, F10.7_OBS: 10.0 is outside 30 to 9999"),
        (",OBS,", ",FOO,", r"line 2: F10.7_DATA_TYPE is 'FOO'; one of OBS, INT, PRD, PRM is needed"),
        (",OBS,", ",PRD,", "holds no observed record"),
    ],
)
def test_bad_csv(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = written(tmp_path, csv_document("2020-01-01", "2020-03-01").replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        read_space_weather(path)


def _at(index: int, new: str) -> Callable[[list[str]], list[str]]:
    return lambda lines: [*lines[:index], new, *lines[index + 1 :]]


GOOD = record(np.datetime64("2020-01-03"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_at(0, "date BSRN"), r"line 1: .*use SW-All.txt or SW-All.csv from CelesTrak"),
        (_at(0, "hello"), r"line 1: expected 'DATATYPE CssiSpaceWeather' or a header with DATE, found 'hello'"),
        (_at(3, "NUM_OBSERVED_POINTS 61"), "60 observed records in lines 6 to 65, but NUM_OBSERVED_POINTS is 61"),
        (lambda lines: lines[:-1], "the file is incomplete"),
        (lambda lines: [*lines[:3], "NUM_OBSERVED_POINTS 0", "BEGIN OBSERVED", "END OBSERVED"], "no observed record"),
        (_at(7, GOOD[:112] + " 15o.0" + GOOD[118:]), r"line 8, columns 113 to 118: '15o\.0' is not a number"),
        (_at(7, GOOD[:112] + "   1.0" + GOOD[118:]), r"line 8, columns 113 to 118: 1\.0 is outside 30 to 9999"),
        (_at(7, GOOD[:78] + " 999" + GOOD[82:]), r"line 8, columns 79 to 82: 999 is outside 0 to 400"),
        (_at(7, GOOD[:100]), r"line 8, columns 113 to 118: the record ends after 100 characters"),
        (_at(7, "2020-01-03" + GOOD[10:]), r"line 8: '2020-01-03' is not a date"),
        (_at(7, "2020 13 03" + GOOD[10:]), r"line 8: there is no day '2020 13 03'"),
        (_at(7, record(np.datetime64("2020-01-04"))), r"line 8: 2020-01-04 follows 2020-01-02"),
        (_at(7, "2020 01 \u0663" + GOOD[10:]), "not ASCII text"),
    ],
)
def test_bad_files(tmp_path: Path, change: Callable[[list[str]], list[str]], message: str) -> None:
    path = written(tmp_path, document("2020-01-01", "2020-03-01", change))
    with pytest.raises(InputError, match=message) as caught:
        read_space_weather(path)
    assert str(path) in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"space weather file .* cannot be read"):
        read_space_weather(tmp_path / "none.txt")
    with pytest.raises(InputError, match=r"space weather file .* cannot be read"):
        read_space_weather(tmp_path)
    with pytest.raises(InputError, match="line 1"):
        read_space_weather(written(tmp_path, ""))
