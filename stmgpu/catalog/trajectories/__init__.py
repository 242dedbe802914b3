"""Ephemeris tables (operator OEMs, stored states) as flat columns."""

from stmgpu.catalog.trajectories.columns import SYNTHETIC_ID, Segment, Trajectory
from stmgpu.catalog.trajectories.trajectories import MAX_ERROR_KM, Trajectories

__all__ = ["MAX_ERROR_KM", "SYNTHETIC_ID", "Segment", "Trajectories", "Trajectory"]
