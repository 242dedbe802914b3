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
# This tutorial screens a small synthetic catalogue, looks at the closest conjunctions, and follows one pair through its
# closest approach. It takes a few seconds and writes `first_screening.zarr` to the current folder. Open it as a
# notebook with jupytext, or run it: `python docs/tutorials/first_screening.py`.

# %%
import json

import numpy as np
import xarray as xr

import stmgpu as stm

# %% [markdown]
# ## A catalogue
#
# Three thousand synthetic objects with the proportions of the real catalogue. To read a file instead, use
# `stm.read_catalog("catalog.tle")`, which takes TLE, 3LE and all forms of OMM.

# %%
cat = stm.synthetic_catalog(3000, seed=1)
cat.summary()

# %% [markdown]
# ## All against all
#
# Find every local minimum of the distance of every pair that is below 10 km, within six hours. By default the window
# starts at the median epoch of the elements, rounded up to the hour.

# %%
con = stm.screen(cat, hours=6, threshold_km=10)
dict(con.sizes)

# %% [markdown]
# These are the ten closest fast ones: slow pairs (docked, in formation, or on one orbit) are left out.

# %%
fast = stm.closest(con, 10)
fast[["primary", "secondary", "miss_distance", "relative_speed"]].to_dataframe()

# %% [markdown]
# ## Was anything missed?
#
# The run measured the bounds that its broad phase relies on. A ratio below one means that they held.

# %%
certificate = json.loads(con.attrs["certificate"])
assert certificate["complete"]
certificate["largest_ratio"], certificate["pairs_measured"]

# %% [markdown]
# Some objects may not be propagated through the whole window. They are listed with the first error code and its time.

# %%
stm.failures(con)

# %% [markdown]
# ## One pair, step by step
#
# Propagate the closest pair around its closest approach, at ten steps per second. One step falls on the reported TCA.
# The sampled distance is smallest there, and equals the reported one to a millimetre.

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
# ## Save the result
#
# A store is complete or not there at all, carries checksums, and opens with xarray alone.

# %%
stm.write_dataset(con, "first_screening.zarr", "conjunctions", overwrite=True)
again = xr.open_zarr("first_screening.zarr", chunks=None)
assert again.sizes["conjunction"] == con.sizes["conjunction"]
again.attrs["catalog_digest"], again.attrs["start"]
