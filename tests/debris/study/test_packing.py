"""Runs as flat arrays: packing and unpacking restores every part."""

from __future__ import annotations

import numpy as np

from stmgpu.debris.evolution.loop import RunResult
from stmgpu.debris.population import columns
from stmgpu.debris.population.synthetic import synthetic_population
from stmgpu.debris.study.packing import pack, unpack
from stmgpu.debris.variables import EVENTS


def test_unpacking_restores_the_runs() -> None:
    runs = {
        number: RunResult(
            series={"population": np.arange(6.0).reshape(3, 2) + number},
            events={name: np.array([7, 9][:number], dtype) for name, (dtype, *_) in EVENTS.items()},
            balances={"mass_balance": 1e-16 * number},
            truncated_year=np.nan if number else 2030.5,
            notes=("one note", "another note")[:number],
            final=synthetic_population(5, 1) if number else None,
            constellations=("own", "other")[:number],
        )
        for number in (0, 2)
    }
    arrays = pack(runs.items())
    assert all(isinstance(array, np.ndarray) for array in arrays.values())
    assert "2/series/population" in arrays
    restored = unpack(arrays)
    assert list(restored) == [0, 2]
    for number, run in runs.items():
        other = restored[number]
        np.testing.assert_array_equal(other.series["population"], run.series["population"])
        np.testing.assert_array_equal(other.events["id"], run.events["id"])
        assert other.events["id"].dtype == np.int64
        assert other.balances == run.balances
        assert np.array_equal(other.truncated_year, run.truncated_year, equal_nan=True)
        assert (other.notes, other.constellations) == (run.notes, run.constellations)
        assert (other.final is None) == (run.final is None)
        for name in columns() if run.final is not None and other.final is not None else ():
            np.testing.assert_array_equal(getattr(other.final, name), getattr(run.final, name), err_msg=name)
