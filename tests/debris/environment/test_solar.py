"""Solar activity: the CelesTrak file, its cycles, and what follows after it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.paths import SHARED

from stmgpu.debris.environment.solar import (
    MAXIMUM_YEAR,
    MINIMA,
    Recorded,
    Sinusoid,
    SpaceWeather,
    month_name,
    months_of,
    read_space_weather,
    solar_activity,
)
from stmgpu.debris.specs import SolarSpec
from stmgpu.errors import InputError

DATA = SHARED / "data" / "debris" / "space_weather" / "sw19571001.txt"


@pytest.fixture(scope="module")
def real() -> SpaceWeather:
    if not DATA.is_file():
        pytest.skip(f"the space-weather file is not beside this checkout ({DATA})")
    return read_space_weather(DATA)


def record(day: np.datetime64, f107: float = 150.0, ap: float = 10.0, mean: float = 150.0) -> str:
    """A record in the columns of the format page of CelesTrak."""
    year, month, dom = (int(part) for part in str(day).split("-"))
    line = f"{year:4d} {month:02d} {dom:02d}{2000:5d}{1:3d}" + 8 * f"{20:3d}" + f"{160:4d}" + 8 * f"{7:4d}"
    line += f"{ap:4.0f}{0.5:4.1f}{2:2d}{100:4d}{99.9:6.1f}{0:2d}{88.8:6.1f}{mean:6.1f}{f107:6.1f}{mean:6.1f}{mean:6.1f}"
    assert len(line) == 130
    return line


def document(start: str, stop: str, change: Callable[[list[str]], list[str]] = lambda lines: lines) -> str:
    """A small file of the days from start to before stop; F10.7 = 100 + month, Ap = month."""
    days = np.arange(start, stop, dtype="datetime64[D]")
    lines = [record(d, 100.0 + int(str(d)[5:7]), int(str(d)[5:7])) for d in days]
    lines = [
        "DATATYPE CssiSpaceWeather",
        "VERSION 1.2",
        "# comment",
        f"NUM_OBSERVED_POINTS {len(days)}",
        "BEGIN OBSERVED",
        *lines,
        "END OBSERVED",
    ]
    return "\r\n".join(change(lines)) + "\r\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "sw.txt"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def middles(first: str, months: int) -> NDArray[np.float64]:
    """Decimal years of the 15th of so many months."""
    days = (np.datetime64(first, "M") + np.arange(months)).astype("datetime64[D]") + 14
    result: NDArray[np.float64] = 2000.0 + (days - np.datetime64("2000-01-01")).astype(np.float64) / 365.25
    return result


# ------------------------------------------------------------------------------------------------ the real record
def test_months_and_means_of_the_record(real: SpaceWeather) -> None:
    """debris reference 4.3: F10.7 mean 123.0, Ap mean 12.8 from October 1957 to August 2026 (which is not complete)."""
    assert real.covers == "1957-10 to 2026-07"
    assert real.f107.mean() == pytest.approx(123.0, abs=0.3)
    assert real.ap.mean() == pytest.approx(12.8, abs=0.1)


def test_means_and_maxima_of_the_cycles(real: SpaceWeather) -> None:
    """debris reference 4.3: mean / highest annual mean of cycles 20 to 25. The means depend on where a cycle is cut;
    three radio bursts of 2001, which we leave out, make 3 units of the 184."""
    published = {20: (116, 156), 21: (131, 203), 22: (133, 213), 23: (121, 184), 24: (98, 146), 25: (131, 191)}
    starts = np.array(MINIMA[1:], "datetime64[M]").astype(int) - real.first_month
    january = -real.first_month % 12
    annual = real.f107[january : len(real) - (len(real) - january) % 12].reshape(-1, 12).mean(axis=1)
    for start, stop, (cycle, (mean, highest)) in zip(starts, [*starts[1:], len(real)], published.items(), strict=True):
        assert real.f107[start:stop].mean() == pytest.approx(mean, abs=3.0), cycle
        inside = slice((start - january) // 12, (stop - january) // 12 + 1)
        assert annual[inside].max() == pytest.approx(highest, abs=3.0 if cycle == 23 else 1.0), cycle


def test_the_record_itself_has_its_minima_and_last_maximum_where_the_constants_say(real: SpaceWeather) -> None:
    """13-month means of F10.7: minima within 3 months of SILSO's, the maximum of cycle 25 in October 2024 = 2024.8."""
    smooth = np.convolve(real.f107, np.r_[0.5, np.ones(11), 0.5] / 12.0, "same")
    for text in MINIMA[1:]:
        month = int(np.datetime64(text, "M").astype(int)) - real.first_month
        around = slice(month - 24, month + 25)
        assert abs(int(smooth[around].argmin()) - 24) <= 3, text
    late = int(months_of(2021.0)) - real.first_month
    top = late + int(smooth[late:-6].argmax()) + real.first_month
    assert month_name(top) == "2024-10"
    assert top == months_of(MAXIMUM_YEAR)


def test_radio_bursts_do_not_count(real: SpaceWeather) -> None:
    """On 2011-03-07 938.6 units were measured in a burst; the month is the mean of its other 30 days."""
    days = [line for line in DATA.read_text(encoding="ascii").splitlines() if line.startswith("2011 03 ")]
    flux = [float(line[112:118]) for line in days]
    assert max(flux) == 938.6
    quiet = (sum(flux) - 938.6) / 30.0
    assert real.f107[int(months_of(2011.2)) - real.first_month] == pytest.approx(quiet)


