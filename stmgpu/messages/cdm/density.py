"""Sensitivity of a state to the error of the density forecast, as messages of NASA CARA and drafts of CDM 2 state it.

Three things belong together (Casali, Hall et al., "Effect of cross-correlation of orbital error on probability of
collision determination", AAS 18-272, 2018): the relative standard deviation of the forecast of the density along the
orbit, and the change of position and velocity at TCA, along the object's own radial, transverse and normal axes, for a
relative error of 1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.errors import InputError
from stmgpu.messages.cdm.message import number_of
from stmgpu.messages.fields import shown

if TYPE_CHECKING:
    from stmgpu.messages.cdm.message import ConjunctionObject
    from stmgpu.typing import Floats

_SIGMA, _POSITION, _VELOCITY = (
    "density forecast uncertainty",
    "sensitivity vector of position",
    "sensitivity vector of velocity",
)
_COMMENTS = {
    _SIGMA: re.compile(r"DCP Density Forecast Uncertainty\s*=\s*(.*)", re.IGNORECASE),
    _POSITION: re.compile(r"DCP Sensitivity Vector RTN Pos\s*=\s*(.*)", re.IGNORECASE),
    _VELOCITY: re.compile(r"DCP Sensitivity Vector RTN Vel\s*=\s*(.*)", re.IGNORECASE),
}
_FIELDS = {
    _SIGMA: "DENSITY_FORECAST_UNCERTAINTY",
    _POSITION: "DCP_SENSITIVITY_VECTOR_POSITION",
    _VELOCITY: "DCP_SENSITIVITY_VECTOR_VELOCITY",
}
_UNITS = {_SIGMA: ("",), _POSITION: ("", "m"), _VELOCITY: ("", "m/s", "m/sec")}
_UNIT = re.compile(r"(.*?)\s*(?:\[([^\]]*)\])?\s*")


@dataclass(frozen=True, eq=False)
class DensitySensitivity:
    """How an object's state at TCA depends on the error of the density forecast.

    Parameters
    ----------
    sigma : float
        Standard deviation of the relative error of the density.
    vector : ndarray of float64, shape (6,)
        Change of position [m] and velocity [m/s] along the object's radial, transverse and normal axes for a relative
        error of 1.
    """

    sigma: float
    vector: Floats


def density_sensitivity(one: ConjunctionObject) -> DensitySensitivity | None:
    """Sensitivity that an object of a message states, in comments of CARA or in fields; None if it states nothing.

    Raises
    ------
    InputError
        If something of it is missing, stated twice with different values, or not a finite number.

    Examples
    --------
    >>> density_sensitivity(message.objects[0]).sigma  # doctest: +SKIP
    0.180554461
    """
    found = {name: _stated(one, name) for name in _FIELDS}
    missing = [name for name, values in found.items() if values is None]
    if len(missing) == len(found):
        return None
    sigma, position, velocity = found[_SIGMA], found[_POSITION], found[_VELOCITY]
    if sigma is None or position is None or velocity is None:
        raise InputError(f"of the DCP terms it states no {' and no '.join(missing)}; all three belong together")
    if sigma[0] < 0.0:
        raise InputError(f"its {_SIGMA} is {sigma[0]:g}, allowed is 0 or more")
    return DensitySensitivity(float(sigma[0]), np.concatenate([position, velocity]))


def _stated(one: ConjunctionObject, name: str) -> Floats | None:
    texts = [match[1] for comment in one.comments if (match := _COMMENTS[name].fullmatch(comment.strip()))]
    texts += [text for text in [one.fields.get(_FIELDS[name], "")] if text.strip()]
    values = [_numbers(name, text) for text in texts]
    if any(not np.array_equal(values[0], other) for other in values[1:]):
        raise InputError(f"it states its {name} twice, as {shown(texts[0])} and {shown(texts[1])}; remove one")
    return values[0] if values else None


def _numbers(name: str, text: str) -> Floats:
    match = _UNIT.fullmatch(text)
    unit = (match[2] or "").strip() if match else "?"
    values = np.array([number_of(word) for word in (match[1].split() if match else [])])
    wanted = 1 if name == _SIGMA else 3
    if len(values) != wanted or not np.isfinite(values).all() or unit.lower() not in _UNITS[name]:
        allowed = "a number" if wanted == 1 else f"three numbers in {_UNITS[name][1]}"
        raise InputError(f"its {name} is {shown(text)}, allowed is {allowed}")
    return values
