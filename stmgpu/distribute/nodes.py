"""Dask schedulers and workers without HTTP servers.

Dask starts an HTTP server beside every scheduler and worker, also without a dashboard. It tells names, addresses,
metrics and logs to anyone who connects, without encryption.
"""

from __future__ import annotations

from typing import Any

import distributed


class Scheduler(distributed.Scheduler):
    """Scheduler that listens on its encrypted port only."""

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """Start no HTTP server."""


class Worker(distributed.Worker):
    """Worker that listens on its encrypted port only."""

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """Start no HTTP server."""
