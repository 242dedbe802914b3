"""NASA Standard Breakup Model: fragments of collisions and explosions."""

from stmgpu.debris.breakup.fragments import Body, Breakup, Fragments
from stmgpu.debris.breakup.model import collision, explosion, sample_fragments
from stmgpu.debris.breakup.size_law import (
    ejecta_mass,
    expected_count,
    expected_fragments,
    expected_mass,
    is_catastrophic,
    largest_length,
    length_of_mass,
    mass_of_length,
    specific_energy,
)

__all__ = [
    "Body",
    "Breakup",
    "Fragments",
    "collision",
    "ejecta_mass",
    "expected_count",
    "expected_fragments",
    "expected_mass",
    "explosion",
    "is_catastrophic",
    "largest_length",
    "length_of_mass",
    "mass_of_length",
    "sample_fragments",
    "specific_energy",
]
