"""Instants are exact, whatever midnight they are counted from, and so are the states there."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stmgpu.backend import Backend
from stmgpu.catalog.synthetic import synthetic_catalog
from stmgpu.propagate.instants import REACH_DAYS, TICK_S, in_ticks, seconds_of_day, seconds_of_ns
from stmgpu.propagate.sgp4 import SGP4Propagator

DAY_S, DAY_NS = 86_400.0, 86_400 * 10**9


@given(st.integers(-int(40e9 * 86_400), int(40e9 * 86_400)), st.integers(-40, 40))
def test_nanoseconds_round_alike_from_every_midnight(ns: int, days: int) -> None:
    t, shifted = (float(seconds_of_ns(np.array(n))) for n in (ns, ns + days * DAY_NS))
    assert shifted - t == days * DAY_S
    assert abs(t - ns * 1e-9) < TICK_S
    assert t % TICK_S == 0.0


def test_ticks_are_exact_within_reach() -> None:
    edge = REACH_DAYS * DAY_S
    assert edge - TICK_S != edge
    assert float(in_ticks(np, edge - TICK_S)) == edge - TICK_S
    assert seconds_of_day(1.0 / 3.0) == 28_800.0


def test_states_have_the_same_bits_from_every_midnight(backend: Backend) -> None:
    """Three hundred objects, epochs years before the window included; the resonant ones, too."""
    catalog = synthetic_catalog(300, seed=2)
    t = in_ticks(np, np.random.default_rng(1).uniform(0.0, 2 * DAY_S, 9))
    seen = set()
    for days in (0, 1, 17, 300):
        start = (catalog.median_epoch().jd + 1.0 - days, 0.0)
        propagator = SGP4Propagator(catalog, backend, start, (days * DAY_S, (days + 2) * DAY_S))
        if days < REACH_DAYS:
            states, codes = propagator.grid(t + days * DAY_S)
            seen.add((backend.get(states).tobytes(), backend.get(codes).tobytes()))
        whole = propagator.grid(days * DAY_S + np.array([0.0, 0.25, 1.0, 1.75]) * DAY_S)[0]
        seen.add(backend.get(whole).tobytes())
    assert len(seen) == 2
