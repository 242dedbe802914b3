"""Where a catalogue may come from, how its form is told, and the round trip through every form."""

from __future__ import annotations

import gzip
import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from support.samples import FORMATS, every_form, small, text, tle

from stmgpu.catalog import Catalog, detect_format, format_catalog, read_catalog, synthetic_catalog, write_catalog
from stmgpu.catalog.columns import COLUMNS
from stmgpu.catalog.tle.lines import to_alpha5
from stmgpu.catalog.writer import losses
from stmgpu.errors import CatalogError, InputError
from stmgpu.time import Epoch


@pytest.mark.parametrize("name", FORMATS)
def test_form_is_told_from_the_content(name: str, tmp_path: Path) -> None:
    content = every_form()[name]
    assert detect_format(content) == ("tle" if name == "3le" else name)
    path = tmp_path / "catalog.anything"
    path.write_bytes(content)
    by_path = read_catalog(path)
    assert by_path.source == str(path)
    assert by_path.sha256 == hashlib.sha256(content).hexdigest()
    for source in (str(path), content, bytearray(content), io.BytesIO(content), io.StringIO(content.decode())):
        assert read_catalog(source).equals(by_path)
    with path.open("rb") as file:
        assert read_catalog(file, format=name).equals(by_path)


@pytest.mark.parametrize("name", FORMATS)
def test_gzip(name: str) -> None:
    content = every_form()[name]
    packed = gzip.compress(content)
    assert read_catalog(packed).equals(read_catalog(content))
    assert read_catalog(packed).sha256 == hashlib.sha256(packed).hexdigest()
    for damaged in (packed[:-9], packed[:20] + b"\0\0\0\0" + packed[24:], b"\x1f\x8b"):
        with pytest.raises(CatalogError, match="damaged gzip"):
            read_catalog(damaged)


def test_size_limits() -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    with pytest.raises(InputError, match="larger than 100000 bytes"):
        read_catalog(bomb, max_bytes=100_000)
    with pytest.raises(InputError, match="larger than 50 bytes"):
        read_catalog(text(tle()), max_bytes=50)
    with pytest.raises(InputError, match="larger than 50 bytes"):
        read_catalog(io.BytesIO(text(tle())), max_bytes=50)


@pytest.mark.parametrize("content", [b"", b"  \n ", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)])
def test_empty(content: bytes) -> None:
    with pytest.raises(CatalogError, match="empty"):
        read_catalog(content)


@pytest.mark.parametrize(
    "content", [b"hello", b"\x89PNG\r\n", b"\xff\xfe1\x00 \x00", b"a,b,c\n1,2,3", bytes(range(256))]
)
def test_unrecognised(content: bytes) -> None:
    with pytest.raises(CatalogError, match="not recognised"):
        read_catalog(content)


def test_sources_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.tle", tmp_path, "bad\0name", "1 00042U\n2 00042", "x" * 5000):
        with pytest.raises(InputError, match="cannot be read"):
            read_catalog(path)
    with pytest.raises(InputError, match="NoneType"):
        read_catalog(None)
    with pytest.raises(InputError, match="'parquet' is unknown; allowed: tle"):
        read_catalog(b"", format="parquet")
    closed = io.BytesIO(b"")
    closed.close()
    with pytest.raises(InputError, match="cannot be read"):
        read_catalog(closed)

    class Odd:
        def read(self, size: int) -> int:
            return size

    with pytest.raises(InputError, match="gives int"):
        read_catalog(Odd())


def test_a_forced_form_reads_nothing_else() -> None:
    for name in FORMATS:
        if name not in ("tle", "3le"):
            with pytest.raises(CatalogError):
                read_catalog(text(tle()), format=name)


@pytest.mark.parametrize("name", ["csv", "json", "kvn", "xml"])
def test_omm_round_trip_is_exact(name: str) -> None:
    catalog = synthetic_catalog(300, seed=9)
    again = read_catalog(format_catalog(catalog, name))
    for column in COLUMNS:
        np.testing.assert_array_equal(getattr(again, column), getattr(catalog, column), err_msg=column)
    assert again.digest() == catalog.digest()
    from_tle = read_catalog(format_catalog(catalog, "tle"))
    again = read_catalog(format_catalog(from_tle, name))
    np.testing.assert_array_equal(again.epoch_fr, from_tle.epoch_fr)
    np.testing.assert_array_equal(again.inclination, from_tle.inclination)
    np.testing.assert_array_max_ulp(again.mean_motion, from_tle.mean_motion, maxulp=1)


@pytest.mark.parametrize("name", ["csv", "json", "kvn", "xml"])
def test_omm_keeps_any_float(name: str) -> None:
    rng = np.random.default_rng(4)
    n = 200
    catalog = Catalog.from_columns(
        norad_id=rng.choice(999_999_999, n, replace=False) + 1,
        name=[f"<&\"'> {i}, é" for i in range(n)],
        epoch_jd=2460676.5,
        epoch_fr=np.append(rng.random(n - 3), [0.0, 1.0 - 2.0**-53, 2.0**-40]),
        mean_motion=rng.uniform(0.001, 0.07, n),
        eccentricity=rng.random(n),
        inclination=rng.uniform(0.0, np.pi, n),
        raan=rng.uniform(0.0, 2.0 * np.pi, n),
        argp=rng.uniform(0.0, 2.0 * np.pi, n),
        mean_anomaly=rng.uniform(0.0, 2.0 * np.pi, n),
        bstar=rng.normal(0.0, 1e-3, n),
        mean_motion_dot=rng.normal(0.0, 1e-8, n),
        mean_motion_ddot=rng.normal(0.0, 1e-13, n),
        mass_kg=np.where(rng.random(n) < 0.5, np.nan, 12.5),
    )
    again = read_catalog(format_catalog(catalog, name))
    for column in ("norad_id", "name", "epoch_jd", "epoch_fr", "eccentricity", "bstar", "mass_kg"):
        np.testing.assert_array_equal(getattr(again, column), getattr(catalog, column), err_msg=column)
    for column in ("mean_motion", "inclination", "raan", "argp", "mean_anomaly", "mean_motion_dot", "mean_motion_ddot"):
        np.testing.assert_array_max_ulp(getattr(again, column), getattr(catalog, column), maxulp=1)


