"""States of esa/cascade."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.paths import SHARED

from stmgpu.debris.population import FILLED_MASS, Kind
from stmgpu.debris.population.cascade import read_cascade
from stmgpu.debris.population.sources import load_population
from stmgpu.debris.specs import PopulationSpec
from stmgpu.errors import InputError
from stmgpu.propagate.kepler import states_of

DATA = SHARED / "data" / "debris"


def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def cascade(path: Path, radius: tuple[float, float, float] = (0.15, 0.55, 2.0)) -> tuple[Any, ...]:
    elements = (
        [7000.0, 7200.0, 7500.0],
        [0.001, 0.02, 0.1],
        [1.7, 0.9, 1.2],
        [1.0, 2.0, 3.0],
        [0.5, 1.5, 2.5],
        [0.1, 3.0, 5.0],
    )
    r, v = states_of(elements, mu_km3_s2=398600.4418)
    rows = np.column_stack([r * 1e3, v * 1e3, radius])
    path.write_text("\n".join(repr(float(x)) for x in rows.ravel()) + "\n")
    return elements


def test_states_of_cascade(tmp_path: Path) -> None:
    elements = cascade(tmp_path / "ic.txt")
    population = read_cascade(tmp_path / "ic.txt", rng())
    for name, values in zip(("a_km", "ecc", "inc_rad", "raan_rad", "argp_rad", "mean_rad"), elements, strict=True):
        np.testing.assert_allclose(getattr(population, name), values, rtol=1e-7, atol=10.0 if name == "a_km" else 0.0)
    assert population.radius_m.tolist() == [0.15, 0.55, 2.0]
    assert (population.kind == Kind.UNATTRIBUTED).all()
    assert ((population.filled & FILLED_MASS) > 0).all()
    # 92.937 L^-0.74 pi L^3 / 6 with L = 4 m
    assert population.mass_kg[2] == pytest.approx(92.937 * 4.0**-0.74 * np.pi * 64.0 / 6.0)
    # B* = rho0 C_d A / (2 m) with rho0 = 0.157 kg/m^2 per Earth radius
    b_star = np.array([1e-4, 0.0, -1e-5])
    (tmp_path / "par.txt").write_text("\n".join(str(b / 6378135.0) for b in b_star))
    with_drag = read_cascade(tmp_path / "ic.txt", rng(), par=tmp_path / "par.txt")
    np.testing.assert_allclose(with_drag.area_to_mass, [2.0 * 1e-4 / (0.157 * 2.2), 1e-9, 1e-9])


def test_mistakes_in_files_of_cascade(tmp_path: Path) -> None:
    file = tmp_path / "ic.txt"
    with pytest.raises(InputError, match="cannot be read"):
        read_cascade(file, rng())
    file.write_text("1\n2\nthree\n")
    with pytest.raises(InputError, match=r"line 3: 'three' is not a number"):
        read_cascade(file, rng())
    file.write_text("1\n2\n")
    with pytest.raises(InputError, match="2 numbers; 7 an object"):
        read_cascade(file, rng())
    cascade(file, (0.15, -1.0, 2.0))
    with pytest.raises(InputError, match="line 14: a radius of -1"):
        read_cascade(file, rng())
    cascade(file)
    (tmp_path / "par.txt").write_text("1e-11\n2e-11\n")
    with pytest.raises(InputError, match="2 numbers for the 3 objects"):
        read_cascade(file, rng(), par=tmp_path / "par.txt")
    file.write_text("\n".join(str(float(line) * 1e-3) for line in file.read_text().split()))
    with pytest.raises(InputError, match="m and m/s"):
        read_cascade(file, rng())


def test_published_states_of_cascade() -> None:
    file = DATA / "cascade" / "test_ic_19647.txt"
    if not file.is_file():
        pytest.skip(f"{file} is not there")
    population = load_population(PopulationSpec(source="cascade", path=file, max_perigee_km=1e5))
    assert len(population) == 19_647
    np.testing.assert_allclose(
        np.percentile(population.radius_m, [5, 25, 50, 75, 95]), [0.043, 0.069, 0.15, 0.69, 2.0], rtol=0.03
    )
