"""Results on disk: Zarr 3 stores that xarray opens without this package, written whole or not at all."""

from stmgpu.store.ephemeris import EphemerisWriter
from stmgpu.store.propagated import propagate_to_store
from stmgpu.store.schema import KINDS, SCHEMA_VERSION
from stmgpu.store.zarrio import check_target, open_dataset, verify, write_dataset

__all__ = ["KINDS", "SCHEMA_VERSION", "EphemerisWriter", "check_target", "open_dataset", "propagate_to_store", "verify",
           "write_dataset"]
