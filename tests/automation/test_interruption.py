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


def _start(scratch: ScratchProject) -> subprocess.Popen[str]:
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
        if line.startswith(f"+ {scratch.slug('acme')}:"):
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


def _ends_right(scratch: ScratchProject) -> None:
    said = scratch.cli("up")
    again = scratch.json("up")
    assert not again["changed"], (said.stderr, again["changes"])
    assert not scratch.state().get("pending_operations")
    urns = [resource["urn"] for resource in scratch.state()["resources"]]
    assert len(urns) == len(set(urns))


@pytest.mark.parametrize("part", ["engine", "provider", "command"])
def test_kill_9_in_the_middle(project: Projects, part: str) -> None:
    scratch = project("acme", "globex")
    running = _start(scratch)
    _part(running, part).kill()
    _finish(running)
    _ends_right(scratch)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_polite_stop_is_passed_on_to_the_engine(project: Projects, number: signal.Signals) -> None:
    scratch = project("acme", "globex")
    running = _start(scratch)
    engine = _part(running, "engine")
    running.send_signal(number)
    said = _finish(running)
    assert "stopping" in said
    assert running.returncode != 0
    assert not engine.is_running()
    # The engine wrote its state and gave the lock back.
    assert not list((scratch.directory.state / ".pulumi" / "locks").rglob(f"{scratch.environment}/*.json"))
    _ends_right(scratch)


def test_two_updates_at_once(project: Projects) -> None:
    scratch = project("acme")
    running = _start(scratch)
    engine = _part(running, "engine")
    engine.suspend()
    try:
        said = scratch.cli("up", expect=3)
        assert f"process {engine.pid}" in said.stderr
        assert "pulumi cancel" in said.stderr
        assert scratch.json("up", expect=3)["error"]["exit_code"] == 3
    finally:
        engine.resume()
    _finish(running)
    assert running.returncode == 0
    assert not scratch.json("up")["changed"]
