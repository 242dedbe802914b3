"""Bytes and seconds of whole computations: states, screenings, a debris ensemble, mean fields."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import xarray as xr
from one_move import month

from gpu_phases.phase import Phase, baseline, differing, differing_names, rate, shown
from stmgpu.backend import Backend
from stmgpu.catalog import Catalog, synthetic_catalog
from stmgpu.constants import SECONDS_PER_DAY
from stmgpu.debris.collisions.cube import Cube
from stmgpu.debris.collisions.mean_field import MeanField, mean_field
from stmgpu.debris.collisions.mean_field_kernels import Solver
from stmgpu.debris.evolution.loop import Evolution, RunResult, steps_per_move
from stmgpu.debris.evolution.members import Coefficients, Members
from stmgpu.debris.population import Population
from stmgpu.debris.scenario import Scenario
from stmgpu.debris.study.preparation import initial_population
from stmgpu.debris.study.scenario_file import read_study, shipped_scenarios
from stmgpu.propagate.secular import Secular
from stmgpu.propagate.sgp4 import SGP4Propagator
from stmgpu.screen.conjunctions import build_dataset
from stmgpu.screen.engine import run as run_engine
from stmgpu.screen.plan import make_plan
from stmgpu.screen.screening import default_start, screening_objects, screening_settings

TIME_STEP_S = 600.0


def states(phase: Phase) -> None:
    """SGP4 states of the whole catalogue every ten minutes."""
    hours = phase.options.hours
    (found, codes), seconds = _states(phase, phase.candidate, hours)
    count = found.shape[0] * found.shape[2]
    phase.result |= {"count": count, "timed": seconds | {"states_per_s": rate(count, seconds["best_s"])}}
    phase.save()
    with baseline(phase.options.backend) as cpu:
        (expected, expected_codes), seconds = _states(phase, cpu, hours, repeats=1)
    _compare_states(phase, (found, codes), (expected, expected_codes))
    phase.result["baseline"] = seconds | {"states_per_s": rate(count, seconds["best_s"])}
    phase.say(
        f"states: {shown(phase.result['timed']['states_per_s'])} a second (baseline "
        f"{shown(phase.result['baseline']['states_per_s'])}), {phase.result['differing']} of {found.size} differ"
    )


def screening(phase: Phase) -> None:
    """All against all at 50 km for an hour, and at 5 km for the whole window."""
    for threshold_km, hours in ((50.0, min(phase.options.hours, 1.0)), (5.0, phase.options.hours)):
        _screening_case(phase, phase.catalog, hours, threshold_km)


def week(phase: Phase) -> None:
    """All against all at 5 km for seven times the window."""
    _screening_case(phase, phase.catalog, 7.0 * phase.options.hours, 5.0)


def million(phase: Phase) -> None:
    """A million objects at 2 km: bytes of ten minutes, then as long a window as there is time for."""
    catalog, hours = synthetic_catalog(phase.options.many), phase.options.hours
    phase.result["objects"] = len(catalog)
    _screening_case(phase, catalog, min(hours, 1.0 / 6.0), 2.0, repeats=1)
    took = phase.result["cases"][-1]["timed"]["best_s"]
    if took is None:
        return
    for window in (min(hours, 1.0), hours):  # without a baseline: a CPU would take minutes
        factor = window / phase.result["cases"][-1]["hours"]
        if factor <= 1.0 or took * factor > 0.7 * phase.left():
            phase.result["not_run"] = None if factor <= 1.0 else f"{window:g} h, for want of time"
            continue
        _screening_case(phase, catalog, window, 2.0, repeats=0, compare=False)
        took = phase.result["cases"][-1]["timed"]["best_s"]


def debris(phase: Phase) -> None:
    """Runs of the shipped scenario side by side, and the two kernels that work on all objects alone."""
    scenario, population = shipped_population(phase.options.population)
    runs, years = phase.options.runs, phase.options.years

    def evolve(backend: Backend) -> Callable[[], list[RunResult]]:
        return Evolution(scenario, population, years=years, seed=1, run_numbers=list(range(runs)), backend=backend).run

    found, timed = phase.timed(evolve(phase.candidate), len, repeats=0)
    steps = round(years * 365.25 * steps_per_move(scenario) / scenario.propagation.step_days)
    objects = sum(float(r.series["population"].sum(axis=1).mean()) for r in found)
    phase.result |= {
        "runs": runs, "years": years, "objects": len(population), "object_steps": objects * steps, "timed": timed,
    }  # fmt: skip
    phase.save()
    with baseline(phase.options.backend) as cpu:
        expected, phase.result["baseline"] = phase.timed(evolve(cpu), len, repeats=0)
    names = {
        name
        for a, b in zip(found, expected, strict=True)
        for kind in ("series", "events")
        for name in differing_names(getattr(a, kind), getattr(b, kind))
    }
    _note_names(phase, "debris", sorted(names))
    phase.save()
    phase.repeat(timed, evolve(phase.candidate), len, repeats=1)
    for backend, part in ((phase.candidate, timed), (cpu, phase.result["baseline"])):
        part["object_steps_per_s"] = rate(objects * steps, part["best_s"])
        part |= _object_kernels(phase, backend, scenario, population, runs)
        phase.save()
    for key in ("object_steps_per_s", "moving_per_s", "meeting_per_s"):
        phase.say(f"debris: {key} {shown(timed[key])} (baseline {shown(phase.result['baseline'][key])})")


def field(phase: Phase) -> None:
    """Mean-field rates of the shipped population."""
    population = shipped_population(phase.options.population)[1]

    def rates(backend: Backend) -> Callable[[], MeanField]:
        p, solver = population, Solver(backend)
        return lambda: mean_field(p.a_km, p.ecc, p.inc_rad, p.radius_m, p.mass_kg, backend=solver)

    found, seconds = phase.timed(rates(phase.candidate), lambda rates: rates.total)
    phase.result["timed"] = seconds | {"objects_per_s": rate(len(population), seconds["best_s"])}
    with baseline(phase.options.backend) as cpu:
        expected, seconds = phase.timed(rates(cpu), lambda rates: rates.total, repeats=1)
    phase.result["baseline"] = seconds | {"objects_per_s": rate(len(population), seconds["best_s"])}
    arrays = [{f.name: getattr(rates, f.name) for f in fields(MeanField)} for rates in (found, expected)]
    _note_names(phase, "mean field", differing_names(*arrays))
    phase.say(f"mean field: {shown(phase.result['timed']['objects_per_s'])} objects a second")


def second_gpu(phase: Phase) -> None:
    """The same on GPU 1, while GPU 0 stays the current one outside the backend."""
    from stmgpu.backend.cuda import CudaBackend, devices

    phase.result["devices"] = devices()
    if len(devices()) < 2:
        phase.result["ran"] = False
        phase.say("second GPU: there is none")
        return
    phase.result["ran"] = True
    first, second = phase.candidate, CudaBackend(1)
    hours = min(phase.options.hours, 1.0)
    _compare_states(phase, *(_states(phase, backend, hours, repeats=0)[0] for backend in (second, first)))
    found, expected = (screened(phase.catalog, hours, 5.0, backend) for backend in (second, first))
    _note_names(phase, "screening on GPU 1", differing_names(found.variables, expected.variables))
    phase.say(f"second GPU: {second.device}, {found.sizes['conjunction']} events")


def shipped_population(objects: int | None) -> tuple[Scenario, Population]:
    """The shipped scenario with removal from its first year, and its population or the first objects of it."""
    scenario = read_study(shipped_scenarios()["removal"]).scenarios[1]
    if objects is not None:
        scenario = scenario.model_copy(
            update={"population": scenario.population.model_copy(update={"objects": objects})}
        )
    return scenario, initial_population(scenario)


def screened(catalog: Catalog, hours: float, threshold_km: float, backend: Backend) -> xr.Dataset:
    """Conjunctions as ``stmgpu.screen`` returns them, from a backend that the caller made."""
    objects = screening_objects(catalog)
    settings = screening_settings(objects, hours=hours, threshold_km=threshold_km)
    objects = objects.for_window(settings.window, None)
    plan, objects = make_plan(settings, len(objects)), objects.with_primaries(None)
    result = run_engine(objects, plan, backend)
    conjunctions = build_dataset(result.part, result.followed, objects, plan)
    conjunctions.attrs["seconds"] = json.dumps(result.part.seconds)
    return conjunctions


def _states(
    phase: Phase, backend: Backend, hours: float, repeats: int = 3
) -> tuple[tuple[np.ndarray, np.ndarray], dict[str, float | None]]:
    start = default_start(phase.catalog)
    times = np.arange(0.0, hours * 3600.0, TIME_STEP_S)
    propagator = SGP4Propagator(phase.catalog, backend, (start.jd, start.fr), (0.0, hours * 3600.0))
    (values, codes), seconds = phase.timed(lambda: propagator.grid(times), lambda out: backend.get(out[1][-1]), repeats)
    n = propagator.n
    return (backend.get(values)[:, :, :n], backend.get(codes)[:, :n]), seconds


def _compare_states(
    phase: Phase, found: tuple[np.ndarray, np.ndarray], expected: tuple[np.ndarray, np.ndarray]
) -> None:
    different = int(differing(found[0], expected[0]).sum())
    codes = int((found[1] != expected[1]).sum())
    largest = float(np.nanmax(np.abs(found[0] - expected[0]), initial=0.0))
    phase.result |= {
        "numbers": found[0].size,
        "differing": different,
        "differing_codes": codes,
        "largest_difference": largest,
    }
    if different or codes:
        phase.problem(
            f"states: {different} of {found[0].size} numbers and {codes} codes differ, by at most {largest:g} km(/s)"
        )


def _screening_case(
    phase: Phase, catalog: Catalog, hours: float, threshold_km: float, repeats: int = 3, *, compare: bool = True
) -> None:
    name = f"{len(catalog)} objects, {hours:g} h, {threshold_km:g} km"

    def run() -> xr.Dataset:
        return screened(catalog, hours, threshold_km, phase.candidate)

    found, seconds = phase.timed(run, len, repeats=0)
    case: dict[str, Any] = {
        "objects": len(catalog),
        "hours": hours,
        "threshold_km": threshold_km,
        "events": found.sizes["conjunction"],
        "candidates": found.attrs["candidates"],
        "timed": seconds,
    }
    phase.result.setdefault("cases", []).append(case)
    phase.save()
    if compare:
        with baseline(phase.options.backend) as cpu:
            expected, case["baseline"] = phase.timed(lambda: screened(catalog, hours, threshold_km, cpu), len, 0)
        case["events_baseline"] = expected.sizes["conjunction"]
        case["differing_variables"] = differing_names(found.variables, expected.variables)
        if found.attrs["certificate"] != expected.attrs["certificate"]:
            case["differing_variables"].append("certificate")
        if case["differing_variables"]:
            phase.problem(
                f"screening of {name}: {', '.join(case['differing_variables'])} differ ({case['events']} events, "
                f"the CPU has {case['events_baseline']})"
            )
        phase.save()
    last = [found]
    phase.repeat(seconds, run, last.append, repeats)
    case["stages"] = json.loads(last[-1].attrs["seconds"]) if phase.measured else None
    phase.say(
        f"screening of {name}: {case['events']} events, {shown(seconds['best_s'])} s"
        + (f" (baseline {shown(case['baseline']['best_s'])} s)" if compare else "")
    )


def _note_names(phase: Phase, what: str, names: list[str]) -> None:
    phase.result["differing_variables"] = names
    if names:
        phase.problem(f"{what}: {', '.join(names)} differ")


def _object_kernels(
    phase: Phase, backend: Backend, scenario: Scenario, population: Population, runs: int
) -> dict[str, float | None]:
    """Objects a second that move, and that meet in a step of a move, with all runs in the backend's memory."""
    air, sun = month(scenario, population.epoch_year, backend, runs)
    steps, dt_s = steps_per_move(scenario), scenario.propagation.step_days * SECONDS_PER_DAY
    members = Members(backend, len(population) * runs, Coefficients(2.2, 1.2))
    for number in range(runs):
        members.add(number, np.arange(len(population), dtype=np.int64), population)
    mover = Secular(backend, 150.0)
    cube = Cube(
        backend,
        seed=1,
        run_numbers=np.arange(runs),
        cube_km=scenario.collisions.cube_km,
        resamples=1,
        lattice=scenario.collisions.lattice,
    )
    _, moving = phase.timed(
        lambda: mover.step(members.state, dt_s, density=air, sun=sun),
        lambda _: backend.get(members.state.gone[:1]),
    )
    _, meeting = phase.timed(
        lambda: cube.encounters(members.state, 1, steps=steps, interval_s=dt_s / steps), lambda met: len(met.first)
    )
    objects = len(population) * runs
    return {"moving_per_s": rate(objects, moving["best_s"]), "meeting_per_s": rate(objects * steps, meeting["best_s"])}
