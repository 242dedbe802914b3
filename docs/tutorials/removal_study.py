# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---
# ruff: noqa: D100, D101, D102

# %% [markdown]
# # What is it worth to remove this object?
#
# From a week of warnings to a list of objects, from the list to a policy, from policies to runs of eight years, and
# from these to a figure with intervals. It takes some ten seconds of one core and writes `removal_study.*` in the
# current folder. Open it as a notebook with jupytext, or run it: `python docs/tutorials/removal_study.py`.

# %%
import csv
from pathlib import Path
from typing import Literal

import numpy as np

import stmgpu as stm
from stmgpu.debris import statistics as st
from stmgpu.debris.collisions.deterministic import deterministic_collisions
from stmgpu.debris.policy import RankedRemoval
from stmgpu.debris.population import CLASS_NAMES, Kind
from stmgpu.debris.specs import PopulationSpec
from stmgpu.report.study import plot_study, print_study

# %% [markdown]
# ## A population
#
# A toy, so that it takes seconds: a twentieth of what is in low orbit, with bodies twenty-five times as wide.
# Collisions go with the square of both, so it has as many a year as the real one, about. For a real study leave this
# out and put `source = "synthetic"` or a file of yours into the scenario (docs/guide/debris-populations.md), 100 years
# and 100 runs.

# %%
OBJECTS, WIDER = 800, 25.0
YEARS, RUNS, STEP_DAYS = 8, 3, 30.0  # for real: 100, 100, 5.0

drawn = stm.load_population(PopulationSpec(objects=OBJECTS, seed=1, constellations=False))
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
dict(zip(CLASS_NAMES, np.bincount(population.kind, minlength=len(CLASS_NAMES)), strict=True))

# %% [markdown]
# ## From warnings to candidates
#
# Screen all against all for a week, with a threshold much wider than the objects. A conjunction within D stands for
# (R/D)² collisions, and each of these for the fragments that the breakup model expects. The objects whose removal takes
# most of that away come first. `share_removed` is what is gone with an object and all above it.

# %%
con, found = deterministic_collisions(population, days=7, threshold_km=20)
value = st.removal_value(con, population)
found["conjunctions"], found["rate"], found["sigma"]  # sigma: of the rate, if conjunctions are independent

# %%
value[["norad_id", "mass", "conjunctions", "value", "share_removed"]].isel(object=slice(8)).to_dataframe()

# %% [markdown]
# Satellites at work are no candidates, and fragments are too many: derelict payloads and rocket bodies remain.

# %%
candidate = np.isin(value.kind, [Kind.DERELICT, Kind.ROCKET_BODY])
wanted = value.norad_id.to_numpy()[candidate][:12].tolist()
assert set(wanted) <= set(population.norad_id.tolist())

# %% [markdown]
# ## A criterion of one's own
#
# A class with a name and a score: here the oldest first, of those that are heavy. Once the class is there scenario
# files know its name. `view` also has rates, lifetimes, orbits, owners.


# %%
class OldestFirst(RankedRemoval):
    rank: Literal["oldest first"] = "oldest first"

    def score(self, view):
        return np.where(view.mass_kg >= 500.0, view.age_years, 0.0)  # 0: not eligible


# %% [markdown]
# ## Scenarios
#
# One base and four scenarios that differ in one thing: who is removed. Nobody, or twelve objects in three years in one
# of three orders. The first scenario is what the others are compared with.
#
# Where bodies this wide share a cell for a month they are as good as certain to collide, and what exceeds a probability
# of one is cut off. So each step takes 24 samples, each for a 24th of it. A real population does with one.

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

[propagation]
step_days = {STEP_DAYS}

[collisions]
resamples = 24

[[scenario]]
name = "no removal"

[[scenario]]
name = "the warnings' list"
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
# ## Runs
#
# Into a store, a run at a time: what is killed here goes on with the same line (without `overwrite`). More runs can be
# added later, and only these are computed. For a scenario file without a class of one's own the command line does it:
# `stmgpu evolve removal_study.toml --out removal_study.zarr`.

# %%
begin, more = stm.Execution(overwrite=True), stm.Execution(append=True)
stm.evolve_to_store("removal_study.toml", "removal_study.zarr", how=begin)
stm.evolve_to_store("removal_study.toml", "removal_study.zarr", runs=RUNS + 1, how=more)
ds = stm.open_dataset("removal_study.zarr", kind="ensemble")
dict(ds.sizes)

# %% [markdown]
# The books close, and until the first removal run k is the same in every scenario: their random numbers are.

# %%
assert float(abs(ds.mass_balance).max()) < 1e-9
before = ds.population.sel(time=slice(None, 2026))
assert (before == before.isel(scenario=0)).all()

# %% [markdown]
# ## The table
#
# Few runs of a toy: the intervals are wide, and with fewer than ten runs they do not hold what they promise. It says
# so. That so few removals change so much comes from the toy, too: bodies this wide set off chains of collisions.

# %%
print_study(ds)

# %% [markdown]
# ## What did it change?
#
# Run by run, not mean against mean. `gain`: how many times as many runs it would take without common random numbers.
# It is small where a policy turns the whole course of a run.

# %%
end = ds.isel(time=[-1])
st.paired_difference(end, "population").isel(time=0).to_dataframe()

# %% [markdown]
# The effective reduction factor: objects fewer for each object removed. 1 is the object itself (less, where it would
# have decayed anyway), the rest are fragments that were never made.

# %%
st.effective_reduction_factor(end).isel(time=0)[["estimate", "lower", "upper", "removed"]].to_dataframe()

# %% [markdown]
# Collisions avoided for each removal, from the expected channel: it counts what might as well have happened, not only
# what did, and varies less.

# %%
avoided = st.collisions_avoided_per_removal(end).isel(time=0)
avoided[["estimate", "lower", "upper"]].to_dataframe()

# %% [markdown]
# In money, at prices of one's own: what a collision avoided costs, and whether that is less than it does damage.

# %%
prices = {"per_removal": 10.0, "per_collision": 500.0, "discount_rate": 0.03}
st.cost_per_collision_avoided(ds, prices)[["cost_per_collision", "net_present_value"]].to_dataframe()

# %% [markdown]
# ## The list on stored runs
#
# How many collisions of the runs without removal had one of the list in them, or followed from such a one? No run is
# needed for this; it is an upper bound, as objects that survive may collide later.

# %%
year_of = {norad: 2026.0 + k // 4 for k, norad in enumerate(wanted)}
pruned = st.collisions_without(ds.isel(scenario=[0], event=(ds.event_scenario == 0).to_numpy()), year_of, by="norad")
kept = st.collisions(ds).isel(time=-1).sel(scenario="the warnings' list")
pruned[["collisions", "collisions_left"]].isel(scenario=0).assign(with_the_policy=kept).to_dataframe()

# %% [markdown]
# ## Who begot whom
#
# Every fragment knows the breakup that made it. Generation 1: both objects were there at the start.

# %%
family = st.genealogy(ds)
is_collision = (ds.event_type < 2).to_numpy()
dict(zip(*np.unique(family.generation.to_numpy()[is_collision], return_counts=True), strict=True))

# %% [markdown]
# ## The figure
#
# Population, collisions, differences with their intervals, and density by altitude. `stmgpu study removal_study.zarr
# --plot removal_study.png` draws the same.

# %%
plot_study(ds, "removal_study.png")
