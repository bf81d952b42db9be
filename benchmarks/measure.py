"""Wall time, CPU time and peak memory of a command with everything that it starts."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.1


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds on the clock, seconds of CPU, bytes of memory at the peak."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int


def measure(command: Sequence[str], cwd: Path, variables: Mapping[str, str]) -> Cost:
    """Run the command; RuntimeError with its output when it fails.

    Memory is the sum of the resident sets of the command and its descendants (shared pages counted once a process),
    sampled ten times a second: an upper bound of what it needs.
    """
    before = os.times()
    began = time.monotonic()
    process = subprocess.Popen(
        command, cwd=cwd, env=dict(variables), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    peak = 0
    watched = psutil.Process(process.pid)
    while True:
        peak = max(peak, _memory(watched))
        try:
            output, _ = process.communicate(timeout=SAMPLE_SECONDS)
            break
        except subprocess.TimeoutExpired:
            continue
    seconds = time.monotonic() - began
    after = os.times()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with exit code {process.returncode}\n{output[-4000:]}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(seconds, cpu, peak)


def _memory(process: psutil.Process) -> int:
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        for member in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += member.memory_info().rss
    return total
