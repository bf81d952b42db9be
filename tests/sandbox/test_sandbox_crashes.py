"""Kill -9 of anything at any point: the next start repairs it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys

import psutil
import pytest

from local.processes import ServerError
from local.sandbox import Sandbox
from tests.sandbox.conftest import connect, eventually, processes_of

START = """
import sys
from pathlib import Path
from local.directory import FoundationDirectory
from local.sandbox import Sandbox
Sandbox(FoundationDirectory(Path(sys.argv[1]))).start()
"""


# On one worker of a parallel run: each sandbox takes 0.35 GB of memory.
pytestmark = pytest.mark.xdist_group("sandbox")


def _states(sandbox: Sandbox) -> list[str]:
    return [part.state for part in sandbox.start()]


@pytest.mark.parametrize("victim", [0, 1], ids=["postgres", "kubernetes"])
def test_killed_server_is_started_again_with_its_data(own: Sandbox, victim: int) -> None:
    with connect(own.directory) as database:
        database.execute("CREATE TABLE IF NOT EXISTS survivors (value int)")
        database.execute("TRUNCATE survivors")
        database.execute("INSERT INTO survivors VALUES (1)")
    before = own.status()
    pid = before[victim].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [])

    after = own.start()
    assert [part.state for part in after] == ["running", "running"]
    assert after[victim].pid != pid
    assert after[1 - victim] == before[1 - victim]
    with connect(own.directory) as database:
        assert database.execute("SELECT value FROM survivors").fetchall() == [(1,)]


@pytest.mark.parametrize("moment", ["postgres data", "pg_service.conf", "kubeconfig"])
def test_first_start_that_was_killed_is_completed(fresh: Sandbox, moment: str) -> None:
    root = fresh.directory.root
    witness = fresh.postgres.place.folder if moment == "postgres data" else root / moment
    starting = subprocess.Popen([sys.executable, "-c", START, str(root)])

    def reached() -> None:
        assert witness.exists()

    eventually(reached)
    starting.kill()
    starting.wait()

    assert _states(fresh) == ["running", "running"]
    connect(fresh.directory).close()
    postgres = fresh.status()[0].pid
    servers = []
    for process in processes_of(fresh.directory):
        # PostgreSQL's own processes come and go.
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.ppid() != postgres:
                servers.append(process)
    assert len(servers) == 2


def test_deleted_files_under_running_servers(fresh: Sandbox) -> None:
    old = {part.pid for part in fresh.start()}
    shutil.rmtree(fresh.directory.sandbox)
    for file in (fresh.directory.sandbox_file, fresh.directory.kubeconfig, fresh.directory.pg_service_file):
        file.unlink()

    assert _states(fresh) == ["running", "running"]
    connect(fresh.directory).close()
    assert old.isdisjoint({part.pid for part in fresh.status()})
    assert not any(pid is not None and psutil.pid_exists(pid) and _alive(pid) for pid in old)


def test_half_made_files_of_a_killed_start_are_replaced(fresh: Sandbox) -> None:
    place = fresh.postgres.place
    place.prepare()
    (place.folder / "data.new").mkdir()
    (place.folder / "data.new" / "PG_VERSION").write_text("17\n")
    kubernetes = fresh.directory.sandbox / "kubernetes"
    kubernetes.mkdir(parents=True, mode=0o700)
    # The key is written before the certificate; a kill between the two leaves this.
    (kubernetes / "apiserver.key").write_text("half")
    (kubernetes / "tokens.csv.new").write_text("half")

    assert _states(fresh) == ["running", "running"]


def test_pid_taken_over_by_another_process_is_not_touched(own: Sandbox) -> None:
    own.stop()
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        lock = own.postgres.place.data / "postmaster.pid"
        lock.write_text(f"{bystander.pid}\n{own.postgres.place.data}\n1\n1\n\n127.0.0.1\n0 0\nready\n")
        assert _states(own) == ["running", "running"]
        assert bystander.poll() is None
    finally:
        bystander.communicate(b"\n")


def test_error_names_the_log_and_its_end(own: Sandbox) -> None:
    own.postgres.stop()
    configuration = own.postgres.place.data / "postgresql.conf"
    right = configuration.read_text()
    configuration.write_text(right + "\nno_such_setting = 1\n")
    try:
        with pytest.raises(ServerError, match=r"postgres ended; its log .*postgres\.log[\s\S]*no_such_setting"):
            own.start()
        # The other server is up all the same.
        assert [part.state for part in own.status()] == ["stopped", "running"]
    finally:
        configuration.write_text(right)


def _alive(pid: int) -> bool:
    return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
