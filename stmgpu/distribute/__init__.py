"""Long computations in tiles: cut, computed by any number of workers, resumed, put together."""

from stmgpu.distribute.api import evolve_to_store, merge_store, propagate_to_store, screen_to_store
from stmgpu.distribute.cluster import slurm_cluster
from stmgpu.distribute.execute import Outcome
from stmgpu.distribute.executors import Execution

__all__ = [
    "Execution",
    "Outcome",
    "evolve_to_store",
    "merge_store",
    "propagate_to_store",
    "screen_to_store",
    "slurm_cluster",
]
