"""Local frames of objects: their axes, and covariances turned into RTN.

Local frames are inertial at the instant of the state: the velocity is that of the inertial frame, resolved along the
local axes (RTN_INERTIAL, TNW_INERTIAL and so on in CCSDS's registry of frames). Positions and velocities therefore turn
by the same matrix.

=====  ==============================  ==========================  =============================
frame  first axis                      second axis                 third axis
=====  ==============================  ==========================  =============================
RTN    along the position              completes, about forward    along the angular momentum
TNW    along the velocity              completes, about inward     along the angular momentum
TVN    completes, about outward        along the velocity          along the angular momentum
=====  ==============================  ==========================  =============================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.errors import InputError
from stmgpu.frames import FRAMES, rotation_to_teme

if TYPE_CHECKING:
    import numpy.typing as npt

    from stmgpu.typing import Floats

LOCAL_FRAMES = ("RTN", "TNW", "TVN")


def local_axes(frame: str, state: npt.ArrayLike) -> Floats:
    """Axes of a local frame.

    Parameters
    ----------
    frame : {'RTN', 'TNW', 'TVN'}
        The frame.
    state : array_like, shape (n, 6)
        Positions and velocities in an inertial frame, any units.

    Returns
    -------
    ndarray of float64, shape (n, 3, 3)
        Matrices whose columns are the axes along the inertial ones: they turn local vectors into inertial ones.

    Raises
    ------
    InputError
        For another frame.

    Examples
    --------
    >>> local_axes("RTN", [[7.0, 0.0, 0.0, 0.0, 1.0, 0.0]])[0].tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    states = np.asarray(state, np.float64)
    r, v = states[..., :3], states[..., 3:]
    normal = _unit(np.cross(r, v))
    if frame == "RTN":
        radial = _unit(r)
        axes = (radial, np.cross(normal, radial), normal)
    elif frame == "TNW":
        ahead = _unit(v)
        axes = (ahead, np.cross(normal, ahead), normal)
    elif frame == "TVN":
        ahead = _unit(v)
        axes = (np.cross(ahead, normal), ahead, normal)
    else:
        raise InputError(f"local frame {frame[:40]!r} is not supported; allowed: {', '.join(LOCAL_FRAMES)}")
    return np.stack(axes, axis=-1)


def rotation_to_rtn(frame: str, state: npt.ArrayLike, time_ns: npt.ArrayLike) -> Floats:
    """Matrices that turn vectors along the axes of any supported frame into an object's own RTN.

    Parameters
    ----------
    frame : str
        RTN, TNW, TVN, TEME, EME2000 (J2000), GCRF (ICRF) or TOD.
    state : array_like, shape (n, 6)
        Positions and velocities of the objects in TEME, any units.
    time_ns : array_like of int64, shape (n,)
        UTC [ns since 1970, days of 86,400 s].

    Returns
    -------
    ndarray of float64, shape (n, 3, 3)
        Rotation matrices.

    Raises
    ------
    InputError
        For another frame.
    """
    states = np.atleast_2d(np.asarray(state, np.float64))
    to_rtn = np.swapaxes(local_axes("RTN", states), -1, -2)
    if frame in LOCAL_FRAMES:
        return np.asarray(to_rtn @ local_axes(frame, states))
    if frame not in FRAMES:
        raise InputError(
            f"frame {frame[:40]!r} of a covariance is not supported; allowed: {', '.join((*LOCAL_FRAMES, *FRAMES))}"
        )
    return np.asarray(to_rtn @ rotation_to_teme(frame, time_ns))


def turned(rotation: npt.ArrayLike, covariance: npt.ArrayLike) -> Floats:
    """Covariances along other axes: M C M^T for positions and velocities alike.

    Parameters
    ----------
    rotation : array_like, shape (..., 3, 3)
        Rotation matrices M.
    covariance : array_like, shape (..., 6, 6)
        Covariances of position and velocity.

    Returns
    -------
    ndarray of float64, shape (..., 6, 6)
        Symmetric matrices.

    Examples
    --------
    >>> quarter = [[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    >>> turned(quarter, np.diag([1.0, 4.0, 9.0, 1.0, 2.0, 3.0])).diagonal().tolist()
    [4.0, 1.0, 9.0, 2.0, 1.0, 3.0]
    """
    m, c = np.asarray(rotation, np.float64)[..., None, None, :, :], np.asarray(covariance, np.float64)
    blocks = c.reshape(*c.shape[:-2], 2, 3, 2, 3).swapaxes(-3, -2)
    found = (m @ blocks @ np.swapaxes(m, -1, -2)).swapaxes(-3, -2).reshape(c.shape)
    return np.asarray(0.5 * (found + np.swapaxes(found, -1, -2)))


def _unit(vectors: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):  # without a direction: not a number
        return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))
