"""Exit codes of all commands."""

from __future__ import annotations

DONE = 0
FAILED = 1
MISUSED = 2
STOPPED = 75  # EX_TEMPFAIL of sysexits.h
INTERRUPTED = 130  # 128 and the number of SIGINT
TERMINATED = 143  # 128 and the number of SIGTERM

MEANINGS = {
    DONE: "done, also if the reader of standard output has closed it",
    FAILED: "failed: no GPU, a full disk, a damaged store, failed tiles, an incomplete certificate",
    MISUSED: "wrong usage or input, no store or a wrong one; arguments are checked before a catalogue is read",
    STOPPED: "stopped on request (SIGUSR1) with work left",
    INTERRUPTED: "interrupted (Ctrl-C)",
    TERMINATED: "terminated (SIGTERM), as batch systems do at the time limit",
}
"""What each code says; after the last three the same command resumes the run."""