@pytest.mark.parametrize("name", ["tle", "3le"])
def test_tle_round_trip_to_its_digits(name: str) -> None:
    catalog = synthetic_catalog(300, seed=9)
    again = read_catalog(format_catalog(catalog, name))
    assert again.norad_id.tolist() == catalog.norad_id.tolist()
    assert name == "tle" or again.name.tolist() == catalog.name.tolist()
    np.testing.assert_array_equal(again.epoch_fr, catalog.epoch_fr)
    np.testing.assert_allclose(again.mean_motion, catalog.mean_motion, rtol=1e-15)
    for column in ("eccentricity", "inclination", "raan", "argp", "mean_anomaly"):
        np.testing.assert_array_equal(getattr(again, column), getattr(catalog, column))
    np.testing.assert_allclose(again.bstar, catalog.bstar, rtol=1e-15)
    assert format_catalog(again, name) == format_catalog(catalog, name)


def _one(**edits: object) -> Catalog:
    columns = {name: getattr(read_catalog(text(tle())), name) for name in COLUMNS}
    return Catalog.from_columns(**{**columns, **edits})


def test_tle_text_of_the_sample_is_the_sample() -> None:
    assert format_catalog(_one(), "tle") == text(tle())


def test_tle_alpha5_and_its_limit() -> None:
    assert [to_alpha5(i) for i in (99_999, 100_000, 179_999, 180_000, 230_000, 339_999)] == [
        "99999", "A0000", "H9999", "J0000", "P0000", "Z9999",
    ]  # fmt: skip
    assert read_catalog(format_catalog(_one(norad_id=[339_999]), "tle")).norad_id.tolist() == [339_999]
    with pytest.raises(InputError, match=r"340000 does not fit.*write OMM"):
        format_catalog(_one(norad_id=[340_000]), "tle")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"epoch_jd": Epoch.of(2473500.5).jd}, "epoch year"),
        ({"mean_motion": 1.0}, "mean motion"),
        ({"eccentricity": 1.0 - 1e-9}, "eccentricity"),
        ({"bstar": 1e10}, r"B\*"),
        ({"mean_motion_dot": 1.0}, "derivative"),
    ],
)
def test_tle_refuses_what_does_not_fit(edit: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        format_catalog(_one(**edit), "tle")


def test_3le_holds_names_in_any_language() -> None:
    names = ["É", "衛星 1", "1 HOPPER"]
    for name in names:
        assert read_catalog(format_catalog(_one(name=[name]), "3le")).name.tolist() == [name]


def test_losses_of_a_form_are_told() -> None:
    catalog = _one(
        name=["A"], object_type=["DEBRIS"], mass_kg=[7.0], epoch_fr=[0.5 + 1e-10], bstar=[1.23456e-5], rev_at_epoch=[0]
    )
    assert losses(catalog, "csv") == ()
    assert losses(catalog, "kvn") == ()
    assert losses(catalog, "3le") == (
        "3le does not hold object_type, mass_kg of 1 of 1 objects",
        "3le rounds epoch, bstar of 1 of 1 objects",
    )
    assert losses(catalog, "tle")[0].startswith("tle does not hold name, object_type, mass_kg")
    assert losses(_one(), "tle") == ()


@pytest.mark.parametrize(
    "bstar", [0.0, 1e-5, -1e-5, 9.99996e-5, 0.99999, 1.5, 123.0, 1e-9, 3.3e-10, 1e-13, 1e-16, -3e-14]
)
def test_tle_writes_any_small_number(bstar: float) -> None:
    again = read_catalog(format_catalog(_one(bstar=bstar), "tle")).bstar[0]
    assert again == pytest.approx(bstar, rel=5.1e-5, abs=1e-14)


def test_tle_epoch_may_round_into_the_next_year() -> None:
    catalog = _one(epoch_jd=2460675.5, epoch_fr=1.0 - 1e-10)
    assert str(read_catalog(format_catalog(catalog, "tle")).epoch[0]) == "2025-01-01T00:00:00.000000000"


def test_angles_may_round_to_a_full_circle() -> None:
    catalog = _one(raan=np.nextafter(2.0 * np.pi, 0.0))
    assert read_catalog(format_catalog(catalog, "tle")).raan[0] == 0.0


def test_write_and_read_a_file(tmp_path: Path) -> None:
    catalog = small()
    for name in FORMATS:
        path = tmp_path / f"out.{name}"
        write_catalog(catalog, path)
        write_catalog(catalog, path, format=name)
        assert path.read_bytes() == format_catalog(catalog, name)
    assert len(list(tmp_path.iterdir())) == len(FORMATS)
    with pytest.raises(InputError, match="'txt' is unknown"):
        write_catalog(catalog, tmp_path / "out.txt")
    with pytest.raises(InputError, match="cannot be written"):
        write_catalog(catalog, tmp_path / "no" / "out.csv")


def test_empty_catalogue_can_be_written() -> None:
    empty = small()[[]]
    for name in FORMATS:
        assert isinstance(format_catalog(empty, name), bytes)
