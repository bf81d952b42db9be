"""Killed or stopped anywhere, the same command again ends in the right state; two at once don't."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.scratch import ScratchProject

Projects = Callable[..., ScratchProject]
Interrupt = Callable[[ScratchProject, subprocess.Popen[str]], None]


def _start(scratch: ScratchProject, tenant: str) -> subprocess.Popen[str]:
    """An update that has created something of the tenant already."""
    running = subprocess.Popen(
        scratch.command("up"),
        cwd=scratch.folder,
        env=scratch.variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert running.stdout is not None
    for line in running.stdout:
        if line.startswith(f"+ {scratch.slug(tenant)}:"):
            return running
    raise AssertionError("the update ended before it created anything")


def _part(running: subprocess.Popen[str], part: str) -> psutil.Process:
    command = psutil.Process(running.pid)
    if part == "command":
        return command
    for process in command.children(recursive=True):
        words = process.cmdline()
        if part == "engine" and words and Path(words[0]).name == "pulumi":
            return process
        if part == "provider" and any("local.toolchain.plugins.kubernetes" in word for word in words):
            return process
    raise AssertionError(f"no {part} runs")


def _finish(running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    rest = running.stdout.read()
    running.wait()
    return rest


def _kill(part: str) -> Interrupt:
    def interrupt(scratch: ScratchProject, running: subprocess.Popen[str]) -> None:
        _part(running, part).kill()
        _finish(running)

    return interrupt


def _stop(number: signal.Signals) -> Interrupt:
    def interrupt(scratch: ScratchProject, running: subprocess.Popen[str]) -> None:
        engine = _part(running, "engine")
        running.send_signal(number)
        assert "stopping" in _finish(running)
        assert running.returncode != 0
        assert not engine.is_running()
        # The engine wrote its state and gave the lock back.
        assert not list((scratch.directory.state / ".pulumi" / "locks").rglob(f"{scratch.environment}/*.json"))

    return interrupt


def _a_second_one_waits_for_nothing(scratch: ScratchProject, running: subprocess.Popen[str]) -> None:
    """Two updates at once: the second is told who runs, and the first goes on to its end."""
    engine = _part(running, "engine")
    engine.suspend()
    try:
        error = scratch.json("up", expect=3)["error"]
        assert error["exit_code"] == 3
        assert f"process {engine.pid}" in error["message"]
        assert "pulumi cancel" in error["next_step"]
    finally:
        engine.resume()
    _finish(running)
    assert running.returncode == 0


INTERRUPTIONS = {
    "busy": _a_second_one_waits_for_nothing,
    "kill-engine": _kill("engine"),
    "kill-provider": _kill("provider"),
    "kill-command": _kill("command"),
    "sigint": _stop(signal.SIGINT),
    "sigterm": _stop(signal.SIGTERM),
}


@pytest.mark.xdist_group("interruption")
def test_interrupted_anywhere_the_next_update_goes_on(project: Projects) -> None:
    """Each update is to finish what the one before left undone, and is interrupted itself; the last one isn't."""
    scratch = project()
    for tenant, interrupt in INTERRUPTIONS.items():
        scratch.add_tenant(tenant)
        interrupt(scratch, _start(scratch, tenant))

    said = scratch.cli("up")
    again = scratch.json("up")
    assert not again["changed"], (said.stderr, again["changes"])
    assert not scratch.state().get("pending_operations")
    urns = [resource["urn"] for resource in scratch.state()["resources"]]
    assert len(urns) == len(set(urns))
