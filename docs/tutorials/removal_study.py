# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---
# %% [markdown]
# # What is it worth to remove this object?
#
# **Question.** Twelve objects can be removed from a crowded population. Which twelve, and what does it change?
#
# **Method.** Screen the population for a week to find candidates, write a policy of one's own, evolve the population
# for eight years without removal and with three policies, in two tasks as on a cluster, and compare run by run. It
# takes some ten seconds of one core and writes `removal_study.*` to the current folder.

# %%
import csv
import shutil
from pathlib import Path

import numpy as np

import stmgpu as stm
from stmgpu.debris import statistics as st
from stmgpu.debris.collisions.deterministic import deterministic_collisions
from stmgpu.debris.population import CLASS_NAMES, Kind
from stmgpu.debris.specs import PopulationSpec
from stmgpu.report.study import print_study

# %% [markdown]
# ## A population
#
# The population is a toy, so that the tutorial takes seconds: a twentieth of what is in low orbit, with bodies
# twenty-five times as wide. The number of collisions grows with the square of both, so there are about as many per year
# as in reality. For a real study leave this out, put `source = "synthetic"` or a file of yours into the scenario
# (docs/guide/debris-populations.md), and use 100 years and 100 runs.

# %%
OBJECTS, WIDER = 800, 25.0
YEARS, RUNS, STEP_DAYS = 8, 3, 30.0  # for real: 100, 100, 5.0

drawn = stm.load_population(
    PopulationSpec(objects=OBJECTS, seed=1, constellations=False)
)
columns = {
    "norad_id": np.arange(1, len(drawn) + 1), "object_type": [CLASS_NAMES[kind] for kind in drawn.kind],
    "a_km": drawn.a_km, "ecc": drawn.ecc, "inc_deg": np.degrees(drawn.inc_rad), "raan_deg": np.degrees(drawn.raan_rad),
    "argp_deg": np.degrees(drawn.argp_rad), "mean_anomaly_deg": np.degrees(drawn.mean_rad), "mass_kg": drawn.mass_kg,
    "radius_m": WIDER * drawn.radius_m, "area_to_mass": drawn.area_to_mass, "length_m": drawn.length_m,
    "launch_date": drawn.launch_year,
}  # fmt: skip
with Path("removal_study.csv").open("w", newline="", encoding="utf-8") as file:
    rows = csv.writer(file)
    rows.writerow(columns)
    rows.writerows(zip(*columns.values(), strict=True))

spec = PopulationSpec(source="table", path=Path("removal_study.csv"), year=2025.0)
population = stm.load_population(spec)
dict(
    zip(
        CLASS_NAMES,
        np.bincount(population.kind, minlength=len(CLASS_NAMES)),
        strict=True,
    )
)

# %% [markdown]
# ## From conjunctions to candidates
#
# Screen all against all for a week, with a threshold much larger than the objects. A conjunction within a distance D
# represents (R/D)² collisions, and each collision the fragments that the breakup model expects. Objects are ranked by
# how many fragments their removal would prevent. `share_removed` is the share prevented by removing an object and all
# those above it.

# %%
con, rates = deterministic_collisions(population, days=7, threshold_km=20)
value = st.removal_value(con, population)
(
    rates["conjunctions"],
    rates["rate"],
    rates["sigma"],
)  # sigma: of the rate, if conjunctions are independent

# %%
value[["norad_id", "mass", "conjunctions", "value", "share_removed"]].isel(
    object=slice(8)
).to_dataframe()

# %% [markdown]
# Active satellites are no candidates, and fragments are too many. That leaves derelict payloads and rocket bodies.

# %%
candidate = np.isin(value.kind, [Kind.DERELICT, Kind.ROCKET_BODY])
wanted = value.norad_id.to_numpy()[candidate][:12].tolist()
assert set(wanted) <= set(population.norad_id.tolist())

# %% [markdown]
# ## A policy of your own
#
# A policy is a class with a rank and a score; this one prefers old objects among the heavy ones. `view` also has rates,
# lifetimes, orbits and owners. The class goes into a file, so that every worker of a cluster can run it, and a copy of
# the file is kept in the store.

# %%
Path("removal_study_policy.py").write_text(
    """
from typing import Literal

import numpy as np
from stmgpu.debris.policy import RankedRemoval


class OldestFirst(RankedRemoval):
    rank: Literal["oldest first"] = "oldest first"

    def score(self, view):
        return np.where(view.mass_kg >= 500.0, view.age_years, 0.0)  # 0: not eligible
""",
    encoding="utf-8",
)

# %% [markdown]
# ## Scenarios
#
# The four scenarios differ only in what is removed: nothing, or twelve objects in three years, chosen in one of three
# ways. The first scenario is the baseline for the others.
#
# Two bodies this wide that share a cell for a month are almost certain to collide, and probabilities are limited to
# one. So each step takes 24 samples, each for a 24th of the step. A real population needs only one.

