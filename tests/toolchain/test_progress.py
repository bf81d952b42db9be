"""What is shown while things are built, side by side and under another display."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from local.toolchain.progress import building

REPOSITORY = Path(__file__).resolve().parents[2]
# Each waits for the next to have begun: the displays overlap in the worst order, the first one ending in the middle.
PROGRAM = """
import threading
from automation.cli.view import Progress
from local.toolchain.progress import building
began = {name: threading.Event() for name in ("first", "second", "third")}
ended = threading.Event()

def build(name, after):
    with building(name, "a while"):
        began[name].set()
        after.wait(30)
    if name == "first":
        ended.set()

with Progress().shown():
    threads = [threading.Thread(target=build, args=pair) for pair in
               (("first", began["second"]), ("second", began["third"]), ("third", ended))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""
# Movements of the cursor and colours.
SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def test_displays_side_by_side_on_a_terminal_tell_each_end_once() -> None:
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100", "PYTHONPATH": str(REPOSITORY)}
    environment.pop("NO_COLOR", None)
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    shown = _read(ours)
    assert child.wait(60) == 0
    lines = [SEQUENCE.sub("", line).strip() for line in shown.replace("\r", "\n").split("\n")]
    done = sorted(line for line in lines if ": done in" in line)
    assert [line.split(":")[0] for line in done] == ["first", "second", "third"]


def test_elsewhere_a_line_at_the_start_and_one_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    with building("it", "a while"):
        assert capsys.readouterr().err == "building it: about a while the first time\n"
    assert capsys.readouterr().err == "it: done in 0 s\n"


def _read(terminal: int) -> str:
    content = b""
    try:
        while part := os.read(terminal, 4096):
            content += part
    except OSError:  # the other end is closed
        pass
    os.close(terminal)
    return content.decode()
