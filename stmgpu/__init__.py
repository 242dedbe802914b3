"""stmgpu: all-against-all conjunctions of satellite catalogues, their collision risk, and debris evolution.

The public names below are loaded when they are first used; importing the package alone imports neither CuPy, Dask nor
Zarr.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stmgpu import plot
    from stmgpu.backend import get_backend
    from stmgpu.catalog import Catalog, read_catalog, read_satcat, synthetic_catalog, write_catalog
    from stmgpu.catalog.ccsds.oem import read_oem
    from stmgpu.catalog.trajectories.files import read_trajectories
    from stmgpu.catalog.trajectories.trajectories import Trajectories
    from stmgpu.debris.policy.policies import MassRemoval, RandomRemoval, RiskRemoval
    from stmgpu.debris.policy.ranking import RankedRemoval
    from stmgpu.debris.population.population import Population
    from stmgpu.debris.population.sources import load_population
    from stmgpu.debris.scenario import Scenario, Study
    from stmgpu.debris.study.evolve import evolve
    from stmgpu.debris.study.scenario_file import read_study
    from stmgpu.distribute import (
        Dask,
        Serial,
        SlurmArray,
        Tiling,
        assess_store,
        evolve_to_store,
        merge_store,
        propagate_to_store,
        screen_to_store,
        slurm_cluster,
    )
    from stmgpu.errors import StaleElementsWarning, StmgpuError
    from stmgpu.messages.cdm import read_cdm, write_cdm
    from stmgpu.messages.socrates import read_socrates, write_socrates
    from stmgpu.propagate.ephemeris import propagate
    from stmgpu.propagate.sgp4 import SGP4Propagator
    from stmgpu.risk.assessment import assess
    from stmgpu.screen import brute, closest, failures, involving, screen, write_csv
    from stmgpu.store import (
        check_store,
        encounters,
        messages_of,
        open_dataset,
        provenance,
        read_ephemeris,
        write_dataset,
    )
    from stmgpu.time import Epoch, parse_utc
    from stmgpu.versions import show_versions

logging.getLogger(__name__).addHandler(logging.NullHandler())

_HOME = {
    "Catalog": "stmgpu.catalog",
    "read_catalog": "stmgpu.catalog",
    "read_satcat": "stmgpu.catalog",
    "synthetic_catalog": "stmgpu.catalog",
    "write_catalog": "stmgpu.catalog",
    "SGP4Propagator": "stmgpu.propagate.sgp4",
    "Dask": "stmgpu.distribute",
    "Serial": "stmgpu.distribute",
    "SlurmArray": "stmgpu.distribute",
    "Tiling": "stmgpu.distribute",
    "merge_store": "stmgpu.distribute",
    "propagate_to_store": "stmgpu.distribute",
    "evolve_to_store": "stmgpu.distribute",
    "evolve": "stmgpu.debris.study.evolve",
    "MassRemoval": "stmgpu.debris.policy.policies",
    "RandomRemoval": "stmgpu.debris.policy.policies",
    "RankedRemoval": "stmgpu.debris.policy.policies",
    "RiskRemoval": "stmgpu.debris.policy.policies",
    "load_population": "stmgpu.debris.population.sources",
    "Population": "stmgpu.debris.population.population",
    "Scenario": "stmgpu.debris.scenario",
    "Study": "stmgpu.debris.scenario",
    "read_study": "stmgpu.debris.study.scenario_file",
    "screen_to_store": "stmgpu.distribute",
    "slurm_cluster": "stmgpu.distribute",
    "Trajectories": "stmgpu.catalog.trajectories.trajectories",
    "read_cdm": "stmgpu.messages.cdm",
    "read_socrates": "stmgpu.messages.socrates",
    "write_socrates": "stmgpu.messages.socrates",
    "read_oem": "stmgpu.catalog.ccsds.oem",
    "read_trajectories": "stmgpu.catalog.trajectories.files",
    "read_ephemeris": "stmgpu.store",
    "assess": "stmgpu.risk.assessment",
    "assess_store": "stmgpu.distribute",
    "encounters": "stmgpu.store",
    "messages_of": "stmgpu.store",
    "check_store": "stmgpu.store",
    "provenance": "stmgpu.store",
    "brute": "stmgpu.screen",
    "closest": "stmgpu.screen",
    "failures": "stmgpu.screen",
    "involving": "stmgpu.screen",
    "write_cdm": "stmgpu.messages.cdm",
    "write_csv": "stmgpu.screen",
    "open_dataset": "stmgpu.store",
    "write_dataset": "stmgpu.store",
    "get_backend": "stmgpu.backend",
    "Epoch": "stmgpu.time",
    "parse_utc": "stmgpu.time",
    "StaleElementsWarning": "stmgpu.errors",
    "StmgpuError": "stmgpu.errors",
    "show_versions": "stmgpu.versions",
}

__all__ = [
    "Catalog",
    "Dask",
    "Epoch",
    "MassRemoval",
    "Population",
    "RandomRemoval",
    "RankedRemoval",
    "RiskRemoval",
    "SGP4Propagator",
    "Scenario",
    "Serial",
    "SlurmArray",
    "StaleElementsWarning",
    "StmgpuError",
    "Study",
    "Tiling",
    "Trajectories",
    "assess",
    "assess_store",
    "brute",
    "check_store",
    "closest",
    "encounters",
    "evolve",
    "evolve_to_store",
    "failures",
    "get_backend",
    "involving",
    "load_population",
    "merge_store",
    "messages_of",
    "open_dataset",
    "parse_utc",
    "plot",
    "propagate",
    "propagate_to_store",
    "provenance",
    "read_catalog",
    "read_cdm",
    "read_ephemeris",
    "read_oem",
    "read_satcat",
    "read_socrates",
    "read_study",
    "read_trajectories",
    "screen",
    "screen_to_store",
    "show_versions",
    "slurm_cluster",
    "synthetic_catalog",
    "write_catalog",
    "write_cdm",
    "write_csv",
    "write_dataset",
    "write_socrates",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("stmgpu")
    if name in ("plot", "propagate", "screen"):  # modules; the last two can be called
        return import_module(f"stmgpu.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'stmgpu' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
