"""SOCRATES: ten rows from their element sets to every printed digit, reading, writing, and what is refused."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from support.paths import SHARED

import stmgpu as stm
from stmgpu.backend import Backend
from stmgpu.errors import InputError
from stmgpu.messages.socrates import COLUMNS, SocratesTable, read_socrates, write_socrates
from stmgpu.risk import plane_probability
from stmgpu.risk.socrates import socrates_maximum, socrates_table

DATA = SHARED / "data" / "pc" / "socrates10"
HEADER = ",".join(COLUMNS)
ROW = "61738,SITRO-AIS 15 [+],0.985,63246,LEMUR-2 [X],1.120,2026-07-03 13:26:09.434,0.006,6.723,9.698E-02,0.002"


def text_of(table: SocratesTable) -> list[str]:
    buffer = io.BytesIO()
    write_socrates(table, buffer)
    return buffer.getvalue().decode().splitlines()


@pytest.mark.slow
def test_ten_rows_to_every_printed_digit(kernel_backend: Backend) -> None:
    """All columns, screened from the element sets of the rows; the radii are those that the rows imply."""
    if not DATA.is_dir():
        pytest.skip("the shared data are not beside this checkout (../shared/data/pc/socrates10)")
    cases = json.loads((DATA / "socrates10.json").read_text())["cases"]
    files = [(DATA / f"gp_{case['pair'].replace(',', '_')}.csv").read_text().split("\n", 1) for case in cases]
    catalog = stm.read_catalog("\n".join([files[0][0], *(rows for _, rows in files)]).encode())
    con = stm.screen(catalog, start="2026-03-10T23:00:00", days=5.5, threshold_km=0.1, backend=kernel_backend.name)
    radii, rows = {}, []
    for case in cases:
        ids = list(map(int, case["pair"].split(",")))
        radii[min(ids)] = round(1e3 * (case["ours"]["implied_combined_radius_km"] or 0.011), 2)
        cells = [
            [str(k), str(catalog.name[catalog.index_of(k)]), f"{age:.3f}"]
            for k, age in zip(ids, case["dse"], strict=True)
        ]
        cells.sort(key=lambda cell: int(cell[0]))  # the order of a pair has no meaning
        numbers = [f"{case[name]:.3f}" for name in ("range_km", "relspeed_kms")]
        numbers += [f"{case['max_prob']:.3E}", f"{case['dilution_km']:.3f}"]
        rows.append(",".join([*cells[0], *cells[1], case["tca_utc"].replace("T", " "), *numbers]))
    radius_m = [radii[k] for k in con.primary.values.tolist()]
    table = socrates_table(con, catalog, radius_m=radius_m, backend=kernel_backend)
    lines = text_of(table)
    assert lines[0] == HEADER
    assert sorted(lines[1:]) == sorted(rows)


def test_the_definition(kernel_backend: Backend) -> None:
    """Against the plane projection written out with NumPy, and a dense search for the maximum."""
    rng = np.random.default_rng(4)
    n = 40
    first = np.hstack([rng.normal(0, 1, (n, 3)), rng.normal(0, 5, (n, 3))])
    first[:, :3] *= 7000.0 / np.linalg.norm(first[:, :3], axis=1)[:, None]
    velocity = rng.normal(0, 5, (n, 3))
    across = np.cross(first[:, 3:] - velocity, rng.normal(0, 1, (n, 3)))
    miss_m = 10.0 ** rng.uniform(1.2, 4, n)
    shift = 1e-3 * miss_m[:, None] * across / np.linalg.norm(across, axis=1)[:, None]
    second = np.hstack([first[:, :3] + shift, velocity])
    probability, sigma_m = socrates_maximum(first, second, 11.0, backend=kernel_backend)
    scales = np.geomspace(1e-2, 1e4, 3000)
    for k in range(n):
        total = np.zeros((3, 3))
        for state in (first[k], second[k]):
            radial = state[:3] / np.linalg.norm(state[:3])
            normal = np.cross(state[:3], state[3:])
            normal /= np.linalg.norm(normal)
            axes = np.column_stack([radial, np.cross(normal, radial), normal])
            total += axes @ np.diag([1e4, 9e4, 1e4]) @ axes.T
        along = first[k, 3:] - second[k, 3:]
        basis = np.linalg.svd(along[None])[2][1:]
        low, high = np.linalg.eigvalsh(basis @ total @ basis.T)
        tried = plane_probability(miss_m[k], 0.0, np.sqrt(high / low) * scales, scales, 11.0, backend=kernel_backend)
        assert tried.max() * (1 - 1e-9) <= probability[k] <= tried.max() * (1 + 1e-4)
        assert sigma_m[k] == pytest.approx(scales[tried.argmax()], rel=0.01)


def test_without_relative_velocity_there_is_a_number_only_inside_the_radius(backend: Backend) -> None:
    """As SOCRATES prints docked objects: 1.000E+00 and 0.000."""
    first = np.tile([7000.0, 0, 0, 0, 7.5, 0], (2, 1))
    second = first + np.array([[0.003, 0, 0, 0, 0, 0], [0.3, 0, 0, 0, 0, 0]])
    probability, sigma_m = socrates_maximum(first, second, 11.0, backend=backend)
    assert (probability[0], sigma_m[0]) == (1.0, 0.0)
    assert np.isnan([probability[1], sigma_m[1]]).all()


@pytest.fixture(scope="module")
def screened() -> tuple[stm.Catalog, xr.Dataset]:
    catalog = stm.synthetic_catalog(300, seed=3)
    satcat = b"NORAD_CAT_ID,OBJECT_TYPE,OPS_STATUS_CODE,OWNER,DECAY_DATE\n"
    satcat += b"".join(b"%d,PAY,%s,US,\n" % (k, b"+" if k % 2 else b"-") for k in catalog.norad_id.tolist()[:250])
    catalog = catalog.with_satcat(stm.read_satcat(satcat))
    return catalog, stm.screen(catalog, hours=12, threshold_km=25, backend="reference")


def test_a_screening_becomes_a_table(screened: tuple[stm.Catalog, xr.Dataset], backend: Backend) -> None:
    catalog, con = screened
    assert con.sizes["conjunction"] > 20
    table = socrates_table(con, catalog, radius_m=15.0, backend=backend)
    assert set(table.status_1.tolist()) == {"+", "-"}
    buffer = io.BytesIO()
    write_socrates(table, buffer)
    again = read_socrates(buffer.getvalue())
    for name in ("norad_id_1", "norad_id_2", "name_1", "name_2", "status_1", "status_2"):
        assert getattr(again, name).tolist() == getattr(table, name).tolist()
    assert np.abs(again.tca - table.tca).max() <= np.timedelta64(500, "us")
    np.testing.assert_allclose(again.probability, table.probability, rtol=5.1e-4)
    for name in ("age_days_1", "age_days_2", "range_km", "speed_km_s", "dilution_km"):
        np.testing.assert_allclose(getattr(again, name), getattr(table, name), atol=5.1e-4)
    assert text_of(again) == text_of(table)


def test_other_elements_than_those_screened_are_refused(screened: tuple[stm.Catalog, xr.Dataset]) -> None:
    catalog, con = screened
    with pytest.raises(InputError, match=r"is not among the objects given .*give the catalogue and trajectories"):
        socrates_table(con, catalog[:50], backend="reference")
    other = dataclasses.replace(catalog, mean_anomaly=catalog.mean_anomaly + 1e-4)
    with pytest.raises(InputError, match=r"do not follow from the objects given: .* give the catalogue, the trajector"):
        socrates_table(con, other, backend="reference")
    with pytest.raises(InputError, match="the conjunctions lack the attribute 'start'"):
        socrates_table(con.drop_attrs(), catalog, backend="reference")
    for radius in (-1.0, np.nan, [1.0, 2.0]):
        with pytest.raises(InputError, match="radii must be one number of 0 or more"):
            socrates_table(con, catalog, radius_m=radius, backend="reference")
    empty = socrates_table(con.isel(conjunction=[]), catalog, radius_m=1.0, backend="reference")
    assert text_of(empty) == [HEADER]


def test_published_forms_are_read() -> None:
    """Quotes, CR LF, blanks and T in times, nine-digit ids, empty probabilities, more columns, another order."""
    more = '100753,"FENGYUN 1C DEB, PIECE [-]",7.838,123456789,OBJECT [A],0,2026-09-27T22:46:51,0.003,0.000,,'
    for content in (f"{HEADER}\n{ROW}\n{more}\n", f"{HEADER}\r\n{ROW}\r\n\r\n{more}"):
        table = read_socrates(content.encode())
        assert table.norad_id_2.tolist() == [63246, 123456789]
        assert table.name_1.tolist() == ["SITRO-AIS 15", "FENGYUN 1C DEB, PIECE"]
        assert table.status_1.tolist() == ["+", "-"]
        assert (table.name_2[1], table.status_2[1]) == ("OBJECT [A]", "")
        assert table.tca.tolist() == np.array(["2026-07-03T13:26:09.434", "2026-09-27T22:46:51"], "M8[ns]").tolist()
        assert table.probability[0] == 9.698e-2
        assert np.isnan([table.probability[1], table.dilution_km[1]]).all()
    assert text_of(table) == [HEADER, ROW, more.replace(",0,2026-09-27T22:46:51", ",0.000,2026-09-27 22:46:51.000")]
    turned = "\n".join(",".join(reversed([*line.split(","), "x"])) for line in (HEADER, ROW))
    assert text_of(read_socrates(turned.encode())) == [HEADER, ROW]


WRONG: dict[str, tuple[Callable[[str], str], str]] = {
    "cut off": (lambda row: row[:60], "line 2: it has 7 fields, allowed are the header's 11"),
    "id": (lambda row: row.replace("61738", "6173A"), "line 2: NORAD_CAT_ID_1 is '6173A', allowed is 1 to 999999999"),
    "no id": (lambda row: row.replace("63246", "0"), "line 2: NORAD_CAT_ID_2 is '0', allowed is 1 to"),
    "time": (lambda row: row.replace("07-03", "02-30"), "line 2: TCA is '2026-02-30 13:26:09.434', allowed is a time"),
    "year": (lambda row: row.replace("2026", "1826"), "line 2: TCA is '1826-07-03 13:26:09.434', allowed is a time"),
    "number": (lambda row: row.replace("0.006", "0,006"), "line 2: it has 12 fields"),
    "range": (lambda row: row.replace("0.006", "-1"), "line 2: TCA_RANGE is '-1', allowed is a number from 0 to 1e+06"),
    "no range": (lambda row: row.replace("0.006", ""), "line 2: TCA_RANGE is '', allowed is a number"),
    "speed": (lambda row: row.replace("6.723", "nan"), "line 2: TCA_RELATIVE_SPEED is 'nan', allowed is a number from"),
    "probability": (lambda row: row.replace("E-02", "E+02"), "line 2: MAX_PROB is '9.698E+02', allowed is a number fr"),
    "huge": (lambda row: row.replace("0.985", "1e999"), "line 2: DSE_1 is '1e999', allowed is a number from"),
    "name": (
        lambda row: row.replace("SITRO", "a\x1b[2J"),
        "line 2: OBJECT_NAME_1 is 'a\\x1b[2J-AIS 15 [+]', allowed is",
    ),
    "quote": (lambda row: row.replace("SITRO", "x" * 140_000), "line 2: it cannot be read as CSV: field larger than"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_rows_are_refused_by_line(name: str) -> None:
    change, message = WRONG[name]
    content = f"{HEADER}\n{change(ROW)}\n{ROW}\n".encode()
    with pytest.raises(InputError) as caught:
        read_socrates(content)
    assert str(caught.value).startswith(f"SOCRATES '<bytes>': {message}")
    rejected: list[str] = []
    assert len(read_socrates(content, on_rejected=rejected.append)) == 1
    assert rejected == [str(caught.value)]


def test_other_files_are_refused_by_name() -> None:
    for content, message in (
        ("", "it has no row that can be used; give a CSV file of SOCRATES"),
        (HEADER, "it has no row that can be used"),
        (HEADER.replace("TCA,", "TCA,TCA,") + "\n", "line 1: column TCA stands there twice; remove one"),
        ("a,b\n1,2\n", "line 1: it lacks NORAD_CAT_ID_1, OBJECT_NAME_1, DSE_1 and 8 more; the header of SOCRATES is"),
        ("<html><title>Log in", "it is an HTML page; give a CSV file of SOCRATES"),
        ("\0\1\2", "line 1: it "),
        (f"{HEADER}\n" + "x\n" * 1002, "more than 1000 rows are wrong; check that it is a CSV file of SOCRATES"),
    ):
        with pytest.raises(InputError) as caught:
            read_socrates(content.encode(), on_rejected=lambda text: None)
        assert str(caught.value).startswith(f"SOCRATES '<bytes>': {message}"), content[:40]


def test_columns_of_different_lengths_are_refused() -> None:
    table = read_socrates(f"{HEADER}\n{ROW}\n".encode())
    with pytest.raises(InputError, match="columns of SOCRATES must be of one length"):
        dataclasses.replace(table, tca=np.array([], "M8[ns]"))


def test_no_name_becomes_a_formula() -> None:
    table = read_socrates(f"{HEADER}\n{ROW}\n".replace("SITRO", "'=1+1 ").encode())
    assert text_of(table)[1].split(",")[1] == "'=1+1 -AIS 15 [+]"
