"""OMM in CSV, JSON, KVN and XML: every accepted form and every reason for rejection."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support.paths import SHARED
from support.samples import METADATA, csv_of, fields, kvn_of

from stmgpu.catalog import Catalog, read_catalog
from stmgpu.errors import CatalogError, StmgpuError

XML_DATA = (
    "EPOCH", "MEAN_MOTION", "ECCENTRICITY", "INCLINATION", "RA_OF_ASC_NODE", "ARG_OF_PERICENTER", "MEAN_ANOMALY",
    "SEMI_MAJOR_AXIS",
)  # fmt: skip


def xml_of(*records: dict[str, str], root: str = "ndm", namespace: str = "", tail: str = "") -> bytes:
    parts = []
    for record in records:
        everything = {**METADATA, **record}
        meta = {k: v for k, v in everything.items() if k in METADATA or k.startswith("OBJECT_")}
        mean = {k: v for k, v in everything.items() if k in XML_DATA}
        rest = {k: v for k, v in everything.items() if k not in meta and k not in mean}
        body = "".join(
            f"<{section}>" + "".join(f"<{k}>{v}</{k}>" for k, v in part.items()) + f"</{section}>"
            for section, part in (("metadata", meta), ("meanElements", mean), ("tleParameters", rest))
        )
        parts.append(f"<omm><body><segment>{body}</segment></body></omm>")
    return f"<?xml version='1.0'?><{root}{namespace}>{''.join(parts)}{tail}</{root}>".encode()


def json_of(*records: dict[str, str]) -> bytes:
    return json.dumps(records).encode()


WRITERS = {"csv": csv_of, "json": json_of, "kvn": kvn_of, "xml": xml_of}


@pytest.fixture(params=WRITERS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_all_forms_give_the_same_values(form: str) -> None:
    cat = read_catalog(WRITERS[form](fields(42), fields(123456789, OBJECT_NAME="NINE DIGITS")))
    assert cat.norad_id.tolist() == [42, 123456789]
    assert cat.name.tolist() == ["MADE UP", "NINE DIGITS"]
    assert cat.object_id.tolist() == ["2011-002B"] * 2
    assert (cat.epoch_jd[0], cat.epoch_fr[0]) == (2460496.5, 0.5)
    assert cat.mean_motion[0] == 15.5 / 720.0 * np.pi
    assert cat.inclination[0] == 51.6 * (np.pi / 180.0)
    assert cat.bstar[0] == 0.12345e-3
    assert cat.mean_motion_dot[0] == 0.1234e-4 / (1036800.0 / np.pi)
    assert cat.rejected == ()


BAD = {
    "e of 1": ({"ECCENTRICITY": "1.0"}, "eccentricity is 1"),
    "negative e": ({"ECCENTRICITY": "-.1"}, "eccentricity"),
    "inclination": ({"INCLINATION": "180.1"}, "inclination .* 180.1"),
    "node": ({"RA_OF_ASC_NODE": "-0.1"}, "right ascension"),
    "perigee": ({"ARG_OF_PERICENTER": "361"}, "argument of perigee"),
    "anomaly": ({"MEAN_ANOMALY": "1e9"}, "mean anomaly"),
    "no motion": ({"MEAN_MOTION": "0"}, "mean motion"),
    "infinite motion": ({"MEAN_MOTION": "inf"}, "MEAN_MOTION is 'inf'"),
    "overflow": ({"MEAN_MOTION": "1e999"}, "MEAN_MOTION is '1e999'"),
    "not a number": ({"BSTAR": "NaN"}, "BSTAR is 'NaN'"),
    "underscore": ({"MEAN_ANOMALY": "1_0"}, "MEAN_ANOMALY is '1_0'"),
    "other digits": ({"MEAN_ANOMALY": "１０"}, "MEAN_ANOMALY"),
    "words": ({"INCLINATION": "steep"}, "INCLINATION is 'steep'"),
    "blank B*": ({"BSTAR": ""}, "BSTAR is missing"),
    "missing B*": ({"BSTAR": None}, "BSTAR is missing"),
    "missing epoch": ({"EPOCH": None}, "EPOCH is missing"),
    "bad epoch": ({"EPOCH": "yesterday"}, "EPOCH is 'yesterday'"),
    "ten digits": ({"NORAD_CAT_ID": "1234567890"}, "NORAD id is 1234567890"),
    "alpha id": ({"NORAD_CAT_ID": "A0001"}, "NORAD_CAT_ID is 'A0001'"),
    "missing id": ({"NORAD_CAT_ID": ""}, "NORAD_CAT_ID is missing"),
    "type 4": ({"EPHEMERIS_TYPE": "4"}, "SGP4-XP"),
    "type 9": ({"EPHEMERIS_TYPE": "9"}, "EPHEMERIS_TYPE"),
    "BTERM": ({"BTERM": "0.001"}, "SGP4-XP"),
    "AGOM": ({"AGOM": "0.001"}, "SGP4-XP"),
    "frame": ({"REF_FRAME": "EME2000"}, "REF_FRAME is 'EME2000'"),
    "time system": ({"TIME_SYSTEM": "TAI"}, "TIME_SYSTEM is 'TAI'"),
    "center": ({"CENTER_NAME": "MARS"}, "CENTER_NAME is 'MARS'"),
    "theory": ({"MEAN_ELEMENT_THEORY": "DSST"}, "MEAN_ELEMENT_THEORY is 'DSST'"),
    "classification": ({"CLASSIFICATION_TYPE": "Q"}, "classification"),
    "element set": ({"ELEMENT_SET_NO": "9.5"}, "ELEMENT_SET_NO"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_records_are_rejected(form: str, case: str) -> None:
    edit, message = BAD[case]
    cat = read_catalog(WRITERS[form](fields(1), fields(**edit), fields(3)))
    assert cat.norad_id.tolist() == [1, 3]
    (rejection,) = cat.rejected
    with pytest.raises(CatalogError, match=message):
        raise CatalogError(rejection.reason)
    if form in ("json", "xml"):
        assert rejection.where == "record 2"
    assert rejection.where == "line 3" or form != "csv"


@pytest.mark.parametrize(
    ("epoch", "stamp"),
    [
        ("2024-07-05T12:00:00", "2024-07-05T12:00:00.000000000"),
        ("2024-07-05T12:00:00.123Z", "2024-07-05T12:00:00.123000000"),
        ("2024-07-05T12:00:00.1234567", "2024-07-05T12:00:00.123456700"),
        ("2024-187T12:00:00.5", "2024-07-05T12:00:00.500000000"),
        ("2024-07-05 12:00:00", "2024-07-05T12:00:00.000000000"),
        ("2016-12-31T23:59:60.25", "2017-01-01T00:00:00.250000000"),
    ],
)
def test_epoch_forms(form: str, epoch: str, stamp: str) -> None:
    assert str(read_catalog(WRITERS[form](fields(EPOCH=epoch))).epoch[0]) == stamp


def test_semi_major_axis_instead_of_mean_motion(form: str) -> None:
    axis = fields(1, MEAN_MOTION=None, SEMI_MAJOR_AXIS="7000")
    cat = read_catalog(WRITERS[form](axis, fields(2)))
    assert cat.mean_motion[0] == pytest.approx(60.0 * np.sqrt(398600.8 / 7000.0**3))
    assert cat.mean_motion[1] == 15.5 / 720.0 * np.pi
    cat = read_catalog(WRITERS[form](fields(1), fields(2, MEAN_MOTION=None, SEMI_MAJOR_AXIS="-1")))
    assert "mean motion" in cat.rejected[0].reason


def test_optional_fields_may_be_missing(form: str) -> None:
    slim = fields(EPHEMERIS_TYPE=None, CLASSIFICATION_TYPE=None, REV_AT_EPOCH=None, ELEMENT_SET_NO="", OBJECT_ID="")
    cat = read_catalog(WRITERS[form](slim))
    assert (cat.classification[0], cat.rev_at_epoch[0], cat.element_set_no[0]) == ("U", 0, 0)
    assert cat.object_id.tolist() == [""]


def test_duplicates(form: str) -> None:
    cat = read_catalog(WRITERS[form](fields(EPOCH="2024-07-06T00:00:00"), fields(), fields(7)))
    assert cat.norad_id.tolist() == [42, 7]
    assert cat.epoch_fr.tolist() == [0.0, 0.5]
    assert (cat.rejected, cat.sets_not_used) == ((), 1)


def test_more_than_half_rejected(form: str) -> None:
    with pytest.raises(CatalogError, match="only 1 of 3"):
        read_catalog(WRITERS[form](fields(1), fields(2, INCLINATION="x"), fields(3, INCLINATION="y")))


def test_unicode_names(form: str) -> None:
    record = fields(OBJECT_NAME="ÉTOILE 北斗")
    content = json.dumps([record], ensure_ascii=False).encode() if form == "json" else WRITERS[form](record)
    assert read_catalog(content).name.tolist() == ["ÉTOILE 北斗"]


LENIENT = {
    "24 o'clock": ({"EPOCH": "2024-07-04T24:00:00.000Z"}, "EPOCH at 24:00:00 is read as 00:00:00 of the next day"),
    "classification": ({"CLASSIFICATION_TYPE": "unclassified"}, "CLASSIFICATION_TYPE is read by its first letter"),
    "derivative": ({"MEAN_MOTION_DOT": "n/a"}, "MEAN_MOTION_DOT is no number and left out"),
    "second derivative": ({"MEAN_MOTION_DDOT": "n/a"}, "MEAN_MOTION_DDOT is no number and left out"),
    "element set": ({"ELEMENT_SET_NO": "9.5"}, "ELEMENT_SET_NO is no whole number and left out"),
    "revolutions": ({"REV_AT_EPOCH": "many"}, "REV_AT_EPOCH is no whole number and left out"),
    "mass": ({"MASS": "heavy"}, "MASS is no number and left out"),
}


@pytest.mark.parametrize("case", LENIENT)
def test_harmless_breaches_are_mended_and_noted(form: str, case: str) -> None:
    edit, note = LENIENT[case]
    content = WRITERS[form](fields(1), fields(2, **edit), fields(3))
    if form == "xml" and case == "mass":
        content = content.replace(b"<MASS>heavy</MASS>", b"").replace(
            b"<NORAD_CAT_ID>2<", b"<MASS>heavy</MASS><NORAD_CAT_ID>2<"
        )
    assert read_catalog(content).norad_id.tolist() == [1, 3]
    cat = read_catalog(content, lenient=True)
    assert cat.norad_id.tolist() == [1, 2, 3]
    assert cat.rejected == ()
    assert [text.startswith(note) for text in cat.notes] == [True]
    assert (cat.epoch_jd[1] + cat.epoch_fr[1], cat.classification[1]) == (
        2460496.5 if case == "24 o'clock" else 2460497.0, "U",
    )  # fmt: skip
    assert (cat.mean_motion_dot[1] == 0.0) == (case == "derivative")


@pytest.mark.parametrize(
    "case", ["blank B*", "no motion", "bad epoch", "frame", "theory", "type 4", "e of 1", "alpha id"]
)
def test_what_is_not_harmless_is_still_rejected(form: str, case: str) -> None:
    content = WRITERS[form](fields(1), fields(**BAD[case][0]), fields(3))
    assert read_catalog(content, lenient=True).norad_id.tolist() == [1, 3]


def test_unknown_keywords_are_ignored_if_lenient() -> None:
    content = kvn_of(fields(1), fields(2)) + b"WRONG_KEYWORD = 1\n"
    assert read_catalog(content, lenient=True).norad_id.tolist() == [1, 2]
    cat = read_catalog(xml_of(fields(1), fields(2, WRONG_KEYWORD="1")), lenient=True)
    assert cat.norad_id.tolist() == [1, 2]
    assert cat.notes == ("keyword 'WRONG_KEYWORD' is not known and ignored: 1 record (2)",)


def test_empty_cells_after_the_last_column() -> None:
    content = csv_of(fields(1)) + csv_of(fields(2)).split(b"\n")[1] + b",,\n"
    assert len(read_catalog(content)) == 1
    assert len(read_catalog(content, lenient=True)) == 2


def test_long_names_are_cut() -> None:
    """One long text would set the memory of a whole column."""
    cat = read_catalog(csv_of(fields(1, OBJECT_NAME="x" * 100_000), fields(2)))
    assert cat.name.dtype == "<U64"
    assert cat.notes == ("OBJECT_NAME is cut after 64 characters: 1 line (2)",)


class TestCsv:
    def test_columns_in_any_order_and_extra_ones(self) -> None:
        record = fields()
        shuffled = {"COMMENT_OF_OURS": "x", **{key: record[key] for key in sorted(record)}}
        assert read_catalog(csv_of(shuffled)).norad_id.tolist() == [42]

    def test_quoted_names_and_crlf(self) -> None:
        content = csv_of(fields(OBJECT_NAME='"A, B ""C"""')).replace(b"\n", b"\r\n")
        assert read_catalog(content).name.tolist() == ['A, B "C"']

    def test_short_and_long_rows(self) -> None:
        content = csv_of(fields(1), fields(2), fields(3)) + b"1,2,3\n" + b"," * 30 + b"x\n\n"
        cat = read_catalog(content)
        assert len(cat) == 3
        assert [r.where for r in cat.rejected] == ["line 5", "line 6"]
        assert "row has 3 fields, allowed are the header's 17" in cat.rejected[0].reason

    def test_header_without_bstar(self) -> None:
        with pytest.raises(CatalogError, match=r"lacks \['BSTAR'\]"):
            read_catalog(csv_of(fields(BSTAR=None)))

    def test_header_twice(self) -> None:
        content = csv_of(fields()).replace(b"REV_AT_EPOCH", b"BSTAR")
        with pytest.raises(CatalogError, match=r"repeats \['BSTAR'\]"):
            read_catalog(content)

    def test_only_a_header(self) -> None:
        with pytest.raises(CatalogError, match="no object"):
            read_catalog(csv_of(fields()).splitlines()[0])

    def test_bytes_that_are_not_utf8_spoil_one_record(self) -> None:
        content = csv_of(fields(1), fields(2, OBJECT_NAME="??"), fields(3)).replace(b"??", b"\xff\xfe")
        cat = read_catalog(content)
        assert cat.norad_id.tolist() == [1, 3]
        assert "name" in cat.rejected[0].reason

    def test_object_types_short_and_long(self) -> None:
        types = ["PAY", "R/B", "DEB", "UNK", "TBA", "ROCKET BODY", ""]
        cat = read_catalog(csv_of(*(fields(i + 1, OBJECT_TYPE=name) for i, name in enumerate(types))))
        assert cat.object_type.tolist() == ["PAYLOAD", "ROCKET BODY", "DEBRIS", "UNKNOWN", "UNKNOWN", "ROCKET BODY", ""]
        cat = read_catalog(csv_of(fields(1, OBJECT_TYPE="PAY"), fields(2, OBJECT_TYPE="SHIP")))
        assert "OBJECT_TYPE is 'SHIP'" in cat.rejected[0].reason


