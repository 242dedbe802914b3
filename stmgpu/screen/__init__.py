"""All-vs-all conjunction screening: plan and proof, broad phase, narrow phase, oracle."""

from stmgpu.screen.brute import brute
from stmgpu.screen.conjunctions import write_csv
from stmgpu.screen.screening import default_start, screen

__all__ = ["brute", "default_start", "screen", "write_csv"]
