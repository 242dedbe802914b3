"""Covariances from files: moved by two-body motion, blended, in every frame; tables; what is refused or missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.paths import SHARED

from stmgpu.catalog.trajectories import Segment, Trajectories, Trajectory
from stmgpu.catalog.trajectories.covariances import TrajectoryCovariances, lower_of
from stmgpu.catalog.trajectories.files import read_trajectories
from stmgpu.errors import InputError
from stmgpu.frames import rotation_to_teme
from stmgpu.propagate.kepler import elements_of, states_of
from stmgpu.propagate.oem_files import format_oem
from stmgpu.risk.covariance import MISSING, REMEDIED, covariance_source
from stmgpu.risk.covariance_files import TERMS, EphemerisCovariance, moved, read_covariance_table
from stmgpu.risk.rotations import local_axes
from stmgpu.time import from_datetime64
from stmgpu.typing import Floats, Ints

T0 = int(np.datetime64("2025-01-01", "ns").view(np.int64))
S = 1_000_000_000
START = np.concatenate(states_of((7000.0, 0.02, 1.0, 2.0, 0.5, 0.3)))
SIGMAS = np.array([20.0, 900.0, 15.0, 0.9, 0.02, 0.015])


def kepler(state_km: Floats, dt_s: Any) -> Floats:
    """States [km, km/s] some time later, by Keplerian elements."""
    a, e, inc, node, argp, mean = elements_of(state_km[..., :3], state_km[..., 3:])
    rate = np.sqrt(398600.4418 / a**3)
    return np.concatenate(states_of((a, e, inc, node, argp, mean + rate * np.asarray(dt_s))), axis=-1)


def whole(axes: Floats) -> Floats:
    both = np.zeros((6, 6))
    both[:3, :3] = both[3:, 3:] = axes
    return both


def in_rtn(state_km: Floats) -> Floats:
    """Covariance of a drifting orbit in RTN [m^2, ...]."""
    shape = np.eye(6)
    shape[0, 4] = shape[4, 0] = shape[1, 3] = shape[3, 1] = -0.9
    return np.asarray(np.outer(SIGMAS, SIGMAS) * shape)


def inertial(rtn: Floats, state_km: Floats) -> Floats:
    turn = whole(local_axes("RTN", state_km[None])[0])
    return np.asarray(turn @ rtn @ turn.T)


def brute(rtn: Floats, state_km: Floats, dt_s: float) -> Floats:
    """A covariance moved the obvious way: its axes as deviations of states that move on Kepler orbits."""
    values, vectors = np.linalg.eigh(inertial(rtn, state_km) / np.outer(SIGMAS.max(), SIGMAS.max()))
    steps = 1e-3 * (vectors * np.sqrt(np.maximum(values, 0.0)) * SIGMAS.max()).T  # [km], a row an axis
    small = 1e-3
    plus, minus = (kepler(state_km + sign * small * steps, dt_s) for sign in (1.0, -1.0))
    root = 1e3 * (plus - minus) / (2.0 * small)
    there = kepler(state_km, dt_s)
    turn = whole(local_axes("RTN", there[None])[0]).T
    return np.asarray(turn @ root.T @ root @ turn.T)


def trajectories(
    times_s: list[float], lower_m2: Floats, frame: str | list[str], norad_id: int = 7, states: int = 61
) -> Trajectories:
    seconds = 60.0 * np.arange(states)
    position, velocity = np.split(kepler(np.broadcast_to(START, (states, 6)), seconds), 2, axis=1)
    n = len(times_s)
    covariance = TrajectoryCovariances(
        np.zeros(n, np.int64),
        T0 + (np.array(times_s) * S).astype(np.int64),
        np.broadcast_to(np.array(frame), n),
        1e-6 * lower_m2,
    )
    segment = Segment(T0 + (seconds * S).astype(np.int64), position, velocity, covariance=covariance)
    return Trajectories.of([Trajectory([segment], norad_id, "ONE", source="folder/one.oem")])


def asked(source: Any, seconds: Any, norad_id: int = 7) -> Any:
    s = np.atleast_1d(np.asarray(seconds, np.float64))
    time_ns: Ints = T0 + np.round(s * S).astype(np.int64)
    state = kepler(np.broadcast_to(START, (len(s), 6)), s)
    return source.at(
        np.full(len(s), norad_id), state, from_datetime64(time_ns.view("datetime64[ns]")), np.full(len(s), np.nan)
    )


@pytest.mark.parametrize("dt_s", [0.0, 60.0, -300.0, 1800.0, 20_000.0])
def test_a_covariance_is_moved_as_its_states_move(dt_s: float) -> None:
    rtn = in_rtn(START)
    there = kepler(START, dt_s)
    found = moved(rtn[None], np.array(["RTN"]), np.array([T0]), 1e3 * there[None], np.array([-dt_s]))[0]
    expected = brute(rtn, START, dt_s)
    scale = np.sqrt(np.outer(expected.diagonal(), expected.diagonal()))
    np.testing.assert_allclose(found / scale, expected / scale, atol=2e-6)


@pytest.mark.parametrize("frame", ["RTN", "TNW", "TEME", "EME2000"])
def test_at_its_own_epochs_a_covariance_is_that_of_the_file_in_every_frame(frame: str) -> None:
    times = [0.0, 600.0, 1800.0]
    states = kepler(np.broadcast_to(START, (3, 6)), np.array(times))
    rtn = np.array([in_rtn(s) * (k + 1) for k, s in enumerate(states)])
    given = []
    for k, state in enumerate(states):
        flat = inertial(rtn[k], state)
        if frame in ("RTN", "TNW"):
            axes = local_axes(frame, state[None])[0]
        else:
            axes = rotation_to_teme(frame, [T0 + int(times[k]) * S])[0]
        turn = whole(axes).T
        given.append(turn @ flat @ turn.T)
    source = EphemerisCovariance(trajectories(times, lower_of(np.array(given)), frame), "one.oem")
    found = asked(source, times)
    assert found.flags.tolist() == [0, 0, 0]
    assert found.source.tolist() == ["one.oem"] * 3
    scale = np.sqrt(rtn.diagonal(axis1=1, axis2=2))
    np.testing.assert_allclose(
        found.matrix / scale[:, :, None] / scale[:, None, :], rtn / scale[:, :, None] / scale[:, None, :], atol=1e-7
    )


def test_between_epochs_of_one_orbit_the_blend_is_the_covariance_moved() -> None:
    """Both neighbours stem from one covariance: wherever it is asked, it is that one moved."""
    first = in_rtn(START)
    last = brute(first, START, 1800.0)
    source = EphemerisCovariance(trajectories([0.0, 1800.0], lower_of(np.array([first, last])), "RTN"), "one.oem")
    for dt_s in (1.0, 450.0, 900.0, 1799.0):
        expected = brute(first, START, dt_s)
        scale = np.sqrt(np.outer(expected.diagonal(), expected.diagonal()))
        np.testing.assert_allclose(asked(source, dt_s).matrix[0] / scale, expected / scale, atol=1e-5)


def test_every_blend_is_positive_definite_where_elements_would_not_do() -> None:
    """An error of time is a needle along the orbit; between the epochs it turns by a third of a revolution."""
    times = [0.0, 1800.0]
    states = kepler(np.broadcast_to(START, (2, 6)), np.array(times))
    late = [1e3 * np.concatenate([s[3:], -398600.4418 * s[:3] / np.linalg.norm(s[:3]) ** 3]) * 0.12 for s in states]
    noise = np.diag([1.0, 1.0, 1.0, 1e-6, 1e-6, 1e-6])
    given = np.array([np.outer(needle, needle) + noise for needle in late])
    source = EphemerisCovariance(trajectories(times, lower_of(given), "TEME"), "one.oem")
    found = asked(source, np.linspace(0.0, 1800.0, 91))
    assert not found.flags.any()
    sigma = np.sqrt(np.diagonal(found.matrix, axis1=1, axis2=2))
    assert np.linalg.eigvalsh(found.matrix / sigma[:, :, None] / sigma[:, None, :]).min() > 0.0
    middle = kepler(START, 900.0)
    turn = whole(local_axes("RTN", middle[None])[0]).T
    naive = turn @ given.mean(axis=0) @ turn.T
    assert sigma[45, 0] < 0.1 * np.sqrt(naive[0, 0])  # element by element the needle becomes a disc
    assert sigma[45, 1] > 850.0


def test_nothing_is_extrapolated_and_other_objects_are_missing() -> None:
    given = lower_of(np.array([in_rtn(START)] * 2))
    source = EphemerisCovariance(trajectories([600.0, 1200.0], given, "RTN"), "one.oem")
    found = asked(source, [0.0, 599.9, 600.0, 900.0, 1200.0, 1200.1, 4000.0])
    assert found.flags.tolist() == [MISSING, MISSING, 0, 0, 0, MISSING, MISSING]
    assert np.isnan(found.matrix[[0, 1, 5, 6]]).all()
    assert np.isfinite(found.matrix[[2, 3, 4]]).all()
    assert asked(source, 900.0, norad_id=8).flags.tolist() == [MISSING]
    assert np.isnan(found.age_days).all()
    escaping = np.concatenate([START[:3], 2.0 * START[3:]])
    time_jd = from_datetime64(np.full(2, T0 + 900 * S).view("datetime64[ns]"))
    lost = source.at(np.array([7, 7]), np.array([escaping, np.full(6, np.nan)]), time_jd, np.zeros(2))
    assert lost.flags.tolist() == [MISSING, MISSING]
    assert np.isnan(lost.matrix).all()


def test_matrices_that_are_not_positive_definite_are_remedied_with_a_flag() -> None:
    bad = in_rtn(START)
    bad[0, 4] = bad[4, 0] = -1.0001 * SIGMAS[0] * SIGMAS[4]
    given = lower_of(np.array([in_rtn(START), bad, in_rtn(START)]))
    source = EphemerisCovariance(trajectories([0.0, 600.0, 1200.0], given, "RTN"), "one.oem")
    found = asked(source, [0.0, 300.0, 600.0, 900.0, 1200.0])
    assert found.flags.tolist() == [0, REMEDIED, REMEDIED, REMEDIED, 0]
    np.linalg.cholesky(found.matrix / np.outer(SIGMAS, SIGMAS))


def test_blocks_without_a_variance_are_not_used() -> None:
    flat = in_rtn(START)
    flat[3:] = flat[:, 3:] = 0.0
    given = lower_of(np.array([in_rtn(START), flat, in_rtn(START)]))
    source = EphemerisCovariance(trajectories([0.0, 600.0, 1200.0], given, "RTN"), "one.oem")
    assert asked(source, [0.0, 600.0, 1200.0]).flags.tolist() == [0, 0, 0]  # between the other two
    only = EphemerisCovariance(trajectories([600.0], lower_of(flat[None]), "RTN"), "one.oem")
    assert asked(only, 600.0).flags.tolist() == [MISSING]


def test_an_oem_file_by_name_by_id_and_before_a_model(tmp_path: Path) -> None:
    given = lower_of(np.array([in_rtn(START)] * 2))
    path = tmp_path / "own.oem"
    path.write_bytes(format_oem(trajectories([600.0, 1200.0], given, "RTN", norad_id=25544)))
    alone = covariance_source(str(path))
    assert (alone.name, alone.is_model, alone.notice) == ("own.oem", False, "")
    found = asked(alone, 600.0, norad_id=25544)
    np.testing.assert_allclose(np.sqrt(found.matrix[0].diagonal()), SIGMAS, rtol=1e-6)
    other = covariance_source(f"{path}=9")
    assert asked(other, 600.0, norad_id=9).flags.tolist() == [0]
    both = covariance_source(f"{path}+rtn:1,2,3")
    assert both.name == "own.oem+rtn:1,2,3"
    assert "assumed" in both.notice
    found = asked(both, [600.0, 0.0], norad_id=25544)
    assert found.source.tolist() == ["own.oem", "rtn:1,2,3"]
    assert found.flags.tolist() == [0, 0]
    np.testing.assert_allclose(found.matrix[1, :3, :3], np.diag([1.0, 4.0, 9.0]))
    path.write_bytes(format_oem(read_trajectories([path], covariances=False)))
    with pytest.raises(InputError, match=r"'own\.oem' holds no covariance"):
        covariance_source(str(path))
    with pytest.raises(InputError, match=r"no such file is there; allowed are tle"):
        covariance_source(str(tmp_path / "no.oem"))


def test_frames_that_are_not_known_are_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"'one\.oem' has covariances in frame 'LVLH'.*allowed: RTN, TNW, TVN, TEME"):
        EphemerisCovariance(trajectories([0.0], lower_of(in_rtn(START)[None]), "LVLH"), "one.oem")


def test_starlinks_covariances_between_their_minutes() -> None:
    folder = SHARED / "data" / "pc" / "messages" / "starlink"
    if not folder.is_dir():
        pytest.skip("the shared data are not beside this checkout (../shared/data/pc)")
    truth = read_trajectories([folder])
    states = np.hstack([truth.position, truth.velocity])
    source = EphemerisCovariance(truth, "starlink")
    stated = 1e6 * truth.covariance.matrices()
    middle = truth.time_ns[:-1] + 30 * S
    times = np.concatenate([truth.time_ns, middle])
    at = np.concatenate([states, kepler(states[:-1], 30.0)])
    found = source.at(
        np.full(len(times), truth.norad_id[0]), at, from_datetime64(times.view("datetime64[ns]")), np.zeros(len(times))
    )
    assert not found.flags.any()
    np.testing.assert_allclose(found.matrix[:4], stated, rtol=1e-9, atol=1e-12)
    sigma, ends = (np.sqrt(np.diagonal(x, axis1=1, axis2=2)) for x in (found.matrix[4:], stated))
    np.testing.assert_allclose(sigma, 0.5 * (ends[:-1] + ends[1:]), rtol=2e-3)


def test_a_table_of_sigmas_or_of_whole_matrices(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("sigma_t_m, NORAD_ID ,sigma_r_m,sigma_n_m\n200,25544,10,20\n1,5,2,3\n")
    source = covariance_source(str(path))
    found = source.at(np.array([5, 25544, 6]), np.zeros((3, 6)), (np.zeros(3), np.zeros(3)), np.zeros(3))
    np.testing.assert_array_equal(found.matrix[0, :3, :3], np.diag([4.0, 1.0, 9.0]))
    np.testing.assert_array_equal(found.matrix[1, :3, :3], np.diag([100.0, 40_000.0, 400.0]))
    assert np.isnan(found.matrix[:2, 3:]).all()
    assert np.isnan(found.matrix[2]).all()
    assert found.flags.tolist() == [0, 0, MISSING]
    assert found.source.tolist() == ["own.csv"] * 3
    good, bad = in_rtn(START), in_rtn(START)
    bad[0, 4] = bad[4, 0] = -1.001 * SIGMAS[0] * SIGMAS[4]
    rows = [f"{k},{','.join(map(repr, lower_of(m[None])[0].tolist()))}" for k, m in ((8, good), (9, bad))]
    path.write_text("\n".join([f"norad_id,{','.join(TERMS)}", *rows]))
    found = covariance_source(str(path)).at(np.array([8, 9]), np.zeros((2, 6)), (np.zeros(2), np.zeros(2)), np.zeros(2))
    np.testing.assert_array_equal(found.matrix[0], good)
    assert found.flags.tolist() == [0, REMEDIED]
    assert TERMS[:4] == ("CR_R", "CT_R", "CT_T", "CN_R")
    assert TERMS[-1] == "CNDOT_NDOT"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no row"),
        ("norad_id,sigma_r_m,sigma_t_m,sigma_n_m\n", "has no row"),
        ("norad_id,sigma_r_m,sigma_t_m\n5,1,2\n", "line 1 .*header is 'norad_id,sigma_r_m,sigma_t_m'; allowed are"),
        ("norad_id,sigma_r_m,sigma_t_m,sigma_n_m,x\n5,1,2,3,4\n", "line 1 .*header is"),
        ("norad_id,sigma_r_m,sigma_t_m,sigma_n_m,sigma_n_m\n5,1,2,3,4\n", "line 1 .*header is"),
        ("norad_id,sigma_r_m,sigma_t_m,sigma_n_m\n5,1,2\n", "line 2 .*3 cells, the header has 4"),
        ("norad_id,sigma_r_m,sigma_t_m,sigma_n_m\n0,1,2,3\n", "line 2 .*norad_id is '0'"),
        ("norad_id,sigma_r_m,sigma_t_m,sigma_n_m\n5,1,2,3\n5,1,2,3\n", "line 3 .*object 5 occurs twice"),
        *[
            (f"norad_id,sigma_r_m,sigma_t_m,sigma_n_m\n5,1,{bad},3\n", "line 2 .*sigma_t_m is .*a number above 0")
            for bad in ("0", "-1", "nan", "inf", "x", "", "1e19", "1_0")
        ],
        (f"norad_id,{','.join(TERMS)}\n5,-1{',1' * 20}\n", "line 2 .*CR_R is '-1', allowed is a number above 0"),
        (f"norad_id,{','.join(TERMS)}\n5,1,inf{',1' * 19}\n", "line 2 .*CT_R is 'inf', allowed is a number of"),
    ],
)
def test_wrong_tables_are_refused_by_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_covariance_table(text.encode())


@pytest.mark.slow
def test_many_objects_and_segments_against_a_search_row_by_row() -> None:
    """Segments that touch, with their own covariances, of three objects; asked in any order, in and out of them."""
    rng = np.random.default_rng(4)
    objects = []
    for norad_id in (30, 10, 20):
        segments = []
        for first, last in ((0.0, 1200.0), (1200.0, 2400.0), (3000.0, 3600.0)):
            seconds = np.arange(first, last + 1.0, 60.0)
            position, velocity = np.split(kepler(np.broadcast_to(START, (len(seconds), 6)), seconds), 2, axis=1)
            epochs = np.sort(rng.choice(seconds, 5, replace=False))
            matrices = [1e-6 * in_rtn(START) * rng.uniform(0.5, 2.0) for _ in epochs]
            segments.append(
                Segment(
                    T0 + (seconds * S).astype(np.int64),
                    position,
                    velocity,
                    covariance=TrajectoryCovariances(
                        np.zeros(5, np.int64),
                        T0 + (epochs * S).astype(np.int64),
                        np.full(5, "RTN"),
                        lower_of(np.array(matrices)),
                    ),
                )
            )
        objects.append(Trajectory(segments, norad_id, f"N{norad_id}", source=f"{norad_id}.oem"))
    table = Trajectories.of(objects)
    source = EphemerisCovariance(table, "all")
    n = 80
    ids = rng.choice([10, 20, 30, 40], n)
    seconds = np.where(rng.random(n) < 0.3, rng.integers(0, 61, n) * 60.0, rng.uniform(-100.0, 3700.0, n).round(3))
    time_ns = T0 + np.round(seconds * S).astype(np.int64)
    state = kepler(np.broadcast_to(START, (n, 6)), seconds)
    found = source.at(ids, state, from_datetime64(time_ns.view("datetime64[ns]")), np.zeros(n))
    blocks = table.covariance
    seen = 0
    for k in range(n):
        owned = [s for s in range(9) if table.norad_id[table.segment_object[s]] == ids[k]]
        within = [s for s in owned if table.usable_start_ns[s] <= time_ns[k] <= table.usable_stop_ns[s]]
        own = np.flatnonzero(blocks.segment == within[-1]) if within else np.empty(0, np.int64)  # the later one
        before = own[blocks.time_ns[own] <= time_ns[k]]
        after = own[blocks.time_ns[own] >= time_ns[k]]
        if not len(before) or not len(after):
            assert found.flags[k] == MISSING
            continue
        seen += 1
        ends = [before[-1], after[0]]
        span = blocks.time_ns[ends[1]] - blocks.time_ns[ends[0]]
        share = (time_ns[k] - blocks.time_ns[ends[0]]) / span if span else 0.0
        expected = np.zeros((6, 6))
        for end, weight in zip(ends, (1.0 - share, share), strict=True):
            dt_s = (time_ns[k] - blocks.time_ns[end]) / S
            expected += weight * brute(1e6 * blocks.matrices()[end], kepler(state[k], -dt_s), dt_s)
        scale = np.sqrt(np.outer(expected.diagonal(), expected.diagonal()))
        np.testing.assert_allclose(found.matrix[k] / scale, expected / scale, atol=1e-5)
        assert found.source[k] == f"{ids[k]}.oem"
    assert 25 < seen < 70
