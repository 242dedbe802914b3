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
# Out of a synthetic catalogue of 8,000 objects, take the payload nearest to 850 km, where most debris is. A satellite
# of your own is a NORAD id, a range, a catalogue file, or an ephemeris (`ephemeris=stm.read_trajectories("own.oem")`).

# %%
cat = stm.synthetic_catalog(8000, seed=4)
height = (cat.perigee_km + cat.apogee_km) / 2
payload = (cat.object_type == "PAYLOAD") & (cat.eccentricity < 0.002)
own = int(cat.norad_id[payload][np.argmin(np.abs(height[payload] - 850.0))])
cat.sel(norad_id=own).to_dataframe()[["name", "inclination", "eccentricity"]]

# %% [markdown]
# ## Its conjunctions
#
# The threshold is large, so that there is something to see in a toy catalogue. In RTN axes, R points away from the
# Earth, T along the motion, N along the orbit's normal.

# %%
con = stm.screen(cat, days=2, threshold_km=40, primaries=own)
fast = con.isel(conjunction=(con.flags & 1).to_numpy() == 0)
mine = fast.primary == own
sign = np.where(mine, 1, -1)  # rows give the secondary relative to the primary, the object with the lower id
other = np.where(mine, fast.secondary, fast.primary)
stm.closest(con, 5)[["primary", "secondary", "miss_distance", "relative_speed"]].to_dataframe()

# %% [markdown]
# ## When, and from which side
#
# Almost all of them come from ahead and from the sides, since everything near this altitude moves at the same speed:
# two circular orbits that cross at an angle meet at twice the speed times the sine of half the angle.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
stm.plot.timeline(con, left)
drawn = right.scatter(sign * fast.miss_transverse, sign * fast.miss_radial, c=fast.relative_speed, vmin=0, vmax=15)
right.set(xlabel="T (km)", ylabel="R (km)", aspect="equal", xlim=(-40, 40), ylim=(-40, 40))
_ = figure.colorbar(drawn, ax=right, label="relative speed (km/s)")

# %% [markdown]
# ## The same rows as the whole screening
#
# A screening of all against all holds these rows too, with the same bytes. A smaller catalogue shows it in a second.

# %%
few = cat[np.isin(cat.norad_id, [own, *np.unique(other)])]
rows = stm.involving(stm.screen(few, start=con.attrs["start"], days=2, threshold_km=40), own)
assert np.array_equal(rows.tca, con.tca)
assert np.array_equal(rows.miss_distance, con.miss_distance)
len(rows.tca), len(few)

# %% [markdown]
# ## Answer
#
# The table and the figure have each encounter once, with its time and its direction.
#
# **Exercise.** How many of them would a box of 2 km (R) by 25 km (T) by 25 km (N) hold, as operators often use? Start
# with `abs(fast.miss_radial) < 2`.
