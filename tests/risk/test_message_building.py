"""Messages from columns: what stands in them, frames, read by others, and what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.paths import SHARED

from stmgpu.errors import InputError
from stmgpu.frames import from_teme, to_teme
from stmgpu.messages.cdm import ConjunctionMessage, format_cdm, read_cdm, write_cdm
from stmgpu.risk import encounter_probability, message_risks
from stmgpu.risk.message_building import MessageObjects, conjunction_messages

PC = SHARED / "data" / "pc"
N = 3
TCA = np.array(["2026-03-14T11:08:50.281", "1998-02-03T04:05:06", "2024-07-05T12:00:00.123456789"], "M8[ns]")
CREATED = np.datetime64("2026-03-10T01:02:03.004")


def objects(seed: int) -> MessageObjects:
    rng = np.random.default_rng(seed)
    position = np.array([[7000.0, 10.0, 20.0], [-4000.0, 5500.0, 900.0], [42164.0, 0.0, 3.0]])
    velocity = np.array([[0.0, 7.5, 0.3], [-3.0, -2.5, 6.5], [0.0, 3.07, 0.01]]) + rng.normal(0, 0.5, (N, 3))
    half = rng.normal(0, 1, (N, 6, 6)) * np.array([100.0, 300.0, 100.0, 0.3, 0.1, 0.1])[:, None]
    return MessageObjects(
        np.array([5, 44713, 100759]) + seed, np.array(["A", "STARLINK-1007", ""]), np.array(["1958-002B", "", ""]),
        np.array(["PAYLOAD", "", "DEBRIS"]), np.hstack([position + rng.normal(0, 0.2, (N, 3)), velocity]),
        half @ half.transpose(0, 2, 1), np.array(["tle-2013", "oem", "oem"]), np.array([True, False, False]),
    )  # fmt: skip


def built(**changes: Any) -> list[ConjunctionMessage]:
    arguments: dict[str, Any] = {
        "radius_m": [11.0, 20.0, 0.1], "radius_source": ["socrates", "fixed:20", "a table"],
        "probability": [1.25e-5, np.nan, 0.0], "probability_method": ["FOSTER-1992", "", "ALFANO-2005"],
        "remarks": [["flags: diluted"], [], ["x", "y"]], "created": CREATED,
    }  # fmt: skip
    return conjunction_messages(TCA, objects(1), objects(2), **arguments | changes)


def test_what_stands_in_a_message() -> None:
    message = built()[0]
    assert message.tca == TCA[0]
    assert message.message_id == "000000006_conj_000000007_20260314_110850_20260310_010203"
    assert message.fields["CREATION_DATE"] == "2026-03-10T01:02:03.004"
    assert message.number("COLLISION_PROBABILITY") == 1.25e-5
    assert message.fields["COLLISION_PROBABILITY_METHOD"] == "FOSTER-1992"
    assert message.comments == ("HBR = 11.0 [m]", "HBR source: socrates", "flags: diluted")
    assert message.hard_body_radius() == (11.0, "COMMENT HBR")
    one, two = message.objects
    assert (one.designator, one.name, one.frame) == ("000000006", "A", "EME2000")
    assert (one.fields["COVARIANCE_METHOD"], one.fields["OBJECT_TYPE"]) == ("DEFAULT", "PAYLOAD")
    assert one.comments == ("covariance: a model, tle-2013; not from the observations of this object",)
    assert np.array_equal(one.covariance, objects(1).covariance[0])
    assert np.array_equal(two.covariance, objects(2).covariance[0])
    other = built()[1]
    assert "COLLISION_PROBABILITY" not in other.fields
    assert other.objects[0].fields["COVARIANCE_METHOD"] == "CALCULATED"
    assert other.objects[0].comments == ("covariance source: oem",)
    assert "OBJECT_TYPE" not in other.objects[0].fields
    assert other.objects[0].fields["INTERNATIONAL_DESIGNATOR"] == "UNKNOWN"
    assert built()[2].objects[0].name == "UNKNOWN"


@pytest.mark.parametrize("frame", ["EME2000", "GCRF"])
def test_states_and_distances_in_either_frame(frame: str) -> None:
    """States go back to TEME within 0.1 mm; distances are the same along any axes."""
    for k, message in enumerate(built(frame=frame)):
        pair = [objects(seed).state[k] for seed in (1, 2)]
        for one, state in zip(message.objects, pair, strict=True):
            r, v = to_teme(frame, TCA[k : k + 1].view(np.int64), [one.position_km], [one.velocity_km_s])
            np.testing.assert_allclose(np.hstack([r, v])[0], state, rtol=0, atol=1e-7)
        apart = 1e3 * (pair[1] - pair[0])
        assert message.miss_distance_m == pytest.approx(np.linalg.norm(apart[:3]), rel=1e-9)
        assert message.number("RELATIVE_SPEED") == pytest.approx(np.linalg.norm(apart[3:]), rel=1e-9)


@pytest.mark.parametrize("form", ["kvn", "xml"])
def test_messages_are_read_without_warnings(form: Any) -> None:
    """The states agree with what the message states of them, by the checks of the reader."""
    messages = built(frame="GCRF")
    for message, again in zip(messages, read_cdm(format_cdm(messages, form)), strict=True):
        assert again.warnings == ()
        assert again.tca == message.tca
        assert dict(again.fields) == dict(message.fields)
        for one, other in zip(message.objects, again.objects, strict=True):
            assert np.array_equal(one.position_km, other.position_km)
            assert np.array_equal(one.covariance, other.covariance)
            assert one.comments == other.comments


def test_the_probability_of_a_message_is_that_of_the_states() -> None:
    first, second = objects(1), objects(2)
    wanted = encounter_probability(
        first.state[:, :3], first.state[:, 3:], first.covariance[:, :3, :3],
        second.state[:, :3], second.state[:, 3:], second.covariance[:, :3, :3], [11.0, 20.0, 0.1], backend="reference",
    )  # fmt: skip
    risks = message_risks(read_cdm(format_cdm(built())), backend="reference")
    np.testing.assert_allclose([risk.plane_probability for risk in risks], wanted, rtol=1e-6)


def test_relative_states_have_the_signs_of_published_messages() -> None:
    """RELATIVE_POSITION and RELATIVE_VELOCITY of CARA's messages, to their last digit, from their own states."""
    if not PC.is_dir():
        pytest.skip("the shared data are not beside this checkout (../shared/data/pc)")
    seen = 0
    for path in sorted((PC / "cdm").glob("0*.cdm")):
        (message,) = read_cdm(path)
        ns = np.array([message.tca]).view(np.int64)
        columns = []
        for one in message.objects:
            state = np.hstack(to_teme(one.frame, ns, [one.position_km], [one.velocity_km_s]))
            text = np.array(["x"])
            columns.append(
                MessageObjects(
                    np.ones(1, np.int64), text, text, text, state, one.covariance[None, :6, :6], text, np.zeros(1, bool)
                )
            )
        (made,) = conjunction_messages(np.array([message.tca]), *columns, radius_m=1.0, radius_source=["x"])
        for axis in "RTN":
            for name in (f"RELATIVE_POSITION_{axis}", f"RELATIVE_VELOCITY_{axis}"):
                assert abs(made.number(name) - message.number(name)) < 0.11, (path.name, name)
                seen += 1
    assert seen == 53 * 6


