"""``python -m stmgpu.cli``."""

from stmgpu.cli import app

if __name__ == "__main__":  # workers of a local cluster import this module again
    app(prog_name="stmgpu")