class TestJson:
    def test_numbers_one_object_and_nulls(self) -> None:
        record = {**fields(), "MEAN_MOTION": 15.5, "NORAD_CAT_ID": 270001, "BSTAR": 1e-4, "DECAY_DATE": None}
        cat = read_catalog(json.dumps(record).encode())
        assert cat.norad_id.tolist() == [270001]
        assert cat.bstar.tolist() == [1e-4]

    @pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e400", "[1]", "{}", "true"])
    def test_values_that_are_no_numbers(self, value: str) -> None:
        good = json.dumps(fields(1))
        bad = json.dumps(fields(2)).replace('"15.5"', value)
        cat = read_catalog(f"[{good},{bad},5]".encode().replace(b",5]", b"]"))
        assert (len(cat), len(cat.rejected)) == (1, 1)
        assert "MEAN_MOTION" in cat.rejected[0].reason

    def test_entries_that_are_no_objects(self) -> None:
        cat = read_catalog(f"[{json.dumps(fields(1))}, 5]".encode())
        assert cat.rejected[0].where == "record 2"

    @pytest.mark.parametrize("content", [b"[", b"{]", b"[" * 100_000, b'{"a": 1', b"[1" + b"0" * 10_000 + b"]"])
    def test_broken(self, content: bytes) -> None:
        with pytest.raises(CatalogError):
            read_catalog(content)