# %%
missions = "per_year = 4\nfrom_year = 2026\nuntil_year = 2029"
Path("removal_study.toml").write_text(
    f"""
years = {YEARS}
runs = {RUNS}

[population]
source = "table"
path = "removal_study.csv"
year = 2025.0

[environment]
solar = {{ model = "sinusoid" }}

[collisions]
step_days = {STEP_DAYS}
resamples = 24

[[scenario]]
name = "no removal"

[[scenario]]
name = "screening list"
[[scenario.removal]]
rank = "list"
ids = {wanted}
{missions}

[[scenario]]
name = "P*m"
[[scenario.removal]]
rank = "risk"
{missions}

[[scenario]]
name = "oldest first"
[[scenario.removal]]
rank = "oldest first"
{missions}
""",
    encoding="utf-8",
)

# %% [markdown]
# ## Runs, as on a cluster
#
# The study goes into a store, run by run. Two tasks share the runs, as in a Slurm array; here one follows the other:
# `slurm/submit.sh --array=0-1 slurm/evolve_array.sbatch removal_study.toml --policies removal_study_policy.py --out
# removal_study.zarr`. A task that is killed is started again and goes on. Runs can be added later, and only these are
# computed.

# %%
shutil.rmtree("removal_study.zarr", ignore_errors=True)
study = {
    "study": "removal_study.toml",
    "path": "removal_study.zarr",
    "policies": "removal_study_policy.py",
}
for task in range(2):
    outcome = stm.evolve_to_store(**study, executor=stm.SlurmArray((task, 2)))
assert outcome.complete
stm.evolve_to_store(**study, runs=RUNS + 1, if_exists="append")
ds = stm.open_dataset("removal_study.zarr", kind="ensemble")
dict(ds.sizes)

# %% [markdown]
# The mass balance closes. Until the first removal, run k is the same in every scenario, because the random numbers are.

# %%
assert float(abs(ds.mass_balance).max()) < 1e-9
before = ds.population.sel(time=slice(None, 2026))
assert (before == before.isel(scenario=0)).all()

# %% [markdown]
# ## The table
#
# With so few runs the intervals are wide, and with fewer than ten they are unreliable; the table says so. That so few
# removals change so much is due to the toy population, too: bodies this wide set off chains of collisions.

# %%
print_study(ds)

# %% [markdown]
# ## The difference
#
# Compare run by run, not mean against mean. `gain` tells how many times as many runs you would need without common
# random numbers. It is small if a policy changes the whole course of a run.

# %%
end = ds.isel(time=[-1])
st.paired_difference(end, "population").isel(time=0).to_dataframe()

# %% [markdown]
# The effective reduction factor is the reduction in objects per object removed. The object itself counts 1 (less, if it
# would have decayed anyway); the rest are fragments that were never produced.

# %%
st.effective_reduction_factor(end).isel(time=0)[
    ["estimate", "lower", "upper", "removed"]
].to_dataframe()

# %% [markdown]
# Collisions avoided per removal, from the expected channel. It sums probabilities instead of the collisions that
# happened, and varies less.

# %%
avoided = st.collisions_avoided_per_removal(end).isel(time=0)
avoided[["estimate", "lower", "upper"]].to_dataframe()

# %% [markdown]
# The cost of each collision avoided at prices of your own, and whether it is less than the damage of a collision.

# %%
prices = {"per_removal": 10.0, "per_collision": 500.0, "discount_rate": 0.03}
st.cost_per_collision_avoided(ds, prices)[
    ["cost_per_collision", "net_present_value"]
].to_dataframe()

# %% [markdown]
# ## Removal evaluated on stored runs
#
# How many collisions of the runs without removal involve an object of the list, or follow from a collision that does?
# This needs no new run. It is an upper bound for the collisions avoided, because objects that survive may collide
# later.

# %%
year_of = {norad: 2026.0 + k // 4 for k, norad in enumerate(wanted)}
pruned = st.collisions_without(
    ds.isel(scenario=[0], event=(ds.event_scenario == 0).to_numpy()),
    year_of,
    by="norad",
)
kept = st.collisions(ds).isel(time=-1).sel(scenario="screening list")
pruned[["collisions", "collisions_left"]].isel(scenario=0).assign(
    with_the_policy=kept
).to_dataframe()

# %% [markdown]
# ## Genealogy
#
# Every fragment carries the id of its breakup. In a collision of generation 1, both objects were there at the start.

# %%
family = st.genealogy(ds)
is_collision = (ds.event_type < 2).to_numpy()
dict(
    zip(
        *np.unique(family.generation.to_numpy()[is_collision], return_counts=True),
        strict=True,
    )
)

# %% [markdown]
# ## The figure
#
# Population, collisions, differences with their intervals, and density by altitude. `stmgpu study removal_study.zarr
# --plot removal_study.png` draws the same figure.

# %%
figure = stm.plot.overview(ds)
stm.plot.save(figure, "removal_study.png")
figure

# %% [markdown]
# ## Answer
#
# The table of differences and the figure say which policy leaves fewer objects, and whether the interval excludes zero.
# With four runs it mostly does not: the honest answer is to run more (`st.required_runs` says how many).
#
# **Exercise.** Add a control that removes twelve objects at random (`rank = "random"`). Is any policy better than
# chance?
