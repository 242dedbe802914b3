"""Launch by launch: which kernel, array and element differ first, when the results of a whole computation do.

Each launch of the scalar cpu build is repeated on the checked backend with copies of its arrays
(``tests/virtual_device/shadow.py``): in the small cases of the tests, which launch every kernel, and in computations of
the size that is checked.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from support.workflows import WORKFLOWS
from virtual_device.shadow import ShadowedBackend

from gpu_phases.equality import TIME_STEP_S, screened, shipped_population
from gpu_phases.phase import Phase
from stmgpu.backend import Backend
from stmgpu.debris.collisions.mean_field import mean_field
from stmgpu.debris.collisions.mean_field_kernels import Solver
from stmgpu.debris.evolution.loop import Evolution
from stmgpu.propagate.sgp4 import SGP4Propagator
from stmgpu.screen.screening import default_start


def compare(phase: Phase) -> None:
    """Compare the launches; name array, element and both values of the first difference of every kernel."""
    backend = ShadowedBackend(phase.candidate)
    for run in (*(lambda w=w: w(backend) for w in WORKFLOWS.values()), *small_runs(phase, backend, runs=2).values()):
        if phase.left() < 0.3 * phase.options.seconds:
            phase.problem("not all launches were compared, for want of time")
            break
        run()
        phase.result["kernels"] = {
            kernel: {
                "launches": c.launches,
                "numbers": c.numbers,
                "nan": c.nan,
                "differing": c.differing,
                "first": c.first,
            }
            for kernel, c in sorted(backend.compared.items())
        }
        phase.save()
    for kernel, text in sorted(backend.differences.items()):
        phase.problem(f"{kernel}: {text}")
    if not backend.differences:
        phase.result["note"] = "no launch differs: what differs comes from array expressions, CuPy's own kernels"
        print(phase.result["note"])
    numbers = sum(c.numbers for c in backend.compared.values())
    phase.say(f"launch by launch: {len(backend.compared)} kernels, {numbers} numbers compared")


def small_runs(phase: Phase, backend: Backend, runs: int) -> dict[str, Callable[[], object]]:
    """States of the whole window, at most an hour of screening, a season of debris, and mean-field rates."""
    hours, years = min(phase.options.hours, 1.0), min(phase.options.years, 0.25)
    scenario, population = shipped_population(phase.options.population)
    solver = Solver(backend)

    def states() -> object:
        start = default_start(phase.catalog)
        times = np.arange(0.0, phase.options.hours * 3600.0, TIME_STEP_S)
        propagator = SGP4Propagator(phase.catalog, backend, (start.jd, start.fr), (0.0, phase.options.hours * 3600.0))
        return propagator.grid(times)

    def debris() -> object:
        return Evolution(
            scenario, population, years=years, seed=1, run_numbers=list(range(runs)), backend=backend
        ).run()

    def field() -> object:
        p = population
        return mean_field(p.a_km, p.ecc, p.inc_rad, p.radius_m, p.mass_kg, backend=solver)

    return {
        "states": states,
        "screening": lambda: screened(phase.catalog, hours, 5.0, backend),
        "debris": debris,
        "field": field,
    }
