"""The phases of ``gpu_check.py``: each runs in a process of its own and writes its part of the report as it goes."""
