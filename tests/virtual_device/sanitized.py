"""Run a command in whose processes kernels can be compiled and run with AddressSanitizer."""

from __future__ import annotations

import os
import sys

from virtual_device.library import sanitized_environment

if __name__ == "__main__":
    os.execvpe(sys.argv[1], sys.argv[1:], {**sanitized_environment(), "STMGPU_VIRTUAL_SANITIZE": "1"})
