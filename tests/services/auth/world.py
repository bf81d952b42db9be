"""auth_db on a real server, and replicas of the service as processes of their own."""

from __future__ import annotations

import configparser
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID, uuid4

import httpx
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row
from tenacity import Retrying, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from local.ports import LOOPBACK, choose_port
from local.postgres.server import SERVICE, PostgresServer
from models.loading.products import load_migrations
from provider.postgres.history import Version, checksum_of
from provider.postgres.migrate import Migrator
from provider.postgres.server import Server
from services.auth.passwords import HASHER
from services.auth.privileges import TABLES
from services.auth.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[3]
MIGRATIONS = REPOSITORY / "services" / "auth" / "migrations"
DOMAIN = "example.com"
OWN_HOST = f"auth.{DOMAIN}"
PASSWORD = "correct horse battery"
# Hashing costs 20 ms; one for all accounts.
HASHED = HASHER.hash(PASSWORD)
SECRET = "0123456789abcdef0123456789abcdef"
DATABASE = "auth_db"
ROLE = "auth_service"
PATIENCE = 20.0


@dataclass(frozen=True)
class AuthDatabase:
    """auth_db with its migrations applied, and the superuser's way to it."""

    server: PostgresServer
    port: int

    @classmethod
    def make(cls, folder: Path) -> AuthDatabase:
        server = PostgresServer(folder, folder / "pg_service.conf")
        port = choose_port(None)
        server.start(port)
        made = cls(server, port)
        made._migrate()
        return made

    @cached_property
    def login(self) -> dict[str, str]:
        services = configparser.ConfigParser(interpolation=None)
        services.read(self.server.service_file)
        return dict(services[SERVICE])

    def admin(self, database: str) -> str:
        """The superuser's login to a database."""
        return make_conninfo("", **(self.login | {"dbname": database}))

    @property
    def conninfo(self) -> str:
        """The service's own login."""
        return make_conninfo(host=LOOPBACK, port=self.port, dbname=DATABASE, user=ROLE, password="test")

    def run(self, query: LiteralString, *parameters: object) -> list[dict[str, Any]]:
        conninfo = make_conninfo("", **(self.login | {"dbname": DATABASE}))
        with psycopg.connect(conninfo, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    def _migrate(self) -> None:
        with psycopg.connect(self.admin("postgres"), autocommit=True) as connection:
            connection.execute("CREATE ROLE foundation_owner")
            connection.execute("CREATE DATABASE auth_db OWNER foundation_owner")
            connection.execute("CREATE ROLE auth_service LOGIN PASSWORD 'test'")
        steps = {
            Version(step.version, step.name, checksum_of(step.sql)): step.sql for step in load_migrations(MIGRATIONS)
        }
        Migrator(
            server=Server(LOOPBACK, self.port, self.login["user"], self.login["password"]),
            database=DATABASE,
            schema="public",
            owner="foundation_owner",
            wanted=list(steps),
            recorded=[],
            security=None,
            text_of=steps.__getitem__,
            log=lambda _: None,
            warn=lambda _: None,
            cancelled=threading.Event(),
        ).run()
        with psycopg.connect(self.admin(DATABASE), autocommit=True) as connection:
            for table, privileges in TABLES.items():
                words = sql.SQL(", ").join(map(sql.SQL, privileges))
                connection.execute(sql.SQL("GRANT {} ON {} TO auth_service").format(words, sql.Identifier(table)))

    def tenant(self, slug: str | None = None, tier: str = "pro", status: str = "active") -> Tenant:
        """A new tenant with one person of each role."""
        slug = slug or f"t{secrets.token_hex(6)}"
        tenant = Tenant(uuid4(), slug)
        self.run("INSERT INTO tenants (id, slug, tier, status) VALUES (%s, %s, %s, %s)", tenant.id, slug, tier, status)
        for role in ("owner", "admin", "member", "viewer"):
            self.run(
                "INSERT INTO users (tenant_id, email, password_hash, role) VALUES (%s, %s, %s, %s)",
                tenant.id, tenant.email(role), HASHED, role,
            )  # fmt: skip
        return tenant


@dataclass(frozen=True)
class Tenant:
    id: UUID
    slug: str

    @property
    def host(self) -> str:
        return f"{self.slug}.{DOMAIN}"

    def email(self, role: str) -> str:
        return f"{role}@{self.slug}.example"


@dataclass
class Replica:
    """One process of the service."""

    database: AuthDatabase
    port: int
    process: subprocess.Popen[str]
    log: Path
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=f"http://{LOOPBACK}:{self.port}", timeout=10)

    def answers(self, path: str) -> int:
        """The status there; 0 while the process listens not yet."""
        try:
            return self.client.get(path).status_code
        except httpx.TransportError:
            if self.process.poll() is not None:
                raise AssertionError(self.log.read_text()) from None
            return 0

    def is_ready(self) -> bool:
        return self.answers("/ready") == 200

    def login(self, tenant: Tenant, role: str = "member", **changes: str) -> httpx.Response:
        body = {"email": tenant.email(role), "password": PASSWORD} | changes
        return self.client.post("/auth/login", json=body, headers={"x-forwarded-host": tenant.host})

    def token(self, tenant: Tenant, role: str = "member") -> str:
        answer = self.login(tenant, role)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])

    def call(self, method: str, path: str, tenant: Tenant, token: str, json: object = None) -> httpx.Response:
        headers = {"x-forwarded-host": tenant.host, "authorization": f"Bearer {token}"}
        return self.client.request(method, path, headers=headers, json=json)

    def key(self, tenant: Tenant, *scopes: str, role: str = "member", **fields: object) -> dict[str, Any]:
        """A new API key."""
        body = {"name": "ci", "scopes": scopes or ["tasks:write"], **fields}
        answer = self.call("POST", "/api/keys", tenant, self.token(tenant, role), body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def verify(
        self, token: str | None, host: str, method: str = "GET", extra: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """What Traefik would ask."""
        headers = {"x-forwarded-host": host, "x-forwarded-method": method, "x-forwarded-for": "192.0.2.1"}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        return self.client.get("/verify", headers=headers | dict(extra or {}))


@contextmanager
def replica(database: AuthDatabase, folder: Path, *, awaited: bool = True, **settings: str) -> Iterator[Replica]:
    """A running replica with these settings (by field) beside the usual ones; ``awaited``: until it is ready."""
    port = choose_port(None)
    given = {
        "domain": DOMAIN, "database": database.conninfo, "secret": SECRET, "key_kind": "test", "host": LOOPBACK,
        "port": str(port), "login_attempts_address": "100000",
    } | settings  # fmt: skip
    log = folder / f"auth-{port}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.auth", "serve"],
            cwd=REPOSITORY,
            env={**os.environ, **{f"AUTH_{name.upper()}": value for name, value in given.items()}},
            stdout=output,
            stderr=output,
            text=True,
        )
    running = Replica(database, port, process, log)
    try:
        if awaited:
            eventually(running.is_ready)
        yield running
    finally:
        running.client.close()
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def settings(database: AuthDatabase, **changes: str) -> Settings:
    """What :func:`replica` runs with, for signing tokens as it does."""
    given = {"domain": DOMAIN, "database": database.conninfo, "secret": SECRET, "key_kind": "test"} | changes
    return Settings.model_validate(given)


def eventually(condition: Any, patience: float = PATIENCE) -> Any:
    """Waits until ``condition`` returns something true and holds no failed assertion; that value."""
    waiting = Retrying(
        retry=retry_if_result(lambda value: not value) | retry_if_exception_type(AssertionError),
        stop=stop_after_delay(patience),
        wait=wait_fixed(0.02),
        reraise=True,
    )
    return waiting(condition)
