"""Results on disk: Zarr 3 stores that xarray opens without this package."""

from stmgpu.store.check import Finding, check_store, verify
from stmgpu.store.encounters import encounters
from stmgpu.store.messages import messages_of
from stmgpu.store.provenance import provenance
from stmgpu.store.reading import open_dataset
from stmgpu.store.schema import KINDS, SCHEMA_VERSION
from stmgpu.store.trajectories import read_ephemeris
from stmgpu.store.writing import check_target, write_dataset

__all__ = [
    "KINDS",
    "SCHEMA_VERSION",
    "Finding",
    "check_store",
    "check_target",
    "encounters",
    "messages_of",
    "open_dataset",
    "provenance",
    "read_ephemeris",
    "verify",
    "write_dataset",
]
