"""Ctrl-C and kill -9 in the middle: what was begun is finished by the next ``up``, and no process stays behind."""

from __future__ import annotations

import os
import signal

import psutil
import pytest

# ``gate`` holds the creation of "slow" until the file is removed.
PROGRAM = """
first = Thing("first", value="1")
Thing("slow", value="2", gate="{gate}", opts=pulumi.ResourceOptions(depends_on=[first]))
"""


@pytest.fixture
def gate(project, tmp_path):
    """Appears while the resource "slow" is being created."""
    file = tmp_path / "gate"
    project.program(PROGRAM.format(gate=file))
    yield file
    file.unlink(missing_ok=True)


def finish(project, gate):
    """The next ``up``, with no gate in the way."""
    project.program(PROGRAM.format(gate=gate).replace(f', gate="{gate}"', ""))
    return project.pulumi("up", "--yes", "--skip-preview")


def test_ctrl_c_waits_for_what_runs_and_the_next_up_finishes(project, gate, wait_until):
    up = project.start("up", "--yes", "--skip-preview")
    wait_until(gate.exists)
    os.killpg(up.pid, signal.SIGINT)
    gate.unlink()
    output, _ = up.communicate(timeout=60)
    assert up.returncode != 0
    assert "Traceback" not in output
    assert "KeyboardInterrupt" not in output
    wait_until(lambda: project.processes() == [])

    finished = finish(project, gate)
    assert finished.returncode == 0, finished.stdout


def test_ctrl_c_ends_a_program_that_waits_for_ever(project, tmp_path, wait_until):
    began = tmp_path / "began"
    project.program(f"import pathlib, threading; pathlib.Path({str(began)!r}).touch(); threading.Event().wait()")
    up = project.start("up", "--yes", "--skip-preview")
    wait_until(began.exists)
    os.killpg(up.pid, signal.SIGINT)
    output, _ = up.communicate(timeout=60)
    assert up.returncode != 0
    assert "Traceback" not in output
    wait_until(lambda: project.processes() == [])


def test_kill_of_the_engine_leaves_no_process_and_the_next_up_finishes(project, gate, wait_until):
    up = project.start("up", "--yes", "--skip-preview")
    wait_until(gate.exists)
    helpers = psutil.Process(up.pid).children(recursive=True)
    assert len(helpers) >= 3, "language host, program and plugin"
    os.killpg(up.pid, signal.SIGKILL)
    up.communicate(timeout=60)
    wait_until(lambda: not any(helper.is_running() and helper.status() != "zombie" for helper in helpers))

    # The engine's own rule: a lock whose holder was killed is freed by hand.
    assert project.pulumi("cancel", "--yes").returncode == 0
    finished = finish(project, gate)
    assert finished.returncode == 0, finished.stdout
    unchanged = project.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert unchanged.returncode == 0, unchanged.stdout


@pytest.mark.parametrize("victim", ["language_host", "program.py", "plugin"])
def test_kill_of_a_helper_fails_the_run_and_the_next_up_finishes(project, gate, wait_until, victim):
    up = project.start("up", "--yes", "--skip-preview")
    wait_until(gate.exists)
    helpers = psutil.Process(up.pid).children(recursive=True)
    for helper in helpers:
        if any(part.endswith(victim) for part in helper.cmdline()):
            helper.kill()
            break
    else:
        pytest.fail(f"no process named {victim} among {[helper.cmdline() for helper in helpers]}")
    gate.unlink(missing_ok=True)
    output, _ = up.communicate(timeout=60)
    assert up.returncode != 0, output
    wait_until(lambda: not any(helper.is_running() and helper.status() != "zombie" for helper in helpers))

    finished = finish(project, gate)
    assert finished.returncode == 0, finished.stdout
