# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Why no conjunction is missed
#
# 27,000 objects make 364 million pairs, and a day has 1,440 minutes. Nobody computes all those distances. stmgpu drops
# almost all pairs by cheap tests, and each test is a consequence of one bound. This page derives it and shows that it
# holds. The derivation that the code follows is at the top of `stmgpu/screen/plan.py`.

# %%
import json

import matplotlib.pyplot as plt
import numpy as np

import stmgpu as stm

# %% [markdown]
# ## The bound
#
# Cut the window into intervals, each with one sample at its middle, and write $h$ for half an interval. At a sample, a
# pair has the relative position $d$ and the relative velocity $v$. By Taylor's theorem it departs from the straight
# line $d + s v$ within the interval by at most
#
# $$ \frac{1}{2} A h^2 + e_1 + e_2, $$
#
# where $A$ bounds the relative acceleration and $e_1, e_2$ the errors of the two sampled states. Two objects that are
# close to each other feel nearly the same gravity. Only the *tidal* difference remains,
#
# $$ A \le 1.05 \, \frac{2 \mu}{r^3} \, (|d| + 1.05 \, |v| h), $$
#
# with 5 % for the oblateness of the Earth and for drag. So a pair can come within the threshold $D$ during the interval
# only if the straight line comes within
#
# $$ D + \frac{1}{2} A h^2 + e_1 + e_2. $$
#
# That is the pair test. No speed is guessed, and no pair is dropped for any other reason.

# %% [markdown]
# ## How large it is
#
# For a low orbit, against the distance that a pair covers in the same time: the curvature that is allowed for is small,
# so the test is sharp.

# %%
MU, R = 398_600.8, 7_000.0
half = np.linspace(5.0, 90.0, 100)
speed = 10.0
allowed = (
    0.5
    * 1.05
    * 2.0
    * MU
    * (speed * half + 1.05 * speed * half)
    / (R - 8.0 * half) ** 3
    * half**2
)

figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
axes.semilogy(
    2 * half, speed * half, label="path of a pair at 10 km/s in half an interval"
)
axes.semilogy(
    2 * half, allowed, "--", label="departure from a straight line that is allowed for"
)
axes.axhline(5.0, color="0.5", linewidth=0.8)
axes.text(12, 5.5, "threshold of 5 km", color="0.4")
axes.set(xlabel="length of an interval (s)", ylabel="km")
_ = axes.legend()

# %% [markdown]
# ## From pairs to cells
#
# The pair test implies that the two objects are less than $g_1 + g_2$ apart at the sample, where each gate $g$ follows
# from one object's own speed. Objects are sorted into cells at least twice as wide as their gates, so partners lie in
# the same cell or in one of its 26 neighbours. In low orbits a second gate compares the distances from the Earth's
# centre, which hardly change within an interval; it leaves one pair of 22.
#
# ## Measured in every run
#
# A proof can be wrong, and so can a program. Every run therefore takes a sample of its own pairs and measures with full
# SGP4 how far they depart from the straight line, divided by what is allowed. The largest ratio must stay below one.

# %%
ratios = {}
for step in (30, 60, 120):
    con = stm.screen(
        stm.synthetic_catalog(3000, seed=6), hours=3, threshold_km=10, step_s=step
    )
    certificate = json.loads(con.attrs["certificate"])
    assert certificate["complete"]
    ratios[step] = (
        certificate["largest_ratio"],
        certificate["pairs_measured"],
        con.sizes["conjunction"],
    )

figure, axes = plt.subplots(figsize=(7, 2.6), layout="constrained")
axes.barh([f"{step} s" for step in ratios], [ratio for ratio, _, _ in ratios.values()])
axes.axvline(1.0, color="0.3", linestyle="--")
axes.text(0.99, 0.5, "bound", ha="right", color="0.3")
axes.set(xlabel="largest measured departure over the bound", ylabel="interval")
ratios

# %% [markdown]
# The last number of each entry is the number of conjunctions: it does not depend on the interval.
#
# ## What the proof does not cover
#
# - **The orbits.** The bound is about the motion that SGP4 or a trajectory describes, not about where the objects are.
# - **Objects without states.** Where SGP4 fails, there is nothing to compare. Such objects are listed.
# - **Objects outside the catalogue.**
#
# The tests attack the claim in other ways too: by brute force over all pairs, without any of these bounds, and by pairs
# built to pass on every boundary ([Claims and tests](../../README.md#claims-and-tests)).
