"""Local frames: their axes by definition, and covariances turned the slow way."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from stmgpu.errors import InputError
from stmgpu.frames import rotation_to_teme
from stmgpu.risk.rotations import LOCAL_FRAMES, local_axes, rotation_to_rtn, turned
from stmgpu.typing import Floats

RNG = np.random.default_rng(3)


def states(n: int) -> Floats:
    """Positions and velocities of orbits of any shape."""
    r = RNG.normal(size=(n, 3)) * 7000.0
    v = RNG.normal(size=(n, 3)) * 5.0
    return np.hstack([r, v])


def covariances(n: int) -> Floats:
    """Positive definite matrices with very different variances."""
    root = RNG.normal(size=(n, 6, 6)) * np.exp(RNG.uniform(-3.0, 6.0, (n, 6, 1)))
    return np.asarray(root @ np.swapaxes(root, 1, 2))


@pytest.mark.parametrize("frame", LOCAL_FRAMES)
def test_axes_are_right_handed_and_what_their_names_say(frame: str) -> None:
    given = states(200)
    axes = local_axes(frame, given)
    np.testing.assert_allclose(np.linalg.det(axes), 1.0, rtol=1e-12)
    np.testing.assert_allclose(np.swapaxes(axes, 1, 2) @ axes, np.broadcast_to(np.eye(3), axes.shape), atol=1e-12)
    r, v = given[:, :3], given[:, 3:]
    h = np.cross(r, v)
    along = {"RTN": (r, None, h), "TNW": (v, None, h), "TVN": (None, v, h)}[frame]
    for k, vector in enumerate(along):
        if vector is not None:
            length = np.linalg.norm(vector, axis=1)
            np.testing.assert_allclose(np.einsum("ni,ni->n", axes[:, :, k], vector), length, rtol=1e-12)
    if frame == "RTN":
        assert (np.einsum("ni,ni->n", axes[:, :, 1], v) > 0.0).all()  # forward
    if frame == "TVN":
        assert (np.einsum("ni,ni->n", axes[:, :, 0], r) > 0.0).all()  # outward
    if frame == "TNW":
        assert (np.einsum("ni,ni->n", axes[:, :, 1], r) < 0.0).all()  # inward


def test_on_a_circle_the_frames_are_permutations() -> None:
    circle = np.array([[7000.0, 0.0, 0.0, 0.0, 5.0, 5.0]])
    given = np.diag([1.0, 4.0, 9.0, 16.0, 25.0, 36.0])[np.newaxis]
    tnw = turned(rotation_to_rtn("TNW", circle, [0]), given)[0]
    np.testing.assert_allclose(tnw.diagonal(), [4.0, 1.0, 9.0, 25.0, 16.0, 36.0], rtol=1e-12)
    tvn = turned(rotation_to_rtn("TVN", circle, [0]), given)[0]
    np.testing.assert_allclose(tvn.diagonal(), [1.0, 4.0, 9.0, 16.0, 25.0, 36.0], rtol=1e-12)
    np.testing.assert_allclose(tvn, np.diag(tvn.diagonal()), atol=1e-12)


@pytest.mark.parametrize("frame", [*LOCAL_FRAMES, "TEME", "EME2000", "GCRF", "TOD"])
def test_quadratic_forms_do_not_depend_on_the_frame(frame: str) -> None:
    """A covariance in any frame measures a vector in that frame as the turned one measures the turned vector."""
    n = 50
    given, matrices, time_ns = states(n), covariances(n), np.full(n, 1_720_000_000_000_000_000)
    rotation = rotation_to_rtn(frame, given, time_ns)
    found = turned(rotation, matrices)
    np.testing.assert_array_equal(found, np.swapaxes(found, 1, 2))
    to_teme = local_axes(frame, given) if frame in LOCAL_FRAMES else rotation_to_teme(frame, time_ns)
    rtn = np.swapaxes(local_axes("RTN", given), 1, 2)
    for k in range(n):
        both = np.zeros((6, 6))
        both[:3, :3] = both[3:, 3:] = rtn[k] @ to_teme[k]
        direct = both @ matrices[k] @ both.T
        np.testing.assert_allclose(found[k], direct, rtol=1e-9, atol=1e-12 * np.abs(direct).max())


def test_turning_there_and_back_gives_the_same() -> None:
    rotation = Rotation.random(40, random_state=1).as_matrix()
    matrices = covariances(40)
    back = turned(np.swapaxes(rotation, 1, 2), turned(rotation, matrices))
    scale = np.abs(matrices).max(axis=(1, 2))[:, None, None]
    np.testing.assert_allclose(back / scale, matrices / scale, atol=1e-13)


def test_other_frames_are_refused_by_name() -> None:
    with pytest.raises(InputError, match="frame 'ITRF' of a covariance is not supported; allowed: RTN, TNW, TVN, TEME"):
        rotation_to_rtn("ITRF", states(1), [0])
    with pytest.raises(InputError, match="local frame 'LVLH' is not supported; allowed: RTN, TNW, TVN"):
        local_axes("LVLH", states(1))


def test_states_without_a_plane_have_no_axes() -> None:
    assert np.isnan(local_axes("RTN", [[7000.0, 0.0, 0.0, 1.0, 0.0, 0.0]])).any()
