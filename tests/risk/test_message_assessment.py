"""Assessed messages: the numbers of `message_risks`, and the states and covariances of the files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from support.messages import kvn
from support.paths import SHARED

import stmgpu as stm
from stmgpu.backend import Backend
from stmgpu.errors import InputError
from stmgpu.frames import to_teme
from stmgpu.messages.cdm import read_cdm
from stmgpu.risk import message_risks, radius_rule
from stmgpu.risk.message_assessment import assess_messages
from stmgpu.risk.messages import METHODS
from stmgpu.risk.triage import lines
from stmgpu.risk.variables import EARTH_FIXED, MESSAGES
from stmgpu.store import check_store, open_dataset
from stmgpu.store.encounters import write_messages

DATA = SHARED / "data" / "pc" / "cdm"


def test_numbers_are_those_of_the_messages(backend: Backend) -> None:
    if not DATA.is_dir():
        pytest.skip("the shared data are not beside this checkout (../shared/data/pc)")
    messages = [message for path in sorted(DATA.glob("Omitron*.cdm")) for message in read_cdm(path)]
    assert len(messages) >= 8
    rule = radius_rule("fixed:20")  # one of them states none
    risks = message_risks(messages, radii=rule, backend=backend)
    table, states = assess_messages(messages, lines("cara"), radii=rule, backend=backend)
    assert set(table.variables) - {"conjunction"} == set(MESSAGES)
    believed = [risk.probability for risk in risks]
    np.testing.assert_array_equal(table.pc, believed)
    np.testing.assert_array_equal(table.pc_max, [risk.maximum for risk in risks])
    np.testing.assert_array_equal(table.sigma_major, [risk.sigma_major_m for risk in risks])
    assert [METHODS[code] for code in table.pc_method.values.tolist()] == [risk.method for risk in risks]
    last = [risk.message.source for risk in risks].index(str(DATA / "OmitronTestCase_Test08_3DNc.cdm") + ": line 1")
    assert (risks[last].method, believed[last]) == ("2D-Nc", pytest.approx(1.9271201e-5, rel=1e-3))  # the plane: 2e-20
    for k, message in enumerate(messages):
        one = message.objects[0]
        stated = np.hstack([one.position_km, one.velocity_km_s])
        time = [message.tca.astype("datetime64[ns]").astype(np.int64)]
        here = np.hstack(to_teme("GCRF", time, states["state_1"][k : k + 1, :3], states["state_1"][k : k + 1, 3:]))
        there = np.hstack(to_teme(one.frame, time, stated[np.newaxis, :3], stated[np.newaxis, 3:]))
        np.testing.assert_allclose(here, there, rtol=0, atol=1e-9)
        np.testing.assert_array_equal(states["covariance_1"][k], one.covariance[:6, :6])


def test_a_store_of_messages(tmp_path: Path) -> None:
    """The second message is in ITRF: the same numbers as `stmgpu pc` gives, a flag, and no states in GCRF."""
    messages = read_cdm((kvn() + kvn().replace("= EME2000", "= ITRF")).encode())
    table, states = assess_messages(messages, lines("cara"), backend="reference")
    risks = message_risks(messages, backend="reference")
    np.testing.assert_array_equal(table.pc, [risk.probability for risk in risks])
    assert [bool(flags & EARTH_FIXED) for flags in table.pc_flags.values.tolist()] == [False, True]
    assert [any(flag.startswith("in ITRF: ") for flag in risk.flags) for risk in risks] == [False, True]
    for number in (1, 2):
        assert np.isnan(states[f"state_{number}"]).all(axis=1).tolist() == [False, True]
    store = write_messages(table, states, tmp_path / "events.zarr")
    assert check_store(store) == []
    stored = open_dataset(store, "messages")
    xr.testing.assert_identical(table, stored)
    held = stm.encounters(stored)
    np.testing.assert_array_equal(held.state_2.values, states["state_2"])
    np.testing.assert_array_equal(held.covariance_2.values, states["covariance_2"])


def test_messages_that_cannot_be_used() -> None:
    (message,) = read_cdm(kvn().encode())
    with pytest.raises(InputError, match="no message can be used"):
        assess_messages([], lines("cara"), backend="reference")
    bare = read_cdm(kvn(comment="").encode())
    with pytest.raises(InputError, match="states no hard-body radius"):
        assess_messages(bare, lines("cara"), backend="reference")
    rejected: list[str] = []
    table, _ = assess_messages([message, *bare], lines("cara"), on_rejected=rejected.append, backend="reference")
    assert table.sizes["conjunction"] == len(rejected) == 1
    table, _ = assess_messages(bare, lines("cara"), radii=radius_rule("fixed:20"), backend="reference")
    assert table.hard_body_source.values.tolist() == ["fixed:20"]
