# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # How well must a constellation be disposed of?
#
# **Question.** A constellation of 1,000 satellites flies at 1,200 km, where nothing decays. What does it leave behind
# if 80 or 99 % of its satellites are disposed of at the end of their lives?
#
# **Method.** Evolve the same population without and with the constellation, run by run with the same random numbers.
# Collisions are counted by their expected number, which needs few runs. For a real study use the whole population, 100
# years and steps of 5 days: `stmgpu scenario mega.toml --name megaconstellation`.

# %%
from pathlib import Path

import matplotlib.pyplot as plt

import stmgpu as stm
from stmgpu.debris import statistics as st

# %% [markdown]
# ## Scenarios
#
# The scenarios differ in one key each. The first is the baseline of the others.

# %%
Path("constellation_study.toml").write_text(
    """
years = 20
runs = 3

[population]
objects = 2000
constellations = false

[environment]
solar = { model = "sinusoid" }

[collisions]
estimator = "expected"
avoidance = 0.0                 # active satellites avoid everything that is tracked
step_days = 30.0

[disposal]
constellation_rule_years = 1.0  # what is disposed of decays within a year

[[launches.constellations]]
name = "mega"
altitude_km = 1200.0
inclination_deg = 87.9
planes = 20
per_plane = 50
mass_kg = 150.0
radius_m = 1.0
from_year = 2024
build_years = 3
life_years = 4
until_year = 2036

[[scenario]]
name = "without it"
launches = { constellations = [] }

[[scenario]]
name = "80 % disposed of"
disposal = { constellation = 0.80 }

[[scenario]]
name = "99 % disposed of"
disposal = { constellation = 0.99 }
""",
    encoding="utf-8",
)
ds = stm.evolve("constellation_study.toml")
dict(ds.sizes)

# %% [markdown]
# ## What it leaves behind
#
# Satellites at the end of their lives count as derelict until they have decayed. Those that were not disposed of stay
# at an altitude where nothing decays for centuries.

# %%
derelict = ds.number.sum("shell").sel({"class": "derelict payload"}).mean("run")
figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
for line, scenario in zip(
    ("-", "--", ":"), ds.scenario.to_numpy().tolist(), strict=True
):
    axes.plot(ds.time, derelict.sel(scenario=scenario), line, label=scenario)
axes.set(xlabel="year", ylabel="derelict payloads")
_ = axes.legend()

# %% [markdown]
# ## The difference, run by run
#
# The interval is of the mean difference from the baseline. `gain` says how many times as many runs would be needed
# without common random numbers.

# %%
end = ds.isel(time=[-1])
st.paired_difference(end, "population").isel(time=0).to_dataframe()

# %%
st.paired_difference(end, "expected_catastrophic").isel(time=0).to_dataframe()

# %% [markdown]
# The same difference by year:

# %%
_ = stm.plot.difference(ds, variable="expected_catastrophic")

# %% [markdown]
# ## Answer
#
# The first table says how many more objects there are at the end, the second how many more catastrophic collisions are
# expected up to then. What counts is the share that is *not* disposed of: 20 % leave twenty times as many dead
# satellites as 1 %, and collisions grow faster than their number, since the dead also meet one another.
#
# **Exercise.** Put the constellation at 550 km (`altitude_km = 550.0`). Why does disposal matter so much less there?
