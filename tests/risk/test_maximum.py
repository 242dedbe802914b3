"""Maximum probability: against known values, closed forms, a dense search."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, cast

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import norm
from support.paths import SHARED

from stmgpu.backend import Backend
from stmgpu.backend.cpu import usable_levels
from stmgpu.risk import encounter_geometry, frisbee_probability, maximum, maximum_probability, plane_probability
from stmgpu.typing import Floats

DATA = SHARED / "data" / "pc"


def _cases(name: str) -> list[dict[str, object]]:
    file = DATA / name
    if not file.is_file():
        pytest.skip("the shared data are not beside this checkout (../shared/data/pc)")
    cases: list[dict[str, object]] = json.loads(file.read_text())["cases"]
    return cases


def test_known_values(kernel_backend: Backend) -> None:
    """63 ratios of radius to miss, of sigmas to each other, infinite ones too."""
    cases = _cases("alfano_maxpc.json")
    ratio = np.array([float(str(case["r"])) for case in cases])
    aspect = np.array([float(str(case["AR"])) for case in cases])
    needle = np.isinf(aspect)
    found, scale = maximum_probability(
        1.0, 0.0, np.where(needle, 1.0, aspect), np.where(needle, 0.0, 1.0), ratio, backend=kernel_backend
    )
    np.testing.assert_allclose(found, [float(str(case["Pmax"])) for case in cases], rtol=1e-11)
    sigma = [float(str(case.get("sigma_minor_over_d", case.get("sigma_along_miss_over_d")))) for case in cases]
    np.testing.assert_allclose(scale, sigma, rtol=1e-6)


def test_no_scale_gives_more(kernel_backend: Backend) -> None:
    """Any direction of the miss and any shape: 4,000 scales over nine decades, and the probability at the one found."""
    rng = np.random.default_rng(1)
    scales = np.geomspace(1e-5, 1e4, 4000)
    for _ in range(12):
        aspect, radius = 10.0 ** rng.uniform(0, 3), 10.0 ** rng.uniform(-4, 1)
        angle = rng.uniform(0, np.pi / 2)
        miss = radius * 10.0 ** rng.uniform(0.01, 2)
        case = (miss * np.cos(angle), miss * np.sin(angle))
        found, scale = maximum_probability(*case, aspect, 1.0, radius, backend=kernel_backend)
        tried = plane_probability(*case, aspect * scales, scales, radius, backend=kernel_backend)
        assert found >= tried.max() * (1.0 - 1e-12)
        at = plane_probability(*case, aspect * scale, scale, radius, backend=kernel_backend)
        np.testing.assert_allclose(found, at, rtol=1e-10)


def test_small_discs_by_expansion_and_by_search(kernel_backend: Backend) -> None:
    """The expansion about the centre of the disc gives what the search gives; discs beyond its limit are searched."""
    rng = np.random.default_rng(2)
    n = 2000
    sx, sz, angle = np.ones(n), 10.0 ** rng.uniform(-4, 0, n), rng.uniform(0, np.pi / 2, n)
    in_sigmas = rng.random(n) < 0.5
    xm, zm = np.cos(angle), np.sin(angle) * np.where(in_sigmas, sz, 1.0)
    scale = np.sqrt(0.5) * np.hypot(xm / sx, zm / sz)
    radius = maximum._SMALL_DISC * scale * sz * rng.uniform(0.5, 1.0, n) * (1.0 - 1e-9)
    outside = radius < np.hypot(xm, zm)
    columns = [x[outside] for x in (xm, zm, sx, sz, radius)]
    assert outside.sum() > 1900
    assert maximum._has_small_disc(*columns).all()
    assert not maximum._has_small_disc(*columns[:4], 2.5 * columns[4]).any()
    expanded, searched = (f(columns, kernel_backend) for f in (maximum._expanded, maximum._search))
    np.testing.assert_allclose(expanded[0], searched[0], rtol=2e-14)
    np.testing.assert_allclose(expanded[1], searched[1], rtol=1e-7)
    found = maximum_probability(*columns, backend=kernel_backend)
    assert [x.tobytes() for x in found] == [x.tobytes() for x in expanded]


def test_a_row_does_not_depend_on_the_others(kernel_backend: Backend) -> None:
    """The same bytes alone, although searches of other rows take more steps."""
    rng = np.random.default_rng(5)
    sx = 10.0 ** rng.uniform(0, 4, 400)
    misses = rng.normal(size=(2, 400)) * 10.0 ** rng.uniform(-1, 5, 400)
    rows = (*misses, sx, sx * 10.0 ** rng.uniform(-4, 0, 400), 10.0 ** rng.uniform(-1, 2, 400))
    together = maximum_probability(*rows, backend=kernel_backend)
    for k in range(0, 400, 8):
        alone = maximum_probability(*(x[k : k + 1] for x in rows), backend=kernel_backend)
        assert [x[k].tobytes() for x in together] == [x[0].tobytes() for x in alone]


def test_small_disc(backend: Backend) -> None:
    """R^2 / (e s_major s_minor d_M^2) at the scale d_M / sqrt(2), for a small R."""
    xm, zm, sx, sz, radius = 300.0, 200.0, 500.0, 100.0, 0.01
    distance2 = (xm / sx) ** 2 + (zm / sz) ** 2
    found, scale = maximum_probability(xm, zm, sx, sz, radius, backend=backend)
    np.testing.assert_allclose(found, radius**2 / (np.e * sx * sz * distance2), rtol=1e-6)
    np.testing.assert_allclose(scale, np.sqrt(0.5 * distance2), rtol=1e-6)


def test_miss_within_the_radius(backend: Backend) -> None:
    found, scale = maximum_probability([5.0, 10.0], 0.0, 2.0, 1.0, 10.0, backend=backend)
    assert found.tolist() == [1.0, 0.5]
    assert scale.tolist() == [0.0, 0.0]


def test_needle_that_points_past_the_disc(backend: Backend) -> None:
    found, scale = maximum_probability(100.0, 20.0, 50.0, 0.0, 10.0, backend=backend)
    assert found == 0.0
    assert np.isnan(scale)


def test_what_has_no_maximum(backend: Backend) -> None:
    found, scale = maximum_probability(
        [1, 1, np.nan, 1], 1.0, [1, 0, 1, np.inf], [1, 0, 1, 1], [0, 1, 1, 1], backend=backend
    )
    assert found[0] == 0.0
    assert np.isnan(found[1:]).all()
    assert np.isnan(scale).all()


def _frisbee(miss: Floats, known: Floats) -> Floats:
    """The known covariance and the variance along the miss with which the miss is one sigma."""
    distance2 = miss @ np.linalg.solve(known, miss)
    summed: Floats = known + max(0.0, 1.0 - 1.0 / distance2) * np.outer(miss, miss)
    return summed


def _square(miss: float, covariance: Floats, half: float) -> float:
    """Probability of a square around the end of the miss, two of whose sides lie along it, by panels across."""
    nodes, weights = np.polynomial.legendre.leggauss(64)
    (xx, xz), (_, zz) = covariance
    z = half * nodes
    middle, sigma = xz / zz * z - miss, np.sqrt(xx - xz * xz / zz)
    within = ndtr((half - middle) / sigma) - ndtr((-half - middle) / sigma)
    return float(half * weights @ (norm.pdf(z, scale=np.sqrt(zz)) * within))


def test_one_covariance_of_cara(backend: Backend) -> None:
    """14 sample messages, either covariance left out: CARA's values, of a square of the disc's area, within 1e-3."""
    checked, discs = 0, 0
    for case in _cases("cara_sample_cdms.json"):
        one, two = (cast("dict[str, Any]", case[key]) for key in ("obj1", "obj2"))
        for expected in cast("list[dict[str, Any]]", case.get("expected_frisbee", [])):
            for known, missing in ((two, "primary"), (one, "secondary")):
                printed = expected.get(f"MaxPc_{missing}_cov_missing")
                if printed is None:
                    continue
                covariance, radius = np.array(known["C_RTN_m"], float)[:3, :3], float(expected["HBR_m"])
                pair = [
                    covariance if known is one else 0.0 * covariance,
                    covariance if known is two else 0.0 * covariance,
                ]
                found = encounter_geometry(
                    one["r_km"], one["v_kms"], pair[0], two["r_km"], two["v_kms"], pair[1], radius, backend=backend
                )
                plane = [
                    x[0] for x in (found.miss_major_m, found.miss_minor_m, found.sigma_major_m, found.sigma_minor_m)
                ]
                probability = frisbee_probability(*plane, radius, backend=backend)
                along = np.array(plane[:2]) / found.miss_m[0]
                turn = np.array([along, [-along[1], along[0]]])
                summed = turn @ _frisbee(np.array(plane[:2]), np.diag(plane[2:]) ** 2) @ turn.T
                half = 0.5 * np.sqrt(np.pi) * radius
                np.testing.assert_allclose(_square(found.miss_m[0], summed, half), printed, rtol=1e-3)
                if radius < 0.5 * plane[3]:
                    np.testing.assert_allclose(probability, printed, rtol=1e-3)
                    discs += 1
                checked += 1
    assert (checked, discs) == (56, 13)


def test_no_other_covariance_gives_more(kernel_backend: Backend) -> None:
    """A thousand random covariances of the other object, for a small disc; and the case of a miss within one sigma."""
    rng = np.random.default_rng(3)
    for xm, zm in ((900.0, 500.0), (0.0, 700.0), (2000.0, 0.0), (90.0, 30.0)):
        known = np.diag([200.0**2, 50.0**2])
        found = frisbee_probability(xm, zm, 200.0, 50.0, 0.01, backend=kernel_backend)
        roots = rng.normal(size=(1000, 2, 2)) * np.hypot(xm, zm) * 10.0 ** rng.uniform(-2, 1, (1000, 1, 1))
        values, axes = np.linalg.eigh(known + roots @ roots.transpose(0, 2, 1))
        miss = np.einsum("nji,j->ni", axes, [xm, zm])
        tried = plane_probability(*miss.T, *np.sqrt(values).T, 0.01, backend=kernel_backend)
        assert tried.max() <= found * (1.0 + 1e-9)
    inside = frisbee_probability(90.0, 30.0, 200.0, 50.0, 0.01, backend=kernel_backend)
    assert inside == plane_probability(90.0, 30.0, 200.0, 50.0, 0.01, backend=kernel_backend)


def test_one_covariance_of_any_orientation(backend: Backend) -> None:
    """The closed form against eigenvalues by LAPACK, and what has no probability."""
    rng = np.random.default_rng(4)
    for _ in range(50):
        xm, zm, radius = *(rng.normal(size=2) * 300.0), 5.0
        sx, sz = 10.0 ** rng.uniform(1, 3, 2)
        values, axes = np.linalg.eigh(_frisbee(np.array([xm, zm]), np.diag([sx**2, sz**2])))
        miss = axes.T @ [xm, zm]
        expected = plane_probability(*miss, *np.sqrt(values), radius, backend="reference")
        np.testing.assert_allclose(frisbee_probability(xm, zm, sx, sz, radius, backend=backend), expected, rtol=1e-9)
    assert np.isnan(frisbee_probability([1.0, np.nan], 1.0, [0.0, 1.0], 1.0, 1.0, backend=backend)).all()
    assert frisbee_probability(1.0, 0.0, 1.0, 1.0, 0.0, backend=backend) == 0.0


_PRINT = """
import numpy as np
from stmgpu.risk import frisbee_probability, maximum_probability
rng = np.random.default_rng(9)
size = np.ldexp(rng.uniform(0.5, 1.0, (5, 3000)), rng.integers(-6, 14, (5, 3000)))
size[3, ::3] = 0.0
found = [*maximum_probability(*size, backend="cpu"), frisbee_probability(*size, backend="cpu")]
print(*(hashlib.sha256(x.tobytes()).hexdigest() for x in found), int(np.isfinite(found[0]).sum()))
"""


@pytest.mark.slow
@pytest.mark.skipif(len(usable_levels()) < 2, reason="the processor has one instruction set for the kernels")
def test_same_bytes_on_every_processor() -> None:
    """Neither the kernels' instruction set nor that of NumPy, which takes its own, changes a digit."""
    from numpy._core import _multiarray_umath as built

    ours, theirs = usable_levels(), [f for f in built.__cpu_dispatch__ if built.__cpu_features__.get(f)]
    printed = set()
    for level, without in ((ours[0], []), (ours[-1], theirs)):
        environment = {**os.environ, "STMGPU_ISA": level, "NPY_DISABLE_CPU_FEATURES": " ".join(without)}
        done = subprocess.run(
            [sys.executable, "-c", "import hashlib" + _PRINT],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        printed.add(done.stdout)
    assert len(printed) == 1
    assert int(printed.pop().split()[-1]) > 2500
