# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---
# %% [markdown]
# # From conjunctions to a decision
#
# **Question.** A screening gives hundreds of conjunctions. Which of them need a decision, and which will still need one
# when better data have arrived?
#
# **Method.** Give every conjunction a collision probability, sort them by lines in probability, and forecast for the
# few at the top what half of the uncertainty would say. It takes some seconds and writes `decisions.zarr` to the
# current folder.

# %%
import json

import matplotlib.pyplot as plt
import numpy as np

import stmgpu as stm
from stmgpu.risk.decision import encounter_forecast
from stmgpu.risk.triage import DECISIONS, ranked

# %% [markdown]
# ## Conjunctions
#
# As `stmgpu screen catalog.tle --hours 12 --threshold-km 10 --out decisions.zarr` does.

# %%
cat = stm.synthetic_catalog(3000, seed=1)
stm.screen_to_store(cat, "decisions.zarr", hours=12, threshold_km=10)

# %% [markdown]
# ## Probabilities
#
# As `stmgpu assess decisions.zarr --covariance rtn:100,300,100 --radii fixed:20` does. Element sets have no
# covariances. Here one of 100 m radially and across the track and 300 m along it stands for all of them, as in
# SOCRATES, and one combined radius; `--covariance tle`, the default, is a statistical model by regime and age. Such
# probabilities rank conjunctions, and do not suffice for decisions about manoeuvres; a file with covariances of your
# own does.

# %%
stm.assess_store("decisions.zarr", covariance="rtn:100,300,100", radii="fixed:20")
con = stm.open_dataset("decisions.zarr")
(
    con.attrs["covariance_model"],
    con.attrs["hard_body_rule"],
    json.loads(con.attrs["triage_counts"]),
)

# %% [markdown]
# The window's expected collisions, and how many conjunctions have no valid probability, such as those of docked
# objects:

# %%
con.attrs["expected_collisions"], con.attrs["rows_without_probability"]

# %% [markdown]
# ## Triage
#
# Every row has a decision and its reason. `improve` means that the probability is diluted, so that better data may
# raise it above the red line, or that there is no probability to rely on, and its maximum is above the line.

# %%
{
    name: con.triage_reason.to_numpy()[con.triage == code][:1]
    for code, name in DECISIONS.items()
}

# %% [markdown]
# ## What will better data say?
#
# Suppose that half of the sigmas will be left when the decision is due. New data will also move the miss. `p_act` is
# the probability that Pc will then be at or above the red line.

# %%
some = con.isel(conjunction=np.flatnonzero((con.pc_method != 0) & (con.triage != 0)))
pairs = stm.encounters(some)
states = pairs.state_1.to_numpy(), pairs.state_2.to_numpy()
now = tuple(c.to_numpy()[:, :3, :3] for c in (pairs.covariance_1, pairs.covariance_2))
then = tuple(c / 4 for c in now)
radius_m = some.hard_body_radius.to_numpy()
forecast = encounter_forecast(states, now, then, radius_m=radius_m, line=1e-4)

# %% [markdown]
# The most urgent ones first: `act`, then `improve` by the forecast.

# %%
order = ranked(
    some.triage.to_numpy(), some.pc.to_numpy(), some.pc_max.to_numpy(), forecast.p_act
)[:10]
table = (
    some[["primary", "secondary", "miss_distance", "pc", "pc_max", "triage"]]
    .isel(conjunction=order)
    .to_dataframe()
)
table.assign(p_act=forecast.p_act[order])

# %% [markdown]
# ## Where they lie
#
# Each conjunction with its miss distance and probability. Many probabilities of close passages are small because the
# uncertainty is large: they are diluted. The line is the one above which a decision is due.

# %%
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for code, name in DECISIONS.items():
    rows = con.isel(conjunction=((con.triage == code) & (con.pc > 1e-12)).to_numpy())
    axes.loglog(rows.miss_distance, rows.pc, "osD^"[code % 4], markersize=4, label=name)
axes.axhline(1e-4, color="0.5", linewidth=0.8)
axes.set(xlabel="miss distance (km)", ylabel="collision probability")
_ = axes.legend()

# %% [markdown]
# ## Answer
#
# The table names those that need a decision today, and `p_act` how likely each of them will need one later. Even the
# first will probably not all need a manoeuvre, and one of the last may. The sum of the forecasts is the number to be
# expected above the line when the decisions are due:

# %%
len(some.tca), forecast.p_act.sum()

# %% [markdown]
# **Exercise.** Halve the sigmas: assess with `rtn:50,150,50`. Which way does the probability of the closest conjunction
# move, and which way that of the farthest?