def test_an_unknown_velocity_covariance_is_said() -> None:
    first = objects(1)
    matrix = first.covariance.copy()
    matrix[0, 3:], matrix[0, :, 3:] = np.nan, np.nan
    messages = conjunction_messages(
        TCA, dataclasses.replace(first, covariance=matrix), objects(2), radius_m=1.0, radius_source=["a"] * N
    )
    one = messages[0].objects[0]
    assert one.comments[-1] == "the covariance of the velocity is not known; its terms are written as 0"
    assert np.array_equal(one.covariance[:3, :3], matrix[0, :3, :3])
    assert not one.covariance[3:].any()
    assert read_cdm(format_cdm(messages))[0].warnings == ()


@pytest.mark.parametrize("form", ["kvn", "xml"])
def test_an_independent_reader_accepts_the_messages(form: Any, tmp_path: Path) -> None:
    """The classes of ccsds-ndm are made from the schema of CCSDS: unknown, missing or disordered fields are errors."""
    ndm_io = pytest.importorskip("ccsds_ndm.ndm_io", reason="ccsds-ndm is not installed; see the group dev")
    for k, message in enumerate(built()):
        path = tmp_path / f"{k}.{'xml' if form == 'xml' else 'cdm'}"
        write_cdm(message, path)
        found = ndm_io.NdmIo().from_path(path)
        relative = found.body.relative_metadata_data
        assert relative.miss_distance.value == message.miss_distance_m
        assert relative.relative_state_vector.relative_position_n.value == message.number("RELATIVE_POSITION_N")
        for segment, one in zip(found.body.segment, message.objects, strict=True):
            assert segment.metadata.ref_frame.value == "EME2000"
            assert segment.data.state_vector.x.value == one.position_km[0]
            assert segment.data.state_vector.z_dot.value == one.velocity_km_s[2]
            assert segment.data.covariance_matrix.cn_t.value == one.covariance[2, 1]
            assert segment.data.covariance_matrix.cndot_ndot.value == one.covariance[5, 5]