class TestKvn:
    def test_units_comments_covariance_and_user_fields(self) -> None:
        extra = b"COMMENT free text = here\nCX_X = 1\nCZ_DOT_Z_DOT = 2\nUSER_DEFINED_X = y\n"
        extra += b"GM = 398600.8 [km**3/s**2]\n"
        content = kvn_of(fields(INCLINATION="51.6 [deg]", MASS="300 [kg]")) + extra
        cat = read_catalog(content)
        assert cat.inclination[0] == 51.6 * (np.pi / 180.0)
        assert cat.mass_kg.tolist() == [300.0]

    def test_wrong_unit(self) -> None:
        cat = read_catalog(kvn_of(fields(1), fields(2, INCLINATION="0.9 [rad]")))
        assert "unit of INCLINATION is 'rad'" in cat.rejected[0].reason

    def test_unknown_and_repeated_keywords_and_other_lines(self) -> None:
        content = kvn_of(*(fields(i) for i in range(1, 7)))
        for i, extra in ((1, b"WRONG_KEYWORD = 1\n"), (2, b"BSTAR = 1\n"), (3, b"some words\n")):
            begin = content.index(b"NORAD_CAT_ID = %d\n" % i)
            content = content[:begin] + extra + content[begin:]
        cat = read_catalog(content)
        assert cat.norad_id.tolist() == [4, 5, 6]
        reasons = " ".join(r.reason for r in cat.rejected)
        assert "'WRONG_KEYWORD' is not known in an OMM" in reasons
        assert "BSTAR is given twice in an OMM" in reasons
        assert "not of the form KEYWORD = value" in reasons

    def test_messages_without_version_lines(self) -> None:
        content = b"".join(kvn_of(fields(i)).split(b"\n", 1)[1] for i in (1, 2)).replace(b"CENTER_NAME = EARTH\n", b"")
        lines = [line for line in content.split(b"\n") if line.split(b" ")[0].decode() not in METADATA]
        assert read_catalog(b"\n".join(lines)).norad_id.tolist() == [1, 2]


