"""Trajectories: tables of states of objects, from operators' ephemerides or from a propagation."""

from stmgpu.catalog.trajectories.segments import SYNTHETIC_ID, Segment, Trajectory
from stmgpu.catalog.trajectories.trajectories import MAX_ERROR_KM, Trajectories

__all__ = ["MAX_ERROR_KM", "SYNTHETIC_ID", "Segment", "Trajectories", "Trajectory"]
