# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # One satellite against all
#
# **Question.** An operator has one satellite. What will it meet in the next two days, when, and from which side?
#
# **Method.** Screen with the satellite as the only primary. The rows are the same as those of a whole screening in
# which it takes part, for about a third of the work.

# %%
import matplotlib.pyplot as plt
import numpy as np

import stmgpu as stm

# %% [markdown]
# ## The satellite
#
# Out of a synthetic catalogue of 8,000 objects, take a payload within 30 km of 850 km, where most debris is: the one
# with the lowest id, since the object with the lower id is the primary of a pair, and rows are in the frame of the
# primary. A satellite of your own is a NORAD id, a range, a catalogue file, or an ephemeris
# (`ephemeris=stm.read_trajectories("own.oem")`).

# %%
cat = stm.synthetic_catalog(8000, seed=4)
height = (cat.perigee_km + cat.apogee_km) / 2
payload = (cat.object_type == "PAYLOAD") & (np.abs(height - 850.0) < 30.0)
own = int(cat.norad_id[payload].min())
cat.sel(norad_id=own).to_dataframe()[["name", "inclination", "eccentricity"]]

# %% [markdown]
# ## Its conjunctions
#
# The threshold is large, so that there is something to see in a toy catalogue.

# %%
con = stm.screen(cat, days=2, threshold_km=40, primaries=own)
fast = con.isel(conjunction=(con.flags & 1).to_numpy() == 0)
table = stm.closest(con, 5).to_dataframe()
table[["primary", "secondary", "miss_distance", "relative_speed"]]

# %% [markdown]
# ## When, and from which side
#
# In the satellite's RTN frame, R points away from the Earth, T along its motion, N along the normal of its orbit. Rows
# in which it is the secondary are left out here, since they are in the frame of the other object. Two circular orbits
# that cross at an angle meet at twice their speed times the sine of half the angle: fast ones come from ahead, and pass
# at a right angle to the difference of both velocities.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
hours = (fast.tca - fast.tca[0]) / np.timedelta64(1, "h")
left.plot(hours, fast.miss_distance, "o")
left.set(xlabel="hours from the first", ylabel="miss distance (km)", ylim=(0, 40))
ours = fast.isel(conjunction=(fast.primary == own).to_numpy())
drawn = right.scatter(ours.miss_transverse, ours.miss_radial, c=ours.relative_speed)
right.set(xlabel="T (km)", ylabel="R (km)", aspect="equal", xlim=(-40, 40))
right.set_ylim(-40, 40)
_ = figure.colorbar(drawn, ax=right, label="relative speed (km/s)")

# %% [markdown]
# ## The same rows as the whole screening
#
# A screening of all against all holds these rows too, with the same bytes. A smaller catalogue shows it in a second.

# %%
near = np.unique([fast.primary, fast.secondary])
few = cat[np.isin(cat.norad_id, near)]
all_pairs = stm.screen(few, start=con.attrs["start"], days=2, threshold_km=40)
rows = stm.involving(all_pairs, own)
assert np.array_equal(rows.tca, con.tca)
assert np.array_equal(rows.miss_distance, con.miss_distance)
f"{len(rows.tca)} of {len(all_pairs.tca)} conjunctions of {len(few)} objects"

# %% [markdown]
# ## Answer
#
# The table and the figure have each encounter once, with its time and its direction.
#
# **Exercise.** How many of them would a box of 2 km (R) by 25 km (T) by 25 km (N) hold, as operators often use? Start
# with `abs(fast.miss_radial) < 2`.
