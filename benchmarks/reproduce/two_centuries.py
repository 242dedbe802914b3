"""Scenario files of the two centuries in low orbit: no launches (LEGEND), disposal (IADC), removal (NASA)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inputs import SPACE_WEATHER

COLLISION = {"year": 2009.1121, "ids": [24946, 22675], "type": "collision", "speed_km_s": 11.7, "scale": 1.265}
"""Iridium 33 and Cosmos 2251, 10 February 2009: 1,586 fragments catalogued by October 2009, 1,254 by the model."""


def base(data: Path, year: int) -> dict[str, Any]:
    """Settings common to all scenarios: no explosions, no avoidance, and as in the published models one density for all
    runs, without CO2.

    Two that are controlled do not meet: satellites of one constellation keep apart by their phases, which Cube draws.
    """
    return {
        "population": {"source": "mocat", "path": str((data / "mocat_mc" / f"{year}.mat").resolve())},
        "environment": {
            "density": "nrlmsis",
            "co2_scenario": "none",
            "density_sigma": 0.0,
            "solar": {
                "model": "bootstrap",
                "space_weather": str((data / SPACE_WEATHER).resolve()),
            },
        },
        "collisions": {"avoidance": 1.0, "avoidance_both": 0.0, "estimator": "sampled"},
        "breakups": {"min_length_m": 0.1},
    }


def legend(data: Path) -> dict[str, Any]:
    """R8: no launches and no disposal, under each of the Suns that the result is judged over."""
    nobody = {"payload": 0.0, "rocket_body": 0.0, "constellation": 0.0}
    study = expected(base(data, 2005))
    weather = study["environment"]["solar"]["space_weather"]
    suns = [
        {"name": "cycles at random", "environment": {"solar": {"model": "bootstrap", "space_weather": weather}}},
        {"name": "cycles in order", "environment": {"solar": {"model": "repeat", "space_weather": weather}}},
        {"name": "sinusoid", "environment": {"solar": {"model": "sinusoid"}}},
    ]
    del study["environment"]["solar"]
    return {**study, "launches": {"model": "none"}, "disposal": nobody, "scenario": suns}


def mitigated(data: Path) -> dict[str, Any]:
    """R9, which is also the initial phase of R10."""
    return {
        **base(data, 2009),
        "name": "disposal",
        "events": [COLLISION],
        "launches": {"model": "repeat", "window": [2001.0, 2009.0]},
        "disposal": {
            "mode": "lower",
            "rule_years": 25.0,
            "constellation_rule_years": 25.0,
            "payload": 0.9,
            "rocket_body": 0.9,
            "constellation": 0.9,
            "mission_years": 8.0,
        },
    }


def expected(document: dict[str, Any]) -> dict[str, Any]:
    """The same study with less scatter, for targets that are means."""
    return {**document, "collisions": {**document["collisions"], "estimator": "expected"}}


def removing(data: Path) -> dict[str, Any]:
    """R10: removal of 0, 2 and 5 objects per year from 2020, by P m."""
    changes: list[dict[str, Any]] = [{"name": "no removal"}]
    changes += [
        {"name": f"{k} a year", "removal": [{"rank": "risk", "per_year": k, "from_year": 2020.0}]} for k in (2, 5)
    ]
    return {**expected(mitigated(data)), "scenario": changes}
