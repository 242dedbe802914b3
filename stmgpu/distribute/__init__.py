"""Long computations in tiles: cut, computed by any number of workers, resumed, merged."""

from stmgpu.distribute.api import assess_store, evolve_to_store, merge_store, propagate_to_store, screen_to_store
from stmgpu.distribute.cluster import slurm_cluster
from stmgpu.distribute.execute import Outcome
from stmgpu.distribute.executors import Dask, Serial, SlurmArray
from stmgpu.store.document import Tiling

__all__ = [
    "Dask",
    "Outcome",
    "Serial",
    "SlurmArray",
    "Tiling",
    "assess_store",
    "evolve_to_store",
    "merge_store",
    "propagate_to_store",
    "screen_to_store",
    "slurm_cluster",
]
