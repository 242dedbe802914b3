"""Solar activity: the CelesTrak file, its cycles, and what follows after it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.paths import SHARED
from support.space_weather import document, written

from stmgpu.debris.environment.solar import (
    MAXIMUM_YEAR,
    MINIMA,
    Recorded,
    Sinusoid,
    solar_activity,
)
from stmgpu.debris.environment.space_weather import SpaceWeather, month_name, months_of, read_space_weather
from stmgpu.debris.specs import SolarSpec
from stmgpu.errors import InputError

DATA = SHARED / "data" / "debris" / "space_weather" / "sw19571001.txt"


@pytest.fixture(scope="module")
def real() -> SpaceWeather:
    if not DATA.is_file():
        pytest.skip(f"the space-weather file is not beside this checkout ({DATA})")
    return read_space_weather(DATA)


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
def test_a_record_without_a_complete_cycle_cannot_be_repeated(tmp_path: Path) -> None:
    weather = read_space_weather(written(tmp_path, document("2020-01-01", "2021-01-01")))
    with pytest.raises(InputError, match="2020-01 to 2020-12 does not contain a complete solar cycle"):
        Recorded(weather, drawn=False)
