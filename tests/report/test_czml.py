"""CZML of the closest conjunctions: where objects and events are, and what it refuses."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.page_stores import write_conjunctions, write_screening

import stmgpu as stm
from stmgpu.errors import InputError
from stmgpu.frames import from_teme
from stmgpu.report.czml import write_czml

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_screening(tmp_path_factory.mktemp("czml"))


def _packets(store: Path, **keywords: Any) -> dict[str, dict[str, Any]]:
    file = io.BytesIO()
    write_czml(store, file, **keywords)
    return {packet["id"]: packet for packet in json.loads(file.getvalue())}


def _at(packet: dict[str, Any], when: np.datetime64) -> np.ndarray:
    """Position as Cesium computes it: a polynomial of degree 5 through the six nearest positions [m]."""
    table = np.reshape(packet["position"]["cartesian"], (-1, 4))
    t = (when - np.datetime64(packet["position"]["epoch"].rstrip("Z"), "ns")) / np.timedelta64(1, "s")
    k = np.clip(np.searchsorted(table[:, 0], t) - 3, 0, len(table) - 6)
    x, y = table[k : k + 6, 0], table[k : k + 6, 1:]
    weights = [np.prod([(t - x[j]) / (x[i] - x[j]) for j in range(6) if j != i]) for i in range(6)]
    return np.asarray(weights) @ y


def test_both_objects_of_an_event_meet_where_it_is(store: Path) -> None:
    packets = _packets(store, events=5)
    near = stm.closest(stm.open_dataset(store), 5)
    assert {id for id in packets if id.startswith("event-")} == {f"event-{k}" for k in near["conjunction"].to_numpy()}
    assert packets["document"]["version"] == "1.0"
    for k in range(5):
        one = near.isel(conjunction=k)
        first, second = (
            _at(packets[f"object-{int(one[who])}"], one["tca"].to_numpy()) for who in ("primary", "secondary")
        )
        assert np.linalg.norm(first - second) == pytest.approx(1e3 * float(one["miss_distance"]), abs=5.0)
        event = packets[f"event-{int(one['conjunction'])}"]["position"]
        assert event["referenceFrame"] == "INERTIAL"
        np.testing.assert_allclose(event["cartesian"], 0.5 * (first + second), atol=5.0)


def test_positions_are_those_of_the_screened_elements(store: Path) -> None:
    packets = _packets(store, events=1)
    number, packet = next((int(k[7:]), p) for k, p in packets.items() if k.startswith("object-"))
    catalog = stm.synthetic_catalog(1500, seed=3)
    one = catalog[np.flatnonzero(catalog.norad_id == number)]
    table = np.reshape(packet["position"]["cartesian"], (-1, 4))
    start = np.datetime64(packet["position"]["epoch"].rstrip("Z"), "ns")
    when = start + np.round(table[10, 0] * 1e9).astype("timedelta64[ns]")
    state = stm.propagate(one, when, hours=0.001, step_s=1.0)
    r, v = (state[name].to_numpy()[0, :1] for name in ("position", "velocity"))
    expected = from_teme("GCRF", when.astype("datetime64[ns]").view(np.int64).reshape(1), r, v)[0][0]
    np.testing.assert_allclose(table[10, 1:], 1e3 * expected, atol=10.0)  # times are written to a millisecond


def test_the_same_store_gives_the_same_file(store: Path, tmp_path: Path) -> None:
    files = [tmp_path / f"{k}.czml" for k in range(2)]
    for file in files:
        assert write_czml(store, file, events=3)[0] == 3
    assert files[0].read_bytes() == files[1].read_bytes()


def test_what_cannot_be_viewed(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "x.czml"
    with pytest.raises(InputError, match="does not hold the orbits of its objects; view a store of `stmgpu screen`"):
        write_czml(write_conjunctions(tmp_path, 30), target)
    with pytest.raises(InputError, match=r"has no conjunctions of pairs faster than 0\.1 km/s to view"):
        write_czml(write_conjunctions(tmp_path, 0), target)
    monkeypatch.setitem(sys.modules, "czml3", None)
    with pytest.raises(InputError, match=r"needs the package czml3 .*; install it: pip install 'stmgpu\[czml\]'"):
        write_czml(store, target)
    assert not target.exists()


def test_names_are_escaped_in_descriptions(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stmgpu.report.czml._name", lambda table, number: f"<script>{number}</script>")
    events = [packet for id, packet in _packets(store, events=2).items() if id.startswith("event-")]
    assert events
    assert all("<script>" not in event["description"] for event in events)
    assert all("&lt;script&gt;" in event["description"] for event in events)
