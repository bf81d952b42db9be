"""One PostgreSQL server: connections, retries, cancellation, and errors that hold no secret."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow
from tenacity import Retrying, retry_if_exception, stop_after_delay, stop_any, wait_random_exponential
from tenacity.nap import sleep_using_event
from tenacity.stop import stop_when_event_set

from provider.plugin import Context, PluginError, Properties, reveal

Connection = psycopg.Connection[TupleRow]
T = TypeVar("T")

# How long a server may be away (restart, failover) or busy before an operation gives up.
PATIENCE_SECONDS = 60.0
# Longest wait between two tries; the first wait is at most 0.2 s.
LONGEST_WAIT_SECONDS = 5.0
# pulumi-postgresql's own default (max_connections of its provider).
DEFAULT_MAX_CONNECTIONS = 20
DEFAULT_CONNECT_TIMEOUT = 10
# How often a running statement looks whether the user has cancelled.
CANCEL_POLL_SECONDS = 0.2

# Errors that another try may mend. Concurrent changes of one catalogue row ("tuple concurrently updated") have
# no SQLSTATE of their own: they are internal errors (XX000) known by their text.
TRANSIENT_STATES = frozenset(
    {
        "40001",  # serialization_failure
        "40P01",  # deadlock_detected
        "53300",  # too_many_connections
        "55006",  # object_in_use (a database that someone is still connected to)
        "57P01",  # admin_shutdown
        "57P02",  # crash_shutdown
        "57P03",  # cannot_connect_now
        "08006",  # connection_failure
    }
)
TRANSIENT_TEXTS = ("tuple concurrently updated", "tuple concurrently deleted")
# Connecting fails without a SQLSTATE; these texts are libpq's for a server that isn't there (yet).
UNREACHABLE_TEXTS = (
    "Connection refused",
    "No such file or directory",
    "server closed the connection",
    "timeout expired",
    "starting up",
    "shutting down",
    "too many clients",
    "remaining connection slots",
    "Connection reset",
)


@dataclass(frozen=True)
class Server:
    """How to reach a server. Settings left out (None) are libpq's: ``PGHOST`` and its like, then its defaults.

    ``max_connections`` bounds the connections open at once; ``superuser`` says whether the user is meant to be one.
    """

    host: str | None = None
    port: int | None = None
    username: str = "postgres"
    password: str | None = field(default=None, repr=False)
    database: str = "postgres"
    sslmode: str | None = None
    connect_timeout: int = DEFAULT_CONNECT_TIMEOUT
    max_connections: int = DEFAULT_MAX_CONNECTIONS
    superuser: bool = True
    _slots: threading.BoundedSemaphore = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_slots", threading.BoundedSemaphore(self.max_connections))

    @classmethod
    def from_settings(cls, settings: Properties) -> Server:
        """The server that a provider's settings name (strings, as the engine passes them)."""
        known = {key: value for key, value in reveal(settings).items() if value not in (None, "")}
        return cls(
            host=known.get("host"),
            port=int(known["port"]) if "port" in known else None,
            username=known.get("username") or os.environ.get("PGUSER") or "postgres",
            password=known.get("password"),
            database=known.get("database") or os.environ.get("PGDATABASE") or "postgres",
            sslmode=known.get("sslmode"),
        )

    def run(
        self,
        database: str,
        cancelled: threading.Event,
        operation: Callable[[Connection], T],
        *,
        autocommit: bool = False,
    ) -> T:
        """Runs ``operation`` in one transaction on ``database``; all or nothing of it happens (with ``autocommit``,
        for statements that no transaction may hold, each statement by itself).

        Tries again, with growing waits, what may pass by itself: a server that is restarting, no free connection,
        a deadlock. Raises :class:`PluginError` without query parameters or passwords when that doesn't help, when
        the error is of another kind, or when the user cancels.
        """
        retrying = Retrying(
            retry=retry_if_exception(_is_transient),
            stop=stop_any(stop_after_delay(PATIENCE_SECONDS), stop_when_event_set(cancelled)),
            wait=wait_random_exponential(multiplier=0.2, max=LONGEST_WAIT_SECONDS),
            sleep=sleep_using_event(cancelled),
            reraise=True,
        )
        if cancelled.is_set():
            raise PluginError(f"{self.describe(database)}: cancelled, nothing was changed")
        try:
            result: T = retrying(self._once, database, cancelled, operation, autocommit)
        except psycopg.Error as error:
            if cancelled.is_set():
                raise PluginError(f"{self.describe(database)}: cancelled, nothing was changed") from None
            raise PluginError(f"{self.describe(database)}: {explain(error)}") from None
        return result

    def _once(
        self, database: str, cancelled: threading.Event, operation: Callable[[Connection], T], autocommit: bool
    ) -> T:
        with (
            self._slots,
            self.connect(database, autocommit=autocommit) as connection,
            _cancelling(connection, cancelled),
        ):
            return operation(connection)

    def connect(self, database: str, *, autocommit: bool = False) -> Connection:
        """A new connection; as a context manager it commits (or rolls back) and closes."""
        options: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "user": self.username,
            "password": self.password,
            "dbname": database,
            "sslmode": self.sslmode,
            "connect_timeout": self.connect_timeout,
            "application_name": "foundation",
        }
        given = {key: value for key, value in options.items() if value is not None}
        return psycopg.connect(**given, autocommit=autocommit)

    def describe(self, database: str) -> str:
        """Names the server and ``database`` in messages."""
        host = self.host or os.environ.get("PGHOST") or "localhost"
        port = self.port or os.environ.get("PGPORT") or 5432
        return f"PostgreSQL {host}:{port}, database {database}"


def server_of(context: Context[Server]) -> Server:
    """The configured server; operations that change the world always have one."""
    assert context.config is not None
    return context.config


def explain(error: psycopg.Error) -> str:
    """The error for people. The server's DETAIL is left out: it may quote rows and passwords."""
    message = error.diag.message_primary or str(error).strip()
    parts = [message]
    if error.diag.message_hint:
        parts.append(f"hint: {error.diag.message_hint}")
    if error.sqlstate:
        parts.append(f"SQLSTATE {error.sqlstate}")
    return "; ".join(parts)


def identifier(*names: str) -> sql.Identifier:
    """A quoted (and qualified) name."""
    return sql.Identifier(*names)


def statement(template: LiteralString, **parts: sql.Composable) -> sql.Composed:
    """``template`` with its ``{named}`` parts filled in by quoted names and literals."""
    return sql.SQL(template).format(**parts)


def _is_transient(error: BaseException) -> bool:
    if not isinstance(error, psycopg.Error):
        return False
    text = str(error)
    if error.sqlstate in TRANSIENT_STATES or any(part in text for part in TRANSIENT_TEXTS):
        return True
    return (
        isinstance(error, psycopg.OperationalError)
        and error.sqlstate is None
        and any(part in text for part in UNREACHABLE_TEXTS)
    )


@contextmanager
def _cancelling(connection: Connection, cancelled: threading.Event) -> Iterator[None]:
    """Cancels the statement that runs on ``connection`` when ``cancelled`` is set meanwhile."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(CANCEL_POLL_SECONDS):
            if cancelled.is_set():
                connection.cancel_safe()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
