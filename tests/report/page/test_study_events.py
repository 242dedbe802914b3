"""Breakups and removals of a study's page: families, rankings of objects."""

from __future__ import annotations

from typing import Any

import pytest
import xarray as xr
from support import ensembles

from stmgpu.debris import statistics as st
from stmgpu.debris.variables import REMOVAL
from stmgpu.report.page import study_events
from stmgpu.report.page.study_events import candidates, families, has_events, victims

ROCKET_BODY, FRAGMENT = 2, 5


def _breakup(number: int, year: float, causes: tuple[int, int] = (0, 0), run: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "run": run,
        "time": year,
        "first": 10 * number,
        "second": 10 * number + 1,
        "first_class": ROCKET_BODY,
        "second_class": FRAGMENT,
        "first_cause": causes[0],
        "second_cause": causes[1],
        **more,
    }


@pytest.fixture(scope="module")
def tree() -> xr.Dataset:
    """Run 0: 1 leads to 2 and, with 2, to 3; run 1: 1 leads to 2; 4 has no consequence."""
    rows = [
        _breakup(1, 2026.0, altitude=800.0, fragments=50.0),
        _breakup(2, 2028.0, (0, 1)),
        _breakup(3, 2029.0, (2, 1), type=1, fragments=7.0),
        _breakup(4, 2030.0, type=2, second=-1, second_class=-1),
        _breakup(1, 2027.0, run=1),
        _breakup(2, 2029.0, (1, 0), run=1),
    ]
    return ensembles.with_events(ensembles.empty(("base", "other"), runs=4), rows)


def test_families_are_trees_with_their_largest_first(tree: xr.Dataset) -> None:
    found = families(tree)
    assert found["generations"] == [[0.75, 0.5, 0.25], [0.0, 0.0, 0.0]]
    assert found["counted"] == [2, 0]
    first, second = found["families"][0]
    assert (first["run"], first["size"], second["run"], second["size"]) == (0, 3, 1, 2)
    assert [one["year"] for one in first["events"]] == [2026.0, 2028.0, 2029.0]
    assert [one["parents"] for one in first["events"]] == [[], [0], [0, 1]]
    assert [one["generation"] for one in first["events"]] == [1, 2, 3]
    assert first["events"][0] == {
        "year": 2026.0,
        "type": "catastrophic collision",
        "altitude": 800.0,
        "fragments": 50.0,
        "generation": 1,
        "descendants": 2,
        "parents": [],
        "objects": [
            {"object": "row 10", "class": "rocket body", "mass": 100.0},
            {"object": "row 11", "class": "collision fragment", "mass": 10.0},
        ],
    }
    assert first["events"][1]["objects"][1]["object"] == "a fragment"
    assert found["families"][1] == []


def test_only_the_largest_families_and_first_events_are_shown(
    tree: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_events, "MOST_FAMILIES", 1)
    monkeypatch.setattr(study_events, "MOST_EVENTS", 2)
    found = families(tree)
    assert found["counted"][0] == 2
    (family,) = found["families"][0]
    assert family["size"] == 3
    assert [one["parents"] for one in family["events"]] == [[], [0]]


def test_candidates_are_ranked_by_runs_and_by_turn() -> None:
    def removal(run: int, year: float, uid: int, **more: Any) -> dict[str, Any]:
        return {"scenario": 1, "run": run, "time": year, "first": uid, "type": REMOVAL, "first_class": 2, **more}

    rows = [
        removal(0, 2030.0, 7, first_norad=22220, first_mass=9000.0, altitude=840.0),
        removal(0, 2030.0, 5),
        removal(0, 2031.0, 6),
        removal(1, 2030.0, 5),
        removal(1, 2030.0, 7),
        removal(2, 2030.0, 5),
        removal(2, 2030.0, 1 << 40),
    ]
    base, ranked = candidates(ensembles.with_events(ensembles.empty(("base", "other"), runs=3), rows))
    assert base == []
    assert [one["object"] for one in ranked] == ["row 5", "NORAD 22220", "a launched object", "row 6"]
    assert [(one["chosen"], one["runs"]) for one in ranked] == [(3, 3), (2, 3), (1, 3), (1, 3)]
    assert ranked[0]["turn"] == pytest.approx(4.0 / 3.0, rel=1e-6)
    assert ranked[1] == {
        "object": "NORAD 22220",
        "class": "rocket body",
        "mass": 9000.0,
        "altitude": 840.0,
        "chosen": 2,
        "runs": 3,
        "turn": 1.5,
        "year": 2030.0,
    }


def test_victims_are_pruned_from_the_stored_runs(tree: xr.Dataset) -> None:
    found = victims(tree)
    assert {one["object"] for one in found} == {"row 10", "row 20", "row 30"}  # intact, in a collision
    first = found[0]
    left = st.collisions_without(tree, [10]).isel(scenario=0)
    assert first["object"] == "row 10"
    assert (first["hit"], first["runs"]) == (2, 4)
    assert first["avoided"] == float(left["avoided"].mean()) == 1.0  # 1 and 2 of run 0, 1 and 2 of run 1; 3 is a crater
    assert first["fragments"] == float(left["fragments_avoided"].mean())


def test_studies_without_events_are_told(tree: xr.Dataset) -> None:
    assert has_events(tree)
    assert not has_events(ensembles.empty())
    assert not has_events(tree.drop_vars("event_id"))
    assert victims(tree.isel(event=[3])) == []
