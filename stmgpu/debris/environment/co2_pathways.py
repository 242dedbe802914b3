"""Contraction of the thermosphere by rising CO2 without a file: pathways of concentration and a fit of the response.

Concentrations are global annual means of the Shared Socioeconomic Pathways and their extensions (Meinshausen et al.
2020, Geosci. Model Dev. 13, 3571, doi:10.5194/gmd-13-3571-2020; observed to 2014), every ten years and linear between,
within 0.8 % of the yearly values.

The response is our own fit to the factors computed with WACCM-X by Brown et al. (2024, Future Climate Change in the
Thermosphere Under Varying Solar Activity Conditions, J. Geophys. Res. Space Physics; data: Thermospheric neutral
density scaling factors to account for future CO2 scenarios, University of Birmingham, 2024; method: Brown et al. 2021,
doi:10.1029/2021JD034589), by CO2 (369 to 890 ppm), height (200 to 1000 km) and F10.7 (70 to 200). With x = ln(CO2 / CO2
in 2000), z = (height - 600 km) / 400 km and s = (F10.7 - 135) / 65::

    ln(factor) = sum over k = 1, 2, j = 0, 1, i = 0 to 4 of c[k, j, i] x^k s^j z^i

Its residual in ln(factor) is 0.021 (root mean square) and 0.083 at most; half of that is scatter of the simulations
themselves (a parabola in x for every height and F10.7 leaves 0.018 and 0.054). The data are of version 3, which has
helium; the abstract of the paper states 30 % less at 474 ppm, 400 km and F10.7 70, they hold 27 %.

The factor is 1 in 2000 and before. The simulations are relative to that year, and are made for empirical models on the
assumption that these represent 2000 (description of the data set). Most observations in such models are older, and
contain the contraction of their time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.debris.environment.atmosphere import HEIGHTS_KM
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from stmgpu.typing import Floats

REFERENCE_YEAR = 2000.0
"""Year in which the factor is 1."""

_STEP_YEARS = 10.0
_HIGHEST_PPM = 890.0  # of the simulations

_PPM = {  # from 2000 to 2250
    "SSP1-1.9": """369.1 388.7 414.2 434.3 440.2 437.6 431.3 423.9 415.3 405.3 393.5 381.8 371.8 363.0 355.2 349.0 345.1
        342.8 342.0 342.5 343.4 343.7 343.7 343.6 343.5 343.3""",
    "SSP1-2.6": """369.1 388.7 414.2 439.6 458.2 469.3 473.7 473.1 467.4 456.9 445.6 436.2 428.3 421.5 415.7 411.1 407.9
        405.7 404.2 403.6 403.2 402.6 401.9 401.2 400.5 399.7""",
    "SSP2-4.5": """369.1 388.7 414.4 444.1 475.3 506.9 537.1 563.9 585.1 597.7 602.8 605.7 610.1 615.2 620.6 626.3 631.5
        635.8 639.2 641.6 643.1 643.7 643.3 642.1 640.0 637.0""",
    "SSP3-7.0": """369.1 388.7 415.2 451.2 493.2 540.6 593.2 651.5 716.0 787.5 867.2 950.3 1029.3 1103.5 1172.4 1235.3
        1292.1 1342.9 1387.3 1425.3 1456.8 1481.6 1499.6 1511.0 1515.7 1513.6""",
    "SSP4-3.4": """369.1 388.7 414.1 439.2 459.1 472.9 482.0 488.3 490.6 485.8 473.4 458.1 444.4 431.6 419.3 408.8 401.5
        397.0 395.0 395.2 396.2 396.5 396.4 396.1 395.7 395.2""",
    "SSP4-6.0": """369.1 388.7 414.1 444.0 478.7 515.6 552.9 589.6 622.6 649.0 668.4 683.9 699.3 714.1 728.0 741.0 752.7
        762.9 771.5 778.5 783.9 787.6 789.7 790.2 789.0 786.2""",
    "SSP5-3.4-over": """369.1 388.7 415.0 452.1 501.2 549.3 571.0 564.1 543.5 519.9 496.6 475.1 455.7 438.0 421.7 409.4
        403.6 403.2 404.7 404.9 404.7 404.2 403.7 403.1 402.5 401.8""",
    "SSP5-8.5": """369.1 388.7 414.9 451.5 500.0 562.8 643.0 743.7 864.4 998.3 1135.2 1269.3 1397.6 1519.0 1632.5 1737.3
        1832.6 1917.6 1992.1 2055.7 2108.3 2149.9 2180.5 2200.1 2208.7 2206.4""",
}

_RESPONSE = np.array(  # [power of x, less 1][power of s][power of z]
    [
        [[-0.8495, 0.0733, -0.0670, -0.3605, 0.2701], [0.1642, -0.1821, 0.5499, 0.2849, -0.4965]],
        [[-0.3086, -0.0781, -0.0567, 0.1118, -0.0255], [0.0754, 0.0643, -0.1401, -0.0597, 0.0985]],
    ]
)


class Co2Pathway:
    """Factor on the density by rising CO2, see the head of this module.

    Outside 200 to 1000 km and F10.7 70 to 200 the values at the edges hold, as does that of 890 ppm for higher
    concentrations, and that of 2250 after that year.

    Parameters
    ----------
    name : str
        One of ``stmgpu.debris.specs.CO2_PATHWAYS``.

    Raises
    ------
    InputError
        unknown pathway.

    Examples
    --------
    >>> factor = np.exp(Co2Pathway("SSP2-4.5").log_factor(np.array([2000.0, 2100.0]), np.array([70.0, 70.0])))
    >>> factor[:, HEIGHTS_KM == 400.0].round(2).ravel().tolist()
    [1.0, 0.52]
    """

    def __init__(self, name: str) -> None:
        if name not in _PPM:
            raise InputError(f"CO2 pathway {name!r} is unknown; choose one of {', '.join(_PPM)}")
        self.name = name
        self._ppm = np.array(_PPM[name].split(), np.float64)
        self._year = REFERENCE_YEAR + _STEP_YEARS * np.arange(len(self._ppm))
        z = (np.clip(HEIGHTS_KM, 200.0, 1000.0) - 600.0) / 400.0
        self._by_height = np.polynomial.polynomial.polyval(z, np.moveaxis(_RESPONSE, -1, 0))
        above = self._year[self._ppm > _HIGHEST_PPM]
        beyond = (
            f"; above {_HIGHEST_PPM:g} ppm (before {above[0]:g}) the factor of {_HIGHEST_PPM:g}" if len(above) else ""
        )
        self.notes: tuple[str, ...] = (
            f"CO2: pathway {self.name}, factor 1 in {REFERENCE_YEAR:g} (fit to WACCM-X, Brown et al. 2024){beyond}",
        )

    def concentration_ppm(self, years: Floats) -> Floats:
        """Concentration at decimal years [ppm]."""
        return np.interp(years, self._year, self._ppm)

    def log_factor(self, years: Floats, f107: Floats) -> Floats:
        """Return ln(factor on rho) on the heights of the tables, float64 [k, heights], at k years and F10.7."""
        x = np.log(np.minimum(self.concentration_ppm(years), _HIGHEST_PPM) / self._ppm[0])
        s = (np.clip(f107, 70.0, 200.0) - 135.0) / 65.0
        result = np.zeros((len(x), len(HEIGHTS_KM)))
        # term by term: a matrix product may round differently for another number of years
        for k in (0, 1):
            for j in (0, 1):
                result += (x ** (k + 1) * s**j)[:, np.newaxis] * self._by_height[k, j]
        return result