class TestXml:
    def test_namespaces_and_single_message(self) -> None:
        assert len(read_catalog(xml_of(fields(), namespace=' xmlns="urn:ccsds:schema:ndmxml"'))) == 1
        single = xml_of(fields()).replace(b"<ndm>", b"").replace(b"</ndm>", b"")
        assert read_catalog(single).norad_id.tolist() == [42]

    def test_units(self) -> None:
        good = xml_of(fields(1), fields(2)).replace(b"<INCLINATION>", b'<INCLINATION units="deg">', 1)
        assert len(read_catalog(good)) == 2
        bad = good.replace(b'units="deg"', b'units="rad"')
        assert "unit of INCLINATION" in read_catalog(bad).rejected[0].reason

    def test_sections_twice_or_missing(self) -> None:
        content = xml_of(fields(1), fields(2)).replace(b"<metadata>", b"<metadata></metadata><metadata>", 1)
        assert "2 <metadata> sections" in read_catalog(content).rejected[0].reason

    def test_unknown_element(self) -> None:
        content = xml_of(fields(1), fields(2)).replace(b"<EPOCH>", b"<ODD>1</ODD><EPOCH>", 1)
        assert "'ODD' is not known in an OMM" in read_catalog(content).rejected[0].reason

    @pytest.mark.parametrize(
        "content",
        [
            b'<!DOCTYPE x [<!ENTITY a "b">]><omm>&a;</omm>',
            b'<!DOCTYPE x SYSTEM "file:///etc/hostname"><omm/>',
            b"<omm>",
            b"<html><body>no catalogue</body></html>",
            b"<?xml version='1.0' encoding='no-such-code'?><omm/>",
            b"<omm/>",
        ],
    )
    def test_refused(self, content: bytes) -> None:
        with pytest.raises(CatalogError):
            read_catalog(content)


