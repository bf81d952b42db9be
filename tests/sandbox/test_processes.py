"""Server processes are found by their arguments from the moment that they run."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from local.processes import ServerError, ServerProcess


def test_a_server_is_found_as_soon_as_it_is_started(tmp_path: Path) -> None:
    tail = shutil.which("tail")
    assert tail is not None
    for number in range(20):
        data = tmp_path / str(number)
        data.touch()
        server = ServerProcess("tail", data, tmp_path / "log")
        server.spawn([tail, "-f", data], {})
        assert server.find() is not None
        server.stop(signal.SIGKILL)
        assert server.find() is None


def test_a_server_that_ends_at_once_is_not_waited_for(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    tail = shutil.which("tail")
    assert tail is not None
    server = ServerProcess("tail", missing, tmp_path / "log")
    server.spawn([tail, missing], {"LC_ALL": "C"})
    with pytest.raises(ServerError, match="No such file or directory"):
        server.wait_until(lambda: False, 60)
