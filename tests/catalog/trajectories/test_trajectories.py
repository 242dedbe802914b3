"""Trajectories: columns, checks, round trips, accuracy estimates. Truth: the values that were put in; SGP4."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import stmgpu as stm
from stmgpu.catalog.trajectories import SYNTHETIC_ID, Segment, Trajectories, Trajectory
from stmgpu.catalog.trajectories.interpolation import hermite_weights, lagrange_weights
from stmgpu.errors import InputError

T0 = int(np.datetime64("2025-01-01", "ns").view(np.int64))
S = 1_000_000_000


def circle(
    count: int = 40, step_s: float = 60.0, begin_s: float = 0.0, radius_km: float = 7000.0, **options: Any
) -> Segment:
    """A circular orbit: positions and velocities are exact."""
    t = begin_s + np.arange(count) * step_s
    rate = np.sqrt(398600.8 / radius_km**3)
    one, other = np.cos(rate * t), np.sin(rate * t)
    return Segment(
        T0 + np.round(t * S).astype(np.int64),
        radius_km * np.stack([one, other, 0.0 * t], axis=1),
        radius_km * rate * np.stack([-other, one, 0.0 * t], axis=1),
        **options,
    )


def several() -> Trajectories:
    return Trajectories.of(
        [
            Trajectory(
                [circle(20), circle(15, begin_s=19 * 60.0, method="hermite", degree=7)],
                25544,
                "ISS",
                "1998-067-A",
                "a.oem",
            ),
            Trajectory([circle(30, 10.0, radius_km=42164.0)], name="NEW"),
            Trajectory([circle(5), circle(50, 1.0, 1000.0, method="linear")], name="OTHER"),
        ]
    )


def test_columns() -> None:
    t = several()
    assert t.norad_id.tolist() == [25544, SYNTHETIC_ID, SYNTHETIC_ID + 1]
    assert t.segment_object.tolist() == [0, 0, 1, 2, 2]
    assert t.offset.tolist() == [0, 20, 35, 65, 70, 120]
    # five samples are too few for Lagrange of degree 9: Hermite of the same degree
    assert t.method.tolist() == ["lagrange", "hermite", "lagrange", "hermite", "linear"]
    assert t.degree.tolist() == [9, 7, 9, 9, 1]
    assert t.samples_used.tolist() == [10, 4, 10, 5, 2]
    assert not t.position.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        t.norad_id[0] = 1


def test_arrays_and_back() -> None:
    t = several()
    arrays = t.to_arrays()
    assert all(array.dtype.kind in "ifU" for array in arrays.values())
    again = Trajectories.from_arrays(arrays)
    assert again.equals(t)
    assert again.digest() == t.digest()
    with pytest.raises(InputError, match=r"missing \['degree'\], unknown \['more'\]"):
        Trajectories.from_arrays({**{k: v for k, v in arrays.items() if k != "degree"}, "more": 1})
    empty = Trajectories.of([])
    assert len(empty) == 0
    assert Trajectories.from_arrays(empty.to_arrays()).equals(empty)
    assert empty.interpolation_error_km().shape == (0,)


def test_selection_and_concatenation() -> None:
    t = several()
    part = t[[2, 0]]
    assert part.norad_id.tolist() == [SYNTHETIC_ID + 1, 25544]
    assert part.segment_object.tolist() == [0, 0, 1, 1]
    assert np.array_equal(part[1].position, t[0].position)
    assert t[np.array([True, False, True])].equals(Trajectories.concatenate([t[0], t[2]]))
    assert t[:].equals(t)
    both = Trajectories.concatenate([t[1:], t[1:], t[:1]])
    assert both.norad_id.tolist() == [SYNTHETIC_ID, SYNTHETIC_ID + 1, SYNTHETIC_ID + 2, SYNTHETIC_ID + 3, 25544]
    with pytest.raises(InputError, match="25544 is given to more than one"):
        Trajectories.concatenate([t, t])
    with pytest.raises(InputError, match="cannot take"):
        t[[7]]


def test_the_digest_is_of_the_motion() -> None:
    t = several()
    assert dataclasses.replace(t, name=np.array(["x", "y", "z"])).digest() == t.digest()
    moved = t.position.copy()
    moved[7, 1] += 1e-9
    for change in ({"position": moved}, {"usable_stop_ns": t.usable_stop_ns - 1}, {"norad_id": t.norad_id + 1}):
        assert dataclasses.replace(t, **change).digest() != t.digest()


ROW = np.arange(120)[:, None]
BROKEN = {
    "times fall": (
        lambda t: {"time_ns": np.concatenate([t.time_ns[:5], t.time_ns[3:4], t.time_ns[6:]])},
        "times must rise",
    ),
    "too far apart": (
        lambda t: {"time_ns": np.where((ROW[:, 0] >= 10) & (ROW[:, 0] < 20), t.time_ns + 15_000 * S, t.time_ns)},
        "4 hours",
    ),
    "not finite": (lambda t: {"position": np.where(ROW == 21, np.nan, t.position)}, "segment 2, sample 2"),
    "metres": (lambda t: {"position": t.position * 1000.0}, "check the unit: km"),
    "underground": (lambda t: {"position": t.position * 0.9}, "km from the Earth's centre"),
    "metres per second": (lambda t: {"velocity": t.velocity * 1000.0}, "check the unit: km/s"),
    "a jump": (lambda t: {"position": np.where(ROW == 8, -t.position, t.position)}, "times the spacing"),
    "id": (lambda t: {"norad_id": np.array([0, 1, 2])}, "allowed is 1 to 999999999"),
    "ids": (lambda t: {"norad_id": np.array([5, 7, 5])}, "ids must be unique"),
    "usable": (lambda t: {"usable_start_ns": t.usable_start_ns - S}, "not covered by its samples"),
    "usable order": (lambda t: {"usable_stop_ns": t.usable_start_ns}, "not after its start"),
    "overlap": (
        lambda t: {
            "time_ns": np.where((ROW[:, 0] >= 20) & (ROW[:, 0] < 35), t.time_ns - 120 * S, t.time_ns),
            "usable_start_ns": t.usable_start_ns - np.array([0, 120, 0, 0, 0]) * S,
            "usable_stop_ns": t.usable_stop_ns - np.array([0, 120, 0, 0, 0]) * S,
        },
        "must not overlap",
    ),
    "method": (lambda t: {"method": np.array(["spline"] * 5)}, "allowed: lagrange, hermite, linear"),
    "degree": (lambda t: {"degree": np.zeros(5, np.int64)}, "degree is 0"),
    "name": (lambda t: {"name": np.array(["a\nb", "", ""])}, "printable"),
    "shape": (lambda t: {"position": t.position[:-1]}, r"shape \(119, 3\), allowed is \(120, 3\)"),
    "offsets": (lambda t: {"offset": np.array([0, 20, 10, 65, 70, 120])}, "rise from 0"),
    "owner": (lambda t: {"segment_object": np.array([0, 0, 2, 2, 2])}, "in their order"),
    "years": (lambda t: {"time_ns": t.time_ns - 60 * 365 * 86_400 * S}, "outside the years"),
    "type": (lambda t: {"time_ns": t.time_ns * 1.5}, "column 'time_ns'"),
}


@pytest.mark.parametrize("case", sorted(BROKEN))
def test_what_is_refused(case: str) -> None:
    change, message = BROKEN[case]
    t = several()
    with pytest.raises(InputError, match=message):
        dataclasses.replace(t, **change(t))


def test_trajectories_that_are_none() -> None:
    with pytest.raises(InputError, match="has no segment"):
        Trajectories.of([Trajectory([], name="X")])
    with pytest.raises(InputError, match="1 samples"):
        Trajectories.of([Trajectory([circle(1)])])
    with pytest.raises(InputError, match="states of a segment"):
        Trajectories.of([Trajectory([Segment(T0 + np.arange(4) * S, np.ones((3, 3)), np.ones((4, 3)))])])


def test_synthetic_ids_leave_out_those_that_are_taken() -> None:
    t = Trajectories.of([Trajectory([circle()]), Trajectory([circle()], SYNTHETIC_ID), Trajectory([circle()])])
    assert t.norad_id.tolist() == [SYNTHETIC_ID + 1, SYNTHETIC_ID, SYNTHETIC_ID + 2]


def test_matches_by_id_or_designator() -> None:
    cat = stm.synthetic_catalog(5, seed=1)
    cat = dataclasses.replace(
        cat, object_id=np.array(["", "1998-067A", "", "2024-001AB", ""]), norad_id=np.array([11, 22, 33, 44, 25544])
    )
    t = Trajectories.of(
        [
            Trajectory([circle()], 33),
            Trajectory([circle()], object_id="1998-067-A"),
            Trajectory([circle()], object_id="24001ab"),
            Trajectory([circle()], object_id="2024-001A"),
            Trajectory([circle()]),
        ]
    )
    assert t.matches(cat).tolist() == [2, 1, 3, -1, -1]


@pytest.mark.parametrize(("count", "degree"), [(2, 1), (5, 4), (10, 9), (16, 15)])
def test_lagrange_is_exact_for_polynomials(count: int, degree: int) -> None:
    rng = np.random.default_rng(count)
    times = np.sort(rng.uniform(0.0, 100.0, count))
    t = rng.uniform(0.0, 100.0, 50)
    polynomial = np.polynomial.Polynomial(rng.normal(size=degree + 1), domain=[0.0, 100.0])
    value, rate = lagrange_weights([np.full(50, s) for s in times], t)
    scale = np.abs(polynomial(times)).max() * np.max(np.abs(value))
    found = sum(w * polynomial(s) for w, s in zip(value, times, strict=True))
    assert np.abs(found - polynomial(t)).max() < 1e-10 * scale
    slope = sum(w * polynomial(s) for w, s in zip(rate, times, strict=True))
    assert np.abs(slope - polynomial.deriv()(t)).max() < 1e-9 * scale


def test_hermite_is_exact_for_polynomials() -> None:
    rng = np.random.default_rng(3)
    times, t = np.array([0.0, 7.0, 10.0, 22.0]), rng.uniform(0.0, 22.0, 50)
    p = np.polynomial.Polynomial(rng.normal(size=8), domain=[0.0, 22.0])
    a, b, da, db = hermite_weights([np.full(50, s) for s in times], t)
    each = list(zip(a, b, da, db, times, strict=True))
    assert np.allclose(sum(x * p(s) + y * p.deriv()(s) for x, y, _, _, s in each), p(t), rtol=0, atol=1e-9)
    assert np.allclose(sum(x * p(s) + y * p.deriv()(s) for _, _, x, y, s in each), p.deriv()(t), rtol=0, atol=1e-9)


def test_from_a_dataset() -> None:
    cat = stm.synthetic_catalog(4, seed=2)
    eph = stm.propagate(cat, "2025-01-01", hours=1, step_s=60, backend="reference")
    whole = Trajectories.from_dataset(eph)
    assert whole.norad_id.tolist() == cat.norad_id.tolist()
    assert whole.name.tolist() == cat.name.tolist()
    assert np.array_equal(whole.position.reshape(4, 61, 3), eph.position)
    code = eph.error_code.values.copy()
    code[0, 20:22] = 6  # a hole: two segments
    code[1, 1:] = 6  # one state alone: left out
    code[2, :] = 1  # none at all
    code[3, 1], code[3, 3] = 7, 7  # a single state between two holes
    cut = Trajectories.from_dataset(eph.assign(error_code=(eph.error_code.dims, code)))
    assert cut.norad_id.tolist() == cat.norad_id[[0, 3]].tolist()
    assert np.diff(cut.offset).tolist() == [20, 39, 57]
    assert cut.segment_object.tolist() == [0, 0, 1]
    times = eph.time.values.astype("datetime64[ns]").view(np.int64)
    assert cut.usable_start_ns.tolist() == times[[0, 22, 4]].tolist()
    assert cut.usable_stop_ns.tolist() == times[[19, 60, 60]].tolist()
    assert np.array_equal(cut.position[20:59], eph.position.values[0, 22:])
    with pytest.raises(InputError, match="two good states"):
        Trajectories.from_dataset(eph.assign(error_code=(eph.error_code.dims, np.ones_like(code))))
    with pytest.raises(InputError, match="frame 'GCRF'"):
        Trajectories.from_dataset(eph.assign_attrs(frame="GCRF"))
    with pytest.raises(InputError, match="no error_code"):
        Trajectories.from_dataset(eph.drop_vars("error_code"))


@pytest.mark.parametrize(
    ("step_s", "method", "degree"),
    [(60.0, "lagrange", 5), (120.0, "lagrange", 7), (120.0, "lagrange", 9), (180.0, "hermite", 5), (5.0, "linear", 1)],
)
def test_the_error_estimate_covers_the_error(step_s: float, method: str, degree: int) -> None:
    """On a circle, whose every state is known."""
    samples = circle(60, step_s, method=method, degree=degree)
    estimate = float(Trajectories.of([Trajectory([samples])]).interpolation_error_km()[0])
    from stmgpu.backend import get_backend
    from stmgpu.propagate.tabulated import TabulatedPropagator

    t = np.linspace(0.0, 59 * step_s, 2000)
    table = TabulatedPropagator(
        Trajectories.of([Trajectory([samples])]), get_backend("reference"), (2460676.5, 0.0), (0.0, float(t[-1]))
    )
    exact = np.asarray(circle(2000, t[1]).position)
    error = np.linalg.norm(table.at(np.zeros(len(t), int), t)[0][:3].T - exact, axis=1).max()
    assert error < estimate < 100.0 * error


def test_coarse_samples_are_refused() -> None:
    t = Trajectories.of([Trajectory([circle(30, 60.0)]), Trajectory([circle(30, 900.0)], name="COARSE")])
    assert t[:1].require_accuracy().max() < 1e-6
    with pytest.raises(InputError, match=r"1 of 2 trajectories .*'COARSE'.* closer together"):
        t.require_accuracy()
    # a manoeuvre inside a segment is seen, too
    kicked = circle(60)
    position = np.array(kicked.position)
    position[30:, 2] += 50.0 * np.arange(30)
    with pytest.raises(InputError, match="sampled too coarsely"):
        Trajectories.of([Trajectory([dataclasses.replace(kicked, position=position)])]).require_accuracy()
    # and outside the usable time nothing counts
    usable = dataclasses.replace(kicked, position=position, usable_stop_ns=T0 + 15 * 60 * S)
    Trajectories.of([Trajectory([usable])]).require_accuracy()
