"""Covariances of trajectories. Truth: the numbers that were put in; rotation of a vector with a known covariance."""

from __future__ import annotations

import numpy as np
import pytest
from support.trajectories import circle, several

from stmgpu.catalog.ccsds.oem import read_oem
from stmgpu.catalog.trajectories import Trajectories, Trajectory
from stmgpu.catalog.trajectories.covariances import TrajectoryCovariances, lower_of
from stmgpu.errors import InputError
from stmgpu.frames import rotation_to_teme


def some(count: int, first: float = 0.0) -> TrajectoryCovariances:
    lower = first + np.arange(21.0 * count).reshape(count, 21)
    return TrajectoryCovariances(
        np.zeros(count, np.int64), np.arange(count), np.array(["RTN", "TNW"] * count)[:count], lower
    )


def with_covariances() -> Trajectories:
    parts = [
        Trajectory([circle(20, covariance=some(3))], 1),
        Trajectory([circle(20)], 2),
        Trajectory([circle(20), circle(9, begin_s=5000.0, covariance=some(2, 100.0))], 3),
    ]
    return Trajectories.of(parts)


def test_they_follow_their_segments() -> None:
    t = with_covariances()
    assert t.covariance.segment.tolist() == [0, 0, 0, 3, 3]
    part = t[[2, 0]]
    assert part.covariance.segment.tolist() == [1, 1, 2, 2, 2]
    assert part.covariance.lower[:, 0].tolist() == [100.0, 121.0, 0.0, 21.0, 42.0]
    assert part.covariance.frame.tolist() == ["RTN", "TNW", "RTN", "TNW", "RTN"]
    joined = Trajectories.concatenate([several(), t])
    assert joined.covariance.segment.tolist() == [5, 5, 5, 8, 8]
    assert np.array_equal(joined.covariance.lower, t.covariance.lower)


def test_arrays_and_back() -> None:
    t = with_covariances()
    again = Trajectories.from_arrays(t.to_arrays())
    assert again.equals(t)
    assert set(several().to_arrays()) == set(t.to_arrays()) - {
        f"covariance_{name}" for name in ("segment", "time_ns", "frame", "lower")
    }
    arrays = t.to_arrays()
    del arrays["covariance_frame"]
    with pytest.raises(InputError, match=r"missing \['covariance_frame'\]"):
        Trajectories.from_arrays(arrays)


def test_they_do_not_change_the_motion() -> None:
    t = with_covariances()
    plain = Trajectories.from_arrays({k: v for k, v in t.to_arrays().items() if not k.startswith("covariance_")})
    assert plain.digest() == t.digest()
    assert not plain.equals(t)


def test_matrices_are_symmetric() -> None:
    matrices = some(2).matrices()
    assert np.array_equal(matrices, matrices.transpose(0, 2, 1))
    assert matrices[0, 1].tolist() == [1.0, 2.0, 4.0, 7.0, 11.0, 16.0]
    assert np.array_equal(lower_of(matrices), some(2).lower)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"segment": np.array([1, 0])}, "must not decrease"),
        ({"segment": np.array([-1, 0])}, "must not be negative"),
        ({"lower": np.zeros((2, 20))}, r"allowed are \(c,\), \(c,\), \(c,\) and \(c, 21\)"),
        ({"lower": np.full((2, 21), np.nan)}, "must be finite"),
    ],
)
def test_what_is_refused(change: dict[str, np.ndarray], problem: str) -> None:
    one = some(2)
    columns = {name: getattr(one, name) for name in ("segment", "time_ns", "frame", "lower")}
    with pytest.raises(InputError, match=problem):
        TrajectoryCovariances(**(columns | change))


def test_a_segment_that_is_not_there_is_refused() -> None:
    arrays = with_covariances().to_arrays()
    arrays["covariance_segment"] = np.array([0, 0, 0, 3, 4])
    with pytest.raises(InputError, match="a covariance is of segment 4; there are 4 segments"):
        Trajectories.from_arrays(arrays)


def test_inertial_frames_are_turned_to_teme() -> None:
    """The covariance a a^T of a vector a becomes (M a)(M a)^T; local frames keep their numbers and get one name."""
    a = np.array([1.0, -2.0, 3.0, 0.1, 0.2, -0.3])
    triangle = [" ".join(map(repr, row[: k + 1])) for k, row in enumerate(np.outer(a, a).tolist())]
    text = "CCSDS_OEM_VERS = 2.0\nMETA_START\nOBJECT_NAME = A\nOBJECT_ID = B\nCENTER_NAME = EARTH\n"
    text += "REF_FRAME = EME2000\nTIME_SYSTEM = UTC\nSTART_TIME = 2025-01-01T00:00:00\n"
    text += "STOP_TIME = 2025-01-01T00:01:00\nMETA_STOP\n"
    text += "2025-01-01T00:00:00 7000 0 0 0 7.5 0\n2025-01-01T00:01:00 6985 450 0 -0.5 7.5 0\nCOVARIANCE_START\n"
    frames = ["", "RSW", "TNW", "TEME", "LVLH", "RSW_INERTIAL"]
    for k, frame in enumerate(frames):
        text += f"EPOCH = 2025-01-01T00:00:{10 * k:02d}\n"
        text += (f"COV_REF_FRAME = {frame}\n" if frame else "") + "\n".join(triangle) + "\n"
    covariance = read_oem((text + "COVARIANCE_STOP\n").encode()).covariance
    assert covariance.frame.tolist() == ["TEME", "RTN", "TNW", "TEME", "LVLH", "RTN"]
    assert (np.diff(covariance.time_ns) == 10_000_000_000).all()
    turn = rotation_to_teme("EME2000", covariance.time_ns[:1])[0]
    turned = np.concatenate([turn @ a[:3], turn @ a[3:]])
    assert np.allclose(covariance.matrices()[0], np.outer(turned, turned), rtol=0, atol=1e-13)
    assert np.array_equal(covariance.matrices()[1:], np.broadcast_to(np.outer(a, a), (5, 6, 6)))
    late = (text + "COVARIANCE_STOP\n").replace("00:00:20", "00:00:05")
    with pytest.raises(InputError, match="the epoch of covariance 3 is not after that of the one before"):
        read_oem(late.encode())
