"""Risks of messages: CARA's files against 40-digit arithmetic, the flags, and what is refused."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import erfa
import numpy as np
import pytest
from support.messages import kvn
from support.paths import SHARED

from stmgpu.backend import Backend
from stmgpu.errors import InputError
from stmgpu.frames import from_teme, to_teme
from stmgpu.messages.cdm import format_cdm, read_cdm
from stmgpu.risk import MessageRisk, message_risks, message_samples

DATA = SHARED / "data" / "pc"


def one(text: str, **options: Any) -> MessageRisk:
    (risk,) = message_risks(read_cdm(text.encode()), **options)
    return risk


def _cara(backend: Backend) -> list[tuple[dict[str, Any], MessageRisk]]:
    if not DATA.is_dir():
        pytest.skip("the shared data are not beside this checkout (../shared/data/pc)")
    cases = json.loads((DATA / "cara_53_cdms.json").read_text())["cases"]
    messages = [read_cdm(DATA / "cdm" / f"{case['id']}.cdm")[0] for case in cases]
    return list(zip(cases, message_risks(messages, cross_correlation=False, backend=backend), strict=True))


def test_caras_messages_from_the_files_themselves(backend: Backend) -> None:
    truth = json.loads((DATA / "cara_truth.json").read_text())["cases"] if DATA.is_dir() else {}
    found = _cara(backend)
    exact = [float(truth[case["id"]]["Pc2D"]) for case, _ in found]
    np.testing.assert_allclose([risk.plane_probability for _, risk in found], exact, rtol=1e-8)
    stated = [(risk.stated, risk.plane_probability) for _, risk in found if risk.stated > 1e-12]
    assert len(stated) > 40
    for message, computed in stated:
        assert message == pytest.approx(computed, rel=5e-3)  # printed with four digits, before a shift of TCA
    for case, risk in found:
        assert (risk.radius_m, risk.radius_source) == (float(case["HBR_m"]), "COMMENT HBR")
        assert risk.covariance_sources == ("CALCULATED", "CALCULATED")


def test_the_believed_number_of_caras_messages(kernel_backend: Backend) -> None:
    """The same messages are refuted as by CARA: 29 of the 53 for the plane, of which 3 for 2D-Nc, too.

    Those three, of one pair that flies together, get 3D-Nc.
    """
    found = _cara(kernel_backend)
    assert [risk.refuted for _, risk in found] == [case["expected"]["ViolationsPc2D"] > 0 for case, _ in found]
    assert [risk.method for _, risk in found].count("2D-Nc") == 26
    for case, risk in found:
        printed = case["expected"]
        name = "Nc2D" if risk.refuted else "Pc2D"
        if printed["ViolationsNc2D"]:
            assert risk.method == "3D-Nc"
            assert risk.probability == pytest.approx(printed["Nc3D"], rel=1e-3)
        else:
            assert risk.probability == pytest.approx(printed[name], rel=1e-3)
        assert risk.flags or not risk.refuted


def test_a_message_and_what_its_numbers_stand_on() -> None:
    risk = one(kvn(), backend="reference")
    assert risk.probability == risk.plane_probability > 0.0
    assert risk.method == "2-D"
    assert risk.maximum > risk.probability
    assert not risk.refuted
    assert (risk.radius_m, risk.radius_source, risk.stated) == (10.0, "COMMENT HBR", 4.835e-05)
    assert (risk.designators, risk.message_id) == (("91001", "91002"), "event-1")
    assert risk.source == "<bytes>: line 1"
    assert risk.miss_m == pytest.approx(np.hypot(risk.miss_major_m, risk.miss_minor_m), rel=1e-12)
    given, twice = (one(kvn(), radius_m=radius, backend="reference") for radius in (1.0, 2.0))
    assert (given.radius_m, given.radius_source) == (1.0, "given")
    assert twice.probability == pytest.approx(4.0 * given.probability, rel=0.01)


def test_a_slow_encounter_has_the_probability_of_entries() -> None:
    slow = {"X_DOT": "X_DOT = -2.888600000 [km/s]", "Y_DOT": "Y_DOT = -6.007200000 [km/s]"}
    text = kvn(replace={**slow, "Z_DOT": "Z_DOT = 3.328800000 [km/s]"})
    risk = one(text, backend="reference")
    assert risk.speed_m_s < 10.0
    assert risk.refuted
    assert risk.duration > 0.02
    assert risk.method == "3D-Nc"
    samples = message_samples([risk], samples=50_000, confidence=0.999, backend="cpu")
    assert samples.lower[0] <= risk.probability <= samples.upper[0]
    assert any(text.startswith("extended: it lasts ") for text in risk.flags)
    faster = kvn(
        replace={
            "X_DOT": "X_DOT = -2.888812500 [km/s]",
            "Y_DOT": "Y_DOT = -6.007647516 [km/s]",
            "Z_DOT": "Z_DOT = 3.330470172 [km/s]",
        }
    )
    curved = one(faster, backend="reference")
    assert (curved.method, curved.refuted, curved.probability) == ("2D-Nc", True, curved.curved_probability)


def test_what_cannot_be_used_is_named() -> None:
    for text, message in (
        (kvn(comment=""), "CDM '<bytes>: line 1': it states no hard-body radius for both objects; give --radius"),
        (kvn().replace("= EME2000", "= ITRF", 1), "OBJECT1 has REF_FRAME ITRF, which turns with the Earth; conver"),
        (kvn(replace={"MASS": "ORBIT_CENTER = MARS"}), "OBJECT1 has ORBIT_CENTER 'MARS', allowed is EARTH"),
    ):
        with pytest.raises(InputError) as caught:
            one(text, backend="reference")
        assert message in str(caught.value)
        rejected: list[str] = []
        both = read_cdm(text.encode()) + read_cdm(kvn().encode())
        assert len(message_risks(both, on_rejected=rejected.append, backend="reference")) == 1
        assert len(rejected) == 1
    with pytest.raises(InputError, match="radius is -1, allowed is a finite number of 0 or more"):
        one(kvn(), radius_m=-1)
    assert message_risks([]) == []


def test_states_in_two_frames_are_brought_into_one() -> None:
    (message,) = read_cdm(kvn().encode())
    other = message.objects[1]
    time = [message.tca.astype(np.int64)]
    state = to_teme("EME2000", time, other.position_km[np.newaxis], other.velocity_km_s[np.newaxis])
    r, v = (x[0] for x in from_teme("GCRF", time, *state))
    turned = dataclasses.replace(other, frame="GCRF", position_km=r, velocity_km_s=v)
    mixed = dataclasses.replace(message, objects=(message.objects[0], turned))
    assert np.linalg.norm(r - other.position_km) > 1e-4  # the frame bias
    found = message_risks([message, mixed], backend="reference")
    assert found[1].probability == pytest.approx(found[0].probability, rel=1e-6)


@pytest.mark.parametrize(("tilt_arcsec", "rtol"), [(0.0, 1e-8), (0.5, 2e-3)])
def test_states_in_itrf_need_no_earth_orientation(tilt_arcsec: float, rtol: float, backend: Backend) -> None:
    """CARA's messages along Earth-fixed axes of any angle: the same Pc, to 0.2 % with polar motion that is left out."""
    rng = np.random.default_rng(1)
    before, after = [], []
    for case, risk in _cara(backend)[::3]:
        (message,) = read_cdm(DATA / "cdm" / f"{case['id']}.cdm")
        tilt = rng.uniform(-tilt_arcsec, tilt_arcsec, 2) * np.pi / 180.0 / 3600.0
        to_earth = erfa.pom00(*tilt, 0.0) @ erfa.rz(rng.uniform(0, 2 * np.pi), np.eye(3))
        objects = []
        for each in message.objects:
            r, v = to_earth @ each.position_km, to_earth @ each.velocity_km_s
            v = v - 7.2921151467e-5 * np.cross(to_earth @ [0.0, 0.0, 1.0], r)
            objects.append(dataclasses.replace(each, position_km=r, velocity_km_s=v, frame="ITRF"))
        moved = dataclasses.replace(message, objects=(objects[0], objects[1]))
        (again,) = read_cdm(format_cdm(moved))
        assert not any("states move at" in text for text in again.warnings)
        (found,) = message_risks([again], cross_correlation=False, backend=backend)
        assert (
            "in ITRF: polar motion is left out, which may move Pc by 0.2 % for needle-like covariances" in found.flags
        )
        before.append(risk.plane_probability)
        after.append(found.plane_probability)
    np.testing.assert_allclose(after, before, rtol=rtol)
    assert len(before) == 18
    mixed = dataclasses.replace(moved, objects=(moved.objects[0], message.objects[1]))
    with pytest.raises(InputError, match=r"OBJECT1 has REF_FRAME ITRF.* EME2000 or GCRF, or give both objects in ITRF"):
        message_risks([mixed], backend=backend)
