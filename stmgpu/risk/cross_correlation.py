"""Errors of two objects that are not independent: the common error of the density forecast.

Both objects fly through one atmosphere. If the forecast of its density is off by a share e of standard deviation s at
each object, their states at TCA move by G1 e1 and G2 e2, and with e1 and e2 fully correlated the covariance of the
relative state is

    P = P1 + P2 - s1 s2 (G1 G2^T + G2 G1^T)

(Casali, Hall et al., AAS 18-272, 2018; the DCP terms of CARA's messages). P1 and P2 hold s1^2 G1 G1^T and s2^2 G2 G2^T
already. That is exact for straight motion, in the encounter plane; :mod:`stmgpu.risk.shared_error` has curved motion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.errors import InputError
from stmgpu.messages.cdm.density import density_sensitivity
from stmgpu.risk.rotations import local_axes, turned

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from stmgpu.messages.cdm import ConjunctionMessage
    from stmgpu.typing import Floats


def common_covariance(
    first: npt.ArrayLike, second: npt.ArrayLike, error_1: npt.ArrayLike, error_2: npt.ArrayLike
) -> Floats:
    """What both covariances share, s1 s2 (G1 G2^T + G2 G1^T), along the axes of the first object.

    Taken from the covariance of the first object, it gives the covariance of the relative state.

    Parameters
    ----------
    first, second : array_like, shape (n, 6)
        States of both objects in one inertial frame, any units.
    error_1, error_2 : array_like, shape (n, 6)
        Changes s G of both states by one standard deviation of the error of the density, each along the radial,
        transverse and normal axes of the object itself [m, m/s].

    Returns
    -------
    ndarray of float64, shape (n, 6, 6)
        In the radial, transverse and normal axes of the first object [m^2, m^2/s, m^2/s^2].
    """
    axes = local_axes("RTN", first), local_axes("RTN", second)
    errors = [np.asarray(error, np.float64).reshape(-1, 2, 3) for error in (error_1, error_2)]
    inertial = [np.einsum("nij,nkj->nki", m, error).reshape(-1, 6) for m, error in zip(axes, errors, strict=True)]
    product = np.einsum("ni,nj->nij", *inertial)
    return turned(axes[0].transpose(0, 2, 1), product + product.transpose(0, 2, 1))


def shared_errors(messages: Sequence[ConjunctionMessage]) -> tuple[Floats, list[str]]:
    """Errors that both objects of messages share, by the DCP terms that they state.

    Parameters
    ----------
    messages : sequence of ConjunctionMessage
        n messages.

    Returns
    -------
    ndarray of float64, shape (n, 2, 6)
        Changes s G of both states by one standard deviation of the error of the density, each along the object's own
        radial, transverse and normal axes [m, m/s]; zeros where a message does not state the terms of both objects, or
        the error of one of them is zero.
    list of str
        What a reader should know of each: that they are correlated, or why not; '' where nothing is stated.
    """
    errors = np.zeros((len(messages), 2, 6))
    notes = [""] * len(messages)
    for k, message in enumerate(messages):
        try:
            one, two = (density_sensitivity(each) for each in message.objects)
        except InputError as error:
            notes[k] = f"not correlated: {error}"
            continue
        if one is not None and two is not None:
            errors[k] = one.sigma * one.vector, two.sigma * two.vector
        elif one is not None or two is not None:
            notes[k] = "not correlated: only one object states its DCP terms"
    both = (errors != 0.0).any(axis=2).all(axis=1)
    errors[~both] = 0.0
    for k in np.flatnonzero(both).tolist():
        notes[k] = "correlated: the common error of the density forecast (DCP) is taken into account"
    return errors, notes