SAMPLES = SHARED / "data" / "pc" / "omm"
VALID = {
    "OMM-empty-object-id.txt", "OMM-empty-object-id.xml", "OMM-with-units.xml", "OMMExample1.txt", "OMMExample2.txt",
    "OMMExample2.xml", "OMMExample4.txt", "OMMExample4.xml",
}  # fmt: skip
BROKEN = {
    "OMM-number-format-error.txt": "ARG_OF_PERICENTER is 'this-is-not-a-number'",
    "OMM-wrong-keyword.txt": "WRONG_KEYWORD",
    "OMMExample3.txt": "TIME_SYSTEM is 'MRT'",
    "OMMExample3_utc.txt": "MEAN_ELEMENT_THEORY is 'SOME THEORY'",
    "OMMExample5.txt": "SGP4-XP",
    "spurious-metadata.xml": "sections, allowed is one",
}


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the shared OMM samples are not beside the checkout")
class TestSharedSamples:
    """Files of Orekit's tests (Apache-2.0), from the CCSDS book's examples."""

    @pytest.mark.parametrize("name", sorted(VALID))
    def test_valid(self, name: str) -> None:
        cat = read_catalog(SAMPLES / name)
        assert isinstance(cat, Catalog)
        expected = {23581: "2007-03-05T10:34:41.426400000", 7646: "2021-03-22T13:21:09.224928000"}
        assert str(cat.epoch[0]) == expected[int(cat.norad_id[0])]

    @pytest.mark.parametrize("name", sorted(BROKEN))
    def test_broken(self, name: str) -> None:
        with pytest.raises(CatalogError, match=BROKEN[name]):
            read_catalog(SAMPLES / name)

    def test_every_file_is_accounted_for(self) -> None:
        names = {path.name for path in SAMPLES.iterdir()}
        assert names == VALID | set(BROKEN)
        assert issubclass(CatalogError, StmgpuError)


@pytest.mark.parametrize("theory", ["TLE", "SGP", "tle"])
def test_names_of_sgp4_in_the_field(theory: str) -> None:
    cat = read_catalog(kvn_of({**fields(), "MEAN_ELEMENT_THEORY": theory}))
    assert cat.notes == (f"MEAN_ELEMENT_THEORY {theory.upper()} is taken for SGP4: 1 line (1)",)
    assert cat.equals(read_catalog(kvn_of(fields())))
    with pytest.raises(CatalogError, match="MEAN_ELEMENT_THEORY is 'DSST'"):
        read_catalog(kvn_of({**fields(), "MEAN_ELEMENT_THEORY": "DSST"}))
