"""Fixtures of the tests in a real Slurm."""

from __future__ import annotations

import pytest
from slurm.jobs import contents, markers
from slurm.world import World, stmgpu


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("slurm")
    stmgpu(folder, "catalog", "synthesize", "catalog.tle", "--objects", "2000", "--seed", "5")
    arguments = [
        "catalog.tle",
        "--start",
        "2025-01-01T12:00:00",
        "--hours",
        "24",
        "--threshold-km",
        "5",
        "--tile-hours",
        "1",
        "--step-s",
        "15",
        "--backend",
        "cpu",
    ]
    stmgpu(folder, "screen", *arguments, "--out", "serial.zarr")
    found = World(folder, arguments, contents(folder / "serial.zarr"), len(markers(folder / "serial.zarr")))
    assert found.tiles > 8
    return found