def test_what_is_refused() -> None:
    for changes, message in (
        ({"frame": "TEME"}, "states of a CDM are written in EME2000 or GCRF, not in 'TEME'"),
        ({"radius_m": -1.0}, "radii must be finite numbers of 0 or more"),
        ({"radius_m": np.nan}, "radii must be finite numbers"),
        ({"probability": 1.5}, "probabilities lie between 0 and 1"),
        ({"radius_source": ["a"]}, "there are 3 times and 1 sources of radii; give one for each"),
        ({"remarks": [["a"]] * 4}, "there are 3 times and 4 lists of remarks; give one for each"),
        ({"fields": [{}]}, "there are 3 times and 1 sets of fields; give one for each"),
    ):
        with pytest.raises(InputError, match=message):
            built(**changes)
    first = objects(1)
    lost, empty, odd = first.state.copy(), first.covariance.copy(), first.covariance.copy()
    lost[1, 4], empty[2, 0, 0], odd[1, 0, 1] = np.nan, np.nan, 9e9
    for changed, message in (
        ({"state": lost}, r"object 44714 has no state at conjunction 1 \(1 such\), and a CDM needs one; leave these"),
        ({"covariance": empty}, "object 100760 has no covariance of the position at conjunction 2"),
        ({"covariance": odd}, "object 44714 at conjunction 1: covariance is not symmetric: rows 1 and 2"),
        ({"name": first.name[:2]}, "the columns of object 1 are not of the length 3 of the times"),
        ({"covariance": first.covariance[:, :3, :3]}, r"covariances \(n, 6, 6\), got \(3, 6\) and \(3, 3, 3\)"),
    ):
        with pytest.raises(InputError, match=message):
            conjunction_messages(
                TCA, dataclasses.replace(first, **changed), objects(2), radius_m=1.0, radius_source=["a"] * N
            )


def test_no_conjunctions_give_no_messages() -> None:
    none = MessageObjects(*(getattr(objects(1), f.name)[:0] for f in dataclasses.fields(MessageObjects)))
    assert conjunction_messages(TCA[:0], none, none, radius_m=1.0, radius_source=[]) == []
    assert from_teme("EME2000", np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros((0, 3)))[0].shape == (0, 3)
