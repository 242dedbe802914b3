# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # The breakup model, and a wrong sum of masses
#
# How heavy are the fragments of a collision? NASA's Standard Breakup Model (Johnson et al. 2001) gives the number of
# fragments by length and their area-to-mass ratio as a random quantity. Masses follow from both. Some public codes read
# one formula of the model in a way that loses up to half of the mass. This page shows how.

# %%
import matplotlib.pyplot as plt
import numpy as np

from stmgpu.debris.breakup.area_to_mass import draw_chi, large_law
from stmgpu.debris.breakup.size_law import (
    area_of_length,
    draw_length,
    expected_count,
    expected_mass,
)

# %% [markdown]
# ## Two readings of a formula
#
# For fragments above 11 cm, $\chi = \log_{10}(A/m)$ has the density
#
# $$ p(\chi) = \alpha \, N(\mu_1, \sigma_1) + (1 - \alpha) \, N(\mu_2, \sigma_2). $$
#
# This is a sum of *densities*: a fragment belongs to one of two kinds, compact pieces or thin plates, with probability
# $\alpha$ or $1 - \alpha$. Reading it as a sum of *random numbers*, $\chi = \alpha X_1 + (1 - \alpha) X_2$, keeps the
# mean but makes one kind of the two, somewhere between them.

# %%
rng = np.random.default_rng(1)
N, LENGTH = 200_000, 0.5
mixture = draw_chi(np.full(N, LENGTH), rocket_body=False, rng=rng)
alpha, mu1, sigma1, mu2, sigma2 = (
    float(x) for x in large_law(LENGTH, rocket_body=False)
)
weighted = alpha * rng.normal(mu1, sigma1, N) + (1.0 - alpha) * rng.normal(
    mu2, sigma2, N
)

figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
bins = np.linspace(-3.5, 0.5, 120)
axes.hist(mixture, bins, density=True, histtype="step", label="mixture of densities")
axes.hist(
    weighted,
    bins,
    density=True,
    histtype="step",
    linestyle="--",
    label="weighted sum of random numbers",
)
axes.set(xlabel="log10 of area to mass (m²/kg), fragments of 50 cm", ylabel="density")
_ = axes.legend()
f"mean {mixture.mean():.2f} and {weighted.mean():.2f}, standard deviation {mixture.std():.2f} and {weighted.std():.2f}"

# %% [markdown]
# ## What it does to the mass
#
# The mass of a fragment is its area times $10^{-\chi}$. That is a convex function: the heavy tail of the mixture
# carries most of the mass, and the weighted sum has no heavy tail. Here is the mass of all fragments from 11 cm to 1 m
# of a catastrophic collision, by the length from which they are counted.

# %%
M = 1510.0  # mass of both bodies (kg), as in the collision of 2009
length = draw_length(400_000, low_m=0.11, high_m=1.0, event="collision", rng=rng)
alpha, mu1, sigma1, mu2, sigma2 = large_law(length, rocket_body=False)
both = {
    "mixture of densities": draw_chi(length, rocket_body=False, rng=rng),
    "weighted sum": alpha * rng.normal(mu1, sigma1)
    + (1.0 - alpha) * rng.normal(mu2, sigma2),
}
number = float(expected_count(M, 0.11) - expected_count(M, 1.0))
order = np.argsort(length)[::-1]
figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
totals = {}
for line, (name, chi) in zip(("-", "--"), both.items(), strict=True):
    mass = area_of_length(length) * 10.0**-chi
    totals[name] = float(mass.mean() * number)
    axes.semilogx(
        length[order], np.cumsum(mass[order]) * number / len(mass), line, label=name
    )
axes.set(xlabel="shortest fragment counted (m)", ylabel="mass of all fragments (kg)")
_ = axes.legend()
exact = float(expected_mass(M, rocket_body=False, low_m=0.11))
assert abs(totals["mixture of densities"] / exact - 1.0) < 0.05
{name: round(total) for name, total in totals.items()}, round(exact)

# %% [markdown]
# ## Why it matters
#
# The lost mass has to go somewhere. A code that balances the mass puts it into large remnants, which collide again; one
# that does not, loses it. Fragments that are too light decay too fast. stmgpu draws from the mixture, and closes the
# balance of mass and momentum of every breakup to rounding. `benchmarks/reproduce/breakup_model.py` compares counts and
# masses with published values; [Debris](../../benchmarks/results/debris.md) has the figures.
#
# ## What the model cannot do
#
# It describes a mean breakup of an ordinary spacecraft or stage at high speed. Single events differ: Fengyun-1C left
# more than three times as many fragments as the model says. [How debris evolution
# works](../guide/debris-method.md#breakups) tells what stmgpu does where the model is silent.
