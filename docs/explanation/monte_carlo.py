# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Monte Carlo: how many runs, and compared how
#
# A population of a century is one throw of the dice: a few collisions, or none, decide what happens. A study therefore
# makes many runs. This page shows what their mean is worth, and why two scenarios must be compared run by run.

# %%
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from stmgpu.debris import statistics as st

# %% [markdown]
# ## The error of a mean
#
# Let runs scatter by a standard deviation of 35 % of their mean, which is usual after a century. The half-width of the
# 95 % interval of the mean falls with the square root of the number of runs: four times the runs, half the width.

# %%
runs = np.arange(2, 201)
figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
axes.loglog(runs, 1.96 * 35.0 / np.sqrt(runs))
needed = int(st.required_runs(0.35, 0.10))
axes.plot(needed, 10.0, "o")
axes.annotate(
    f"{needed} runs for 10 %", (needed, 10.0), xytext=(8, 8), textcoords="offset points"
)
_ = axes.set(xlabel="runs", ylabel="half-width of the interval (%)")

# %% [markdown]
# ## Common random numbers
#
# In stmgpu run $k$ of every scenario uses the same random numbers, each keyed by what it is for: the launch of this
# object, the collision of this pair in this step. Until a policy acts, the runs are equal; afterwards they differ by
# what the policy changed. The difference of two runs then scatters much less than the runs themselves:
#
# $$ \mathrm{Var}(X - Y) = \mathrm{Var}(X) + \mathrm{Var}(Y) - 2 \, \mathrm{Cov}(X, Y). $$
#
# A toy shows it. Each run has a number that both scenarios share (the course of the run), and a small one of its own.
# The policy lowers the population by 3 %.

# %%
rng = np.random.default_rng(3)
common = rng.normal(0.0, 35.0, 30)
without = 100.0 + common + rng.normal(0.0, 4.0, 30)
removal = 97.0 + common + rng.normal(0.0, 4.0, 30)
alone = 97.0 + rng.normal(0.0, 35.0, 30)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
left.plot(without, removal, "o", markersize=4)
left.axline((100.0, 100.0), slope=1.0, color="0.5", linewidth=0.8)
left.set(xlabel="run without removal", ylabel="same run with removal")
for place, (name, difference) in enumerate(
    {"run by run": removal - without, "independent": alone - without}.items()
):
    interval = st.bootstrap_interval(xr.DataArray(difference, dims="run"), seed=1)
    mean, low, high = (float(interval[key]) for key in ("estimate", "lower", "upper"))
    right.errorbar(mean, place, xerr=[[mean - low], [high - mean]], fmt="o", capsize=3)
    right.text(high + 1.0, place, name, va="center")
right.axvline(0.0, color="0.5", linewidth=0.8)
_ = right.set(
    xlabel="difference and its 95 % interval",
    yticks=[],
    ylim=(-0.6, 1.6),
    xlim=(-32, 35),
)

# %% [markdown]
# `paired_difference` gives such intervals, and with them the `gain`: how many times as many independent runs the same
# width would need.
#
# ## Expected instead of sampled
#
# A collision that happened or not is a coin with a small probability. Adding up the probabilities instead leaves out
# the last throw, with the same mean and less scatter. stmgpu counts both ways in every run (`collisions` and
# `expected_catastrophic`). Use sums of probabilities for means, and sampled collisions for spread and tails.
#
# ## What intervals do not say
#
# They tell how well the mean *of this model* is known. The model has errors that no number of runs reduces: the initial
# population, the launches, the breakup model, the Sun. With fewer than ten runs an interval is unreliable in itself,
# and every table and figure says so.
