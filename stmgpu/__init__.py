"""stmgpu: all-vs-all conjunction research engine for space-traffic management."""
