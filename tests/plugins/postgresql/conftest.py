"""The stand-in on the run's PostgreSQL, and names of the test's own that are gone after it."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from psycopg import sql

from local.sandbox import Sandbox
from provider.plugin import Properties, Secret
from tests.plugins.postgresql.world import World
from tests.plugins.rpc import Plugin, standin
from tests.provider.conftest import project
from tests.provider.engine import Database

__all__ = ["project"]


@pytest.fixture(scope="session")
def database(sandbox: Sandbox) -> Database:
    return Database.of(sandbox.directory)


@pytest.fixture(scope="session")
def settings(database: Database) -> Properties:
    """The provider's configuration for the run's server."""
    known = database.settings
    return {
        "host": known["host"],
        "port": known["port"],
        "username": known["user"],
        "password": Secret(known["password"]),
        "sslmode": "disable",
    }


@pytest.fixture(scope="module")
def plugin(settings: Properties) -> Iterator[Plugin]:
    with standin("postgresql") as running:
        running.configure(settings)
        yield running


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    """Two roles and a database with one schema, two tables, a sequence and a function."""
    prefix = f"t{uuid4().hex[:10]}"
    made = World(database, prefix)
    made.fill()
    yield made
    with database.connect() as connection:
        for (name,) in connection.execute("SELECT datname FROM pg_database WHERE datname ^@ %s", (prefix,)).fetchall():
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        for (role,) in connection.execute("SELECT rolname FROM pg_roles WHERE rolname ^@ %s", (prefix,)).fetchall():
            connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
