"""Two-line sets: every accepted form and every reason for rejection."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pytest
from support.samples import LINE1, LINE2, sealed, text, tle

from stmgpu.catalog import Catalog, read_catalog
from stmgpu.errors import CatalogError


def with_good(*lines: bytes) -> Catalog:
    """Read the lines among enough valid sets that the half rule does not bite."""
    good = text(*(tle(norad=f"{900 + i:05d}") for i in range(6)))
    return read_catalog(good + b"\n".join(lines) + b"\n")


def test_values() -> None:
    cat = read_catalog(text(tle()))
    assert cat.norad_id.tolist() == [42]
    assert cat.object_id.tolist() == ["2011-002B"]
    assert (cat.epoch_jd[0], cat.epoch_fr[0]) == (2460496.5, 0.5)
    assert cat.inclination[0] == 51.6 * (np.pi / 180.0)
    assert cat.eccentricity[0] == 0.0012345
    assert cat.bstar[0] == pytest.approx(1.2345e-4, rel=1e-15)
    assert cat.mean_motion[0] == 15.5 / (1440.0 / (2.0 * np.pi))
    assert cat.mean_motion_dot[0] == pytest.approx(1.234e-5 / 229.1831180523293 / 1440.0)
    assert (cat.element_set_no[0], cat.rev_at_epoch[0]) == (999, 123)
    assert cat.rejected == ()
    assert len(cat.sha256) == 64


@pytest.mark.parametrize(
    ("norad", "expected"), [("00005", 5), ("    5", 5), ("A0000", 100000), ("H9999", 179999), ("J0000", 180000),
                            ("N9999", 229999), ("P0000", 230000), ("Z9999", 339999)]
)  # fmt: skip
def test_ids(norad: str, expected: int) -> None:
    assert read_catalog(text(tle(norad=norad))).norad_id.tolist() == [expected]


@pytest.mark.parametrize(
    ("epoch", "stamp"),
    [
        ("57001.00000000", "1957-01-01T00:00:00.000000000"),
        ("56366.00000000", "2056-12-31T00:00:00.000000000"),
        ("00060.99999999", "2000-02-29T23:59:59.999136000"),
        ("23366.50000000", "2024-01-01T12:00:00.000000000"),  # day 366 of a common year: some sets say so
    ],
)
def test_epochs(epoch: str, stamp: str) -> None:
    assert str(read_catalog(text(tle(epoch=epoch))).epoch[0]) == stamp


def test_line_endings_blanks_and_comments() -> None:
    one, two = tle()
    content = f"\n# a comment\r\n{one}  \r\n\r\n{two}\t\r\n".encode()
    assert len(read_catalog(content)) == 1
    assert len(read_catalog(f"\ufeff{one}\r{two}".encode())) == 1


def test_name_lines_of_all_kinds() -> None:
    lines = []
    names = ["0 ALPHA", "BETA 2 DEB", "1 HOPPER", "2 GO (X)", "0 0", None, "1999 FN"]
    for i, name in enumerate(names):
        lines += [name] * (name is not None) + tle(norad=f"{i + 1:05d}")
    cat = read_catalog("\n".join(lines).encode())
    assert cat.name.tolist() == ["ALPHA", "BETA 2 DEB", "1 HOPPER", "2 GO (X)", "0", "", "1999 FN"]
    assert cat.rejected == ()


BAD_FIELDS = {
    "epoch day 000": (tle(epoch="24000.50000000"), "epoch"),
    "epoch day 367": (tle(epoch="24367.50000000"), "epoch"),
    "epoch letters": (tle(epoch="2418x.50000000"), "epoch"),
    "id with I": (tle(norad="I0001"), "alpha-5"),
    "id with O": (tle(norad="O0001"), "alpha-5"),
    "id lower case": (tle(norad="a0001"), "alpha-5"),
    "id blank": (tle(norad="     "), "alpha-5"),
    "no B*": (tle(one_53="        "), r"B\*"),
    "B* letters": (tle(one_53=" 1234x-3"), r"B\*"),
    "no first derivative": (tle(one_33="          "), "mean motion derivative"),
    "bad second derivative": (tle(one_44=" 0000 -0"), "second derivative"),
    "bad element set number": (tle(one_64="9 99"), "element set number"),
    "classification": (tle(one_7="X"), "classification"),
    "SGP4-XP": (tle(one_62="4"), "SGP4-XP"),
    "ephemeris type": (tle(one_62="7"), "ephemeris type"),
    "column not blank": (tle(one_8="x"), "blank in columns"),
    "line 2 column not blank": (tle(two_16="x"), "blank in columns"),
    "control character": (tle(one_9="\x01"), "printable ASCII"),
    "inclination above 180": (tle(two_8="180.0001"), "inclination .* 180.0001"),
    "inclination negative": (tle(two_8=" -1.0000"), "inclination"),
    "node above 360": (tle(two_17="360.0001"), "right ascension"),
    "perigee above 360": (tle(two_34="400.0000"), "argument of perigee"),
    "anomaly above 360": (tle(two_43="999.0000"), "mean anomaly"),
    "anomaly with a gap": (tle(two_43="27 .7500"), "mean anomaly"),
    "anomaly with blank decimals": (tle(two_43="270.75  "), "mean anomaly"),
    "eccentricity blank": (tle(two_26="       "), "eccentricity"),
    "eccentricity with a point": (tle(two_26=".001234"), "eccentricity"),
    "no motion": (tle(two_52=" 0.00000000"), "mean motion"),
    "motion without a point": (tle(two_52="15 50000000"), "mean motion"),
    "revolutions": (tle(two_63="12 34"), "revolution number"),
    "other id in line 2": ([tle()[0], tle(norad="00043")[1]], "id of line 1"),
    "checksum 1": ([LINE1[:68] + "9", sealed(LINE2)], "checksum of line 1 is '9'"),
    "checksum 2": ([sealed(LINE1), LINE2[:68] + "x"], "checksum of line 2 is 'x'"),
    "short line 1": ([sealed(LINE1)[:68], sealed(LINE2)], "line 1 of the set has 68 characters, allowed is 69"),
    "long line 2": ([sealed(LINE1), sealed(LINE2) + "x y"], "line 2 of the set has 72 characters, allowed is 69, or a"),
}


@pytest.mark.parametrize("case", BAD_FIELDS)
def test_bad_records_are_rejected_with_place_and_reason(case: str) -> None:
    lines, message = BAD_FIELDS[case]
    cat = with_good(*(line.encode("latin-1") for line in lines))
    assert len(cat) == 6
    (rejection,) = cat.rejected
    assert rejection.where == ("line 14" if "long line 2" in case else "line 13")
    with pytest.raises(CatalogError, match=message):
        raise CatalogError(rejection.reason)
    assert str(rejection).startswith(rejection.where)


def test_orphans_and_stray_text() -> None:
    one, two = (line.encode() for line in tle())
    cat = with_good(one, b"some words", b"more words", two, b"# comment")
    assert len(cat) == 6
    reasons = [(r.where, r.norad_id, r.reason) for r in cat.rejected]
    assert reasons[0] == ("line 13", "00042", "line 1 is not followed by a line 2")
    assert [where for where, _, _ in reasons] == ["line 13", "line 14", "line 15", "line 16"]
    assert "does not follow a line 1" in reasons[3][2]
    assert "neither an element line nor a name" in reasons[1][2]


def test_non_ascii() -> None:
    one, two = (line.encode() for line in tle())
    cat = with_good(one[:10] + b"\xe9" + one[11:], two)
    assert "printable ASCII" in cat.rejected[0].reason
    cat = with_good(b"0 CAF\x07", one, two)
    assert "name line" in cat.rejected[0].reason


def test_names_in_any_language() -> None:
    names = ["ÑUSAT-99", "北斗-1", "café ☕ (β)", "x" * 200]
    lines = [line for i, name in enumerate(names) for line in ("0 " + name, *tle(norad=f"{i + 1:05d}"))]
    lines[0:0] = ["# a comment"]
    cat = read_catalog("\n".join(lines).encode())
    assert cat.name.tolist() == [*names[:3], "x" * 64]
    assert cat.notes == ("the name is cut after 64 characters: 1 line (12)",)
    cat = read_catalog("\n".join(lines[:4]).encode("latin-1"))
    assert cat.name.tolist() == ["\ufffdUSAT-99"]
    assert cat.notes == ("the name is not UTF-8; bytes that are none are replaced: 1 line (3)",)
    assert cat.rejected == ()


def test_text_after_column_69() -> None:
    """As in the verification file of the theory, whose second lines end with times."""
    one, two = tle()
    cat = read_catalog(f"# header\n{one}\n{two}      0.00      1440.0        60.00\n".encode())
    assert cat.equals(read_catalog(text(tle())))
    assert cat.notes == ("text after column 69 is ignored: 1 line (3)",)


def test_the_verification_file_of_the_theory() -> None:
    """SGP4-VER.TLE as the package sgp4 ships it: Vallado et al. (2006), with times after column 69."""
    content = (resources.files("sgp4") / "SGP4-VER.TLE").read_bytes()
    cat = read_catalog(content)
    assert len(cat) + cat.sets_not_used + cat.rejected_count == content.count(b"\n1 ") == 33
    assert {5, 4632, 6251, 8195, 28350, 29141} <= set(cat.norad_id.tolist())
    assert [r.norad_id for r in cat.rejected] == ["33333", "33334", "33335"]  # edited there, with checksums as before
    assert all("checksum" in r.reason for r in cat.rejected)


def test_sets_without_checksums() -> None:
    one, two = tle()
    cat = read_catalog(f"{one[:68]}\n{two[:68]}\n".encode() + text(tle("00007")))
    assert cat[:1].equals(read_catalog(text(tle())))
    assert cat.norad_id.tolist() == [42, 7]
    assert cat.notes == ("both lines of the set lack their checksum: 1 line (1)",)


HARMLESS = {
    "indented": ([f"  {line}" for line in tle()], "blanks before an element line are ignored: 2 lines (13, 14)"),
    "id of line 2": ([tle()[0], sealed("2    42" + LINE2[7:])], "line 2 writes the id otherwise than line 1"),
    "class": (tle(one_7="u"), "the classification is a small letter"),
    "derivative": (tle(one_33="          "), "mean motion derivative cannot be read and is left out"),
    "second": (tle(one_44=" 0000 -0"), "mean motion second derivative cannot be read and is left out"),
    "set number": (tle(one_64="9 99"), "element set number cannot be read and is left out"),
    "revolutions": (tle(two_63="12 34"), "revolution number cannot be read and is left out"),
    "name": (["0 CAF\x07", *tle()], "control characters of the name are replaced"),
}


class TestLenient:
    @pytest.mark.parametrize("case", HARMLESS)
    def test_harmless_breaches_are_mended_and_noted(self, case: str) -> None:
        lines, note = HARMLESS[case]
        content = text(*(tle(norad=f"{900 + i:05d}") for i in range(6))) + "\n".join(lines).encode()
        assert len(read_catalog(content)) == 6
        cat = read_catalog(content, lenient=True)
        assert len(cat) == 7
        assert cat.rejected == ()
        assert len(cat.notes) == 1
        assert cat.notes[0].startswith(note)
        whole = read_catalog(text(tle()))
        for column in ("norad_id", "epoch_jd", "epoch_fr", "mean_motion", "eccentricity", "raan", "bstar"):
            assert getattr(cat, column)[6] == getattr(whole, column)[0]

    @pytest.mark.parametrize("case", ["checksum 1", "short line 1", "no B*", "column not blank"])
    def test_damage_is_still_rejected(self, case: str) -> None:
        content = text(*(tle(norad=f"{900 + i:05d}") for i in range(6))) + "\n".join(BAD_FIELDS[case][0]).encode()
        assert len(read_catalog(content, lenient=True)) == 6


def test_newest_epoch_is_kept_whatever_the_order() -> None:
    sets = [
        tle(epoch="24187.50000000"),
        tle(epoch="24188.50000000"),
        tle(epoch="24186.50000000"),
        tle(norad="00007"),
        tle(norad="00007"),
    ]
    cat = read_catalog(text(*sets))
    assert cat.norad_id.tolist() == [42, 7]
    assert cat.epoch_jd.tolist() == [2460497.5, 2460496.5]
    assert (cat.rejected, cat.sets_not_used) == ((), 3)


def test_more_than_half_rejected() -> None:
    bad = tle(norad="00001", two_8="999.0000")
    good = tle(norad="00002")
    assert len(read_catalog(text(bad, good))) == 1
    with pytest.raises(CatalogError, match=r"only 1 of 3 records are valid.*line 1 .*inclination"):
        read_catalog(text(bad, good, tle(norad="00003", two_8="999.0000")))
    with pytest.raises(CatalogError, match="no record is valid"):
        read_catalog(text(bad))


def test_older_sets_do_not_count_as_rejected_half() -> None:
    sets = [tle(epoch=f"24{day:03d}.50000000") for day in range(100, 110)]
    cat = read_catalog(text(*sets))
    assert (len(cat), len(cat.rejected), cat.sets_not_used) == (1, 0, 9)
