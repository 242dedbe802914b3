# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---
# ruff: noqa: D100

# %% [markdown]
# # A first screening
#
# From a catalogue to the closest conjunctions and the motion of one pair, on a small synthetic catalogue. It takes a
# few seconds and writes `first_screening.zarr` in the current folder. Open it as a notebook with jupytext, or run it:
# `python docs/tutorials/first_screening.py`.

# %%
import json

import numpy as np
import xarray as xr

import stmgpu as stm

# %% [markdown]
# ## A catalogue
#
# Three thousand made-up objects with the proportions of the real catalogue. A file works alike:
# `stm.read_catalog("catalog.tle")` takes TLE, 3LE and the forms of OMM.

# %%
cat = stm.synthetic_catalog(3000, seed=1)
cat.summary()

# %% [markdown]
# ## All against all
#
# Every local minimum of the distance of every pair, below 10 km, within six hours. The start is the median epoch of the
# elements, rounded up to the hour, unless it is given.

# %%
con = stm.screen(cat, hours=6, threshold_km=10)
dict(con.sizes)

# %% [markdown]
# The closest ones that pass at speed. Bit 1 of the flags marks slow pairs: docked, in formation, or on one orbit.

# %%
is_slow = (con.flags.to_numpy() & 1) != 0
fast = con.isel(conjunction=~is_slow).sortby("miss_distance")
columns = ["primary", "secondary", "tca", "miss_distance", "relative_speed"]
fast[columns].isel(conjunction=slice(10)).to_dataframe()

# %% [markdown]
# ## Was anything missed?
#
# The run measured the bounds on which its broad phase rests. A ratio below one says that they held.

# %%
certificate = json.loads(con.attrs["certificate"])
assert certificate["complete"]
certificate["largest_ratio"], certificate["pairs_measured"]

# %% [markdown]
# And which objects could not be propagated all the time?

# %%
con[["failed_object", "failed_code", "failed_time"]].to_dataframe()

# %% [markdown]
# ## One pair, step by step
#
# The ephemeris of the closest pair around its closest approach, at ten steps a second. One step falls on the reported
# time: there, and nowhere else, the sampled distance is the reported one, to a millimetre.

# %%
closest = fast.isel(conjunction=0)
pair = cat[np.isin(cat.norad_id, [closest.primary.item(), closest.secondary.item()])]
begin = closest.tca.to_numpy() - np.timedelta64(30, "s")
eph = stm.propagate(pair, start=begin, hours=60 / 3600, step_s=0.1)

distance = np.sqrt(((eph.position.isel(object=1) - eph.position.isel(object=0)) ** 2).sum("axis"))
at = distance.argmin("time").item()
assert abs((eph.time[at] - closest.tca) / np.timedelta64(1, "s")) < 1e-3
assert abs(distance[at] - closest.miss_distance) < 1e-6
float(distance[at]), closest.miss_distance.item()

# %% [markdown]
# ## Keep it
#
# A store is whole or not there, carries checksums, and opens with xarray alone.

# %%
stm.write_dataset(con, "first_screening.zarr", "conjunctions", overwrite=True)
again = xr.open_zarr("first_screening.zarr", chunks=None)
assert again.sizes["conjunction"] == con.sizes["conjunction"]
again.attrs["catalog_digest"], again.attrs["start"]
