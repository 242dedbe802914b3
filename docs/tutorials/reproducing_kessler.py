# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Reproducing a published result
#
# **Question.** In 1981 Kessler derived how often two orbits collide if nothing but their shapes is known, and applied
# it to Jupiter's outer moons: Himalia and Elara meet once in 2.4 billion years. Do we get his number? And does his
# integral agree with a screening, which follows every pair?
#
# **Method.** Evaluate the integral for his moons. Then count the passages of two families of Earth satellites whose
# nodes, perigees and anomalies are random, as the integral assumes, and compare.
#
# *D. J. Kessler (1981), Derivation of the collision probability between orbiting objects: the lifetimes of Jupiter's
# outer moons. Icarus 48, 39.*

# %%
import matplotlib.pyplot as plt
import numpy as np

import stmgpu as stm
from stmgpu.constants import EARTH
from stmgpu.debris.collisions.kessler import kessler_rate

YEAR_S = 365.25 * 86400.0

# %% [markdown]
# ## The moons
#
# Axes in km, eccentricities, inclinations in radians, radii in km, and Jupiter's gravity, as in the paper.

# %%
rate = kessler_rate(
    [11.47e6, 11.74e6], [0.1578, 0.2070], [0.48171, 0.43284], [85.0, 40.0], mu_km3_s2=1.26686534e8
)  # per second
billions = 1e-9 / (rate * YEAR_S)
assert round(billions, 1) == 2.4
f"once in {billions:.2f} billion years"

# %% [markdown]
# ## Two families of satellites
#
# A thousand objects on each of two orbits, at 66 and 98 degrees, with overlapping ranges of radius.

# %%
N, AXES_KM, ECC, INC = 1000, (7200.0, 7230.0), (0.010, 0.012), np.radians([66.0, 98.0])
rng = np.random.default_rng(1)


def angles():
    return rng.uniform(0.0, 2.0 * np.pi, 2 * N)


family = np.repeat([0, 1], N)
axis = np.array(AXES_KM)[family]
cat = stm.Catalog.from_columns(
    norad_id=np.arange(1, 2 * N + 1),
    epoch_jd=np.full(2 * N, 2_460_676.5),  # 2025-01-01
    epoch_fr=np.zeros(2 * N),
    mean_motion=60.0 * np.sqrt(EARTH.mu_km3_s2 / axis**3),  # rad/min
    eccentricity=np.array(ECC)[family],
    inclination=INC[family],
    raan=angles(),
    argp=angles(),
    mean_anomaly=angles(),
    bstar=np.zeros(2 * N),
)

# %% [markdown]
# ## Passages counted and expected
#
# The screening finds every minimum of the distance below 20 km in a day. Only pairs of one object from each family
# count. The integral takes the sum of two radii, here the distance of a passage, and is multiplied by the number of
# pairs.

# %%
HOURS, THRESHOLD_KM = 24, 20.0
con = stm.screen(cat, start="2025-01-01", hours=HOURS, threshold_km=THRESHOLD_KM)
across = (con.primary <= N).to_numpy() & (con.secondary > N).to_numpy()
miss = np.sort(con.miss_distance.to_numpy()[across])

distance = np.linspace(1.0, THRESHOLD_KM, 20)
counted = np.searchsorted(miss, distance)
per_pair = np.array([kessler_rate(AXES_KM, ECC, INC, [d, 0.0]) for d in distance])
expected = N * N * per_pair * HOURS * 3600.0

figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
axes.loglog(distance, expected, label="Kessler's integral")
axes.errorbar(distance, counted, np.sqrt(counted), fmt="o", markersize=3, label="screening")
axes.set(xlabel="distance (km)", ylabel="passages within it in a day")
_ = axes.legend()

# %%
assert abs(counted[-1] - expected[-1]) < 4.0 * np.sqrt(expected[-1])
int(counted[-1]), round(expected[-1]), round((counted[-1] - expected[-1]) / np.sqrt(expected[-1]), 1)

# %% [markdown]
# ## Answer
#
# The published number comes out, and the integral predicts the count of a screening within its statistical error (the
# last number is the difference in standard deviations). Debris studies rely on such rates, since nobody can follow
# every pair for a century.
#
# Other published results are reproduced by `stmgpu reproduce --list`.
#
# **Exercise.** Put both families at the same inclination. Why does the agreement get worse?
