"""Settings of numerical libraries, which they read once, when they are loaded; import this module before NumPy.

OpenBLAS reserves 40 MB of address space for each core, in each of its copies. stmgpu does its work in kernels with
threads of their own, so one thread of BLAS is enough.
"""

import os

BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""Variables with the number of threads of each library."""

for _name in BLAS_THREADS:
    os.environ.setdefault(_name, "1")
