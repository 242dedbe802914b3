# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # A breakup and its Gabbard diagram
#
# **Question.** A satellite is shattered at 850 km. Where do the fragments go, and how many are gone after five years?
#
# **Method.** Draw the fragments of a catastrophic collision by NASA's Standard Breakup Model, put them on orbits, and
# let them decay. A Gabbard diagram plots apogee and perigee of every fragment against its period. It shows the
# direction of the kick at one glance.

# %%
import matplotlib.pyplot as plt
import numpy as np

import stmgpu as stm
from stmgpu.constants import EARTH
from stmgpu.debris.breakup import Body, collision
from stmgpu.debris.environment import Environment
from stmgpu.debris.environment.atmosphere import Exponential
from stmgpu.debris.environment.lifetime import Lifetime

# %% [markdown]
# ## The fragments
#
# A satellite of 900 kg is hit by a stage fragment of 20 kg at 11 km/s. Above 40 J per gram of the heavier body both are
# destroyed. Mass is conserved: fragments, large remnants, and the mass of pieces below 10 cm add up to the two bodies.

# %%
rng = np.random.default_rng(7)
debris = collision(
    Body(900.0, 3.0), Body(20.0, 0.5), speed_km_s=11.0, rng=rng, min_length_m=0.1
)
assert debris.catastrophic
assert abs(debris.closure) < 1e-12
f"{len(debris)} pieces, {debris.energy_j_g:.0f} J/g, {debris.mass_below_kg:.0f} kg in pieces below 10 cm"

# %% [markdown]
# ## Their orbits
#
# The parent moves on a circle at 850 km, x up, y ahead. A fragment keeps the place and gets its kick on top of the
# velocity of the parent.

# %%
MU, RADIUS = EARTH.mu_km3_s2, EARTH.radius_km
r = RADIUS + 850.0
speed = np.sqrt(MU / r)
velocity = np.array([0.0, speed, 0.0]) + debris.delta_v_km_s
axis = 1.0 / (2.0 / r - (velocity**2).sum(axis=1) / MU)
bound = axis > 0
momentum = np.cross(np.broadcast_to([r, 0.0, 0.0], velocity.shape), velocity)
ecc = np.sqrt(np.maximum(1.0 - (momentum**2).sum(axis=1) / (MU * axis), 0.0))
perigee = axis * (1.0 - ecc) - RADIUS
f"{bound.sum()} stay in orbit, {(perigee[bound] < 120.0).sum()} of them reach the atmosphere at once"

# %% [markdown]
# ## The diagram
#
# Fragments that were kicked ahead keep their perigee at 850 km and rise on the other side: the arm to the upper right.
# Those kicked back keep their apogee and sink: the arm to the lower left. Kicks up or down spread both.

# %%
axes = stm.plot.gabbard(debris, state=[r, 0.0, 0.0, 0.0, speed, 0.0])
_ = axes.set(xlim=(93.0, 128.0), ylim=(0.0, 3200.0))

# %% [markdown]
# ## How long they stay
#
# Lifetimes under drag in a mean atmosphere, from each fragment's own area-to-mass ratio (drag coefficient 2.2). Light
# fragments, thin plates and foil, decay within years; compact ones stay for centuries.

# %%
environment = Environment(Exponential(), 2025.0, 2035.0)
lifetime = Lifetime(
    environment.log_density([2025.0])[0], environment.lowest_km, environment.spacing_km
)
years = lifetime.years(
    axis[bound], ecc[bound], ballistic_m2_kg=2.2 * debris.area_to_mass[bound]
)

figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
axes.loglog(debris.area_to_mass[bound], np.clip(years, 0.1, 1e5), ".", markersize=3)
axes.axhline(5.0, color="0.5", linewidth=0.8)
_ = axes.set(xlabel="area to mass (m²/kg)", ylabel="years in orbit")
f"{np.mean(years < 5.0):.0%} decay within five years, {np.mean(years > 100.0):.0%} stay for more than a century"

# %% [markdown]
# ## Answer
#
# The fragments spread over hundreds of kilometres at once, along two arms. The last line says which share is gone after
# five years. A real breakup may differ: single events produced several times as many fragments as the model predicts.
#
# **Exercise.** Shatter the satellite at 500 km instead. Which share is gone after five years?