@pytest.mark.parametrize("model", ["repeat", "bootstrap"])
def test_observed_years_are_observed(real: SpaceWeather, model: str) -> None:
    sun = solar_activity(SolarSpec(model=model, space_weather=DATA))
    assert isinstance(sun, Recorded)
    rows = sun.months(middles("1957-10", 826), 2100.0, np.random.default_rng(1))
    assert np.array_equal(rows, np.arange(826))


def test_repeat_goes_on_with_cycle_24_in_phase(real: SpaceWeather) -> None:
    """Cycle 24: 2008-12 to 2019-11, 132 months; cycle 25 began in 2019-12."""
    sun = Recorded(real, drawn=False)
    begin24, begin25 = (int(np.datetime64(t, "M").astype(int)) - real.first_month for t in ("2008-12", "2019-12"))
    years = middles("2026-08", 12 * 150)
    rows = sun.months(years, 2180.0, None)
    phase = (months_of(years) - real.first_month - begin25) % (begin25 - begin24)
    assert np.array_equal(rows, begin24 + phase)
    assert not sun.varies


def test_bootstrap_draws_whole_past_cycles(real: SpaceWeather) -> None:
    sun = Recorded(real, drawn=True)
    years = middles("2026-08", 12 * 200)
    rows = [sun.months(years, 2230.0, np.random.default_rng(seed)) for seed in range(200)]
    jumps = [np.flatnonzero(np.diff(r) != 1) for r in rows]
    starts = set(sun.starts.tolist())
    assert len(starts) == 5  # cycles 20 to 24
    assert {int(r[j + 1]) for r, jump in zip(rows, jumps, strict=True) for j in jump} == starts
    lasts = {int(start + length - 1) for start, length in zip(sun.starts, sun.lengths, strict=True)}
    assert {int(r[j]) for r, jump in zip(rows, jumps, strict=True) for j in jump} == lasts
    # drawn with equal chance, a month is as likely as the cycles are long: the mean is that of all their months
    whole = real.f107[sun.starts[0] : sun.starts[-1] + sun.lengths[-1]].mean()
    assert np.mean([real.f107[r].mean() for r in rows]) == pytest.approx(whole, abs=1.5)


def test_a_generator_draws_the_same_cycles_whatever_years_are_asked_for(real: SpaceWeather) -> None:
    sun = Recorded(real, drawn=True)
    years = middles("2020-01", 12 * 80)
    whole = sun.months(years, 2100.0, np.random.default_rng(3))
    part = sun.months(years[500:700], 2100.0, np.random.default_rng(3))
    assert np.array_equal(whole[500:700], part)
    other = sun.months(years, 2100.0, np.random.default_rng(4))
    assert not np.array_equal(whole, other)
    with pytest.raises(InputError, match="Generator"):
        sun.months(years, 2100.0, None)


def test_a_run_before_the_record_is_refused(real: SpaceWeather) -> None:
    with pytest.raises(InputError, match=r"1957-10 to 2026-07.*1957\.00 to 2000\.00"):
        Recorded(real, drawn=False).check(1957.0, 2000.0)


# ------------------------------------------------------------------------------------------------ generators
def test_sinusoid() -> None:
    sun = Sinusoid(123.0, 45.0, 9.0)
    f107, ap = sun.activity(np.array([2024.8, 2024.8 - 5.5, 2024.8 + 11.0, 2024.8 + 2.75]))
    assert f107 == pytest.approx([168.0, 78.0, 168.0, 123.0])
    assert ap.tolist() == [9.0] * 4
    assert sun.f107_range == (78.0, 168.0)


def test_constant_ignores_the_amplitude() -> None:
    sun = solar_activity(SolarSpec(model="constant", f107=90.0, amplitude=30.0))
    assert isinstance(sun, Sinusoid)
    assert sun.activity(np.array([2024.8, 2030.0]))[0].tolist() == [90.0, 90.0]


def test_months_are_calendar_months() -> None:
    """J2000 is noon of 2000-01-01; a Julian year later it is 18 h on 2000-12-31."""
    assert months_of([2000.0, 2001.0, 2001.001]).tolist() == [360, 371, 372]


# ------------------------------------------------------------------------------------------------ other files
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


def test_a_record_without_a_complete_cycle_cannot_be_repeated(tmp_path: Path) -> None:
    weather = read_space_weather(written(tmp_path, document("2020-01-01", "2021-01-01")))
    with pytest.raises(InputError, match="2020-01 to 2020-12 does not contain a complete solar cycle"):
        Recorded(weather, drawn=False)


def _at(index: int, new: str) -> Callable[[list[str]], list[str]]:
    return lambda lines: [*lines[:index], new, *lines[index + 1 :]]


GOOD = record(np.datetime64("2020-01-03"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_at(0, "DATE,BSRN,ND,KP1"), r"line 1: .*text form"),
        (_at(0, "hello"), r"line 1: expected 'DATATYPE CssiSpaceWeather', found 'hello'"),
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
    with pytest.raises(InputError, match="cannot read the space-weather file"):
        read_space_weather(tmp_path / "none.txt")
    with pytest.raises(InputError, match="cannot read the space-weather file"):
        read_space_weather(tmp_path)
    with pytest.raises(InputError, match="line 1"):
        read_space_weather(written(tmp_path, ""))
