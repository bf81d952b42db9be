"""Applies migrations to one schema: each in one transaction with its history row and row-level security."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import psycopg
from psycopg import errors

from provider.plugin import PluginError
from provider.postgres import history
from provider.postgres.history import Version
from provider.postgres.row_level_security import RowLevelSecurity
from provider.postgres.server import Connection, Server, explain, identifier, statement

# What a migration meets that was applied before: its objects.
ALREADY_THERE = (
    errors.DuplicateTable,
    errors.DuplicateObject,
    errors.DuplicateColumn,
    errors.DuplicateFunction,
    errors.DuplicateSchema,
    errors.UniqueViolation,
)


@dataclass(frozen=True)
class Migrator:
    """What is to be done to ``schema``: ``wanted`` migrations in order, run by ``owner``.

    ``recorded`` are those of the last update: what tells a history row that was changed by hand from a file that
    was. ``text_of`` gives a migration's SQL.
    """

    server: Server
    database: str
    schema: str
    owner: str
    wanted: Sequence[Version]
    recorded: Sequence[Version]
    security: RowLevelSecurity | None
    text_of: Callable[[Version], str]
    log: Callable[[str], None]
    warn: Callable[[str], None]
    cancelled: threading.Event

    def run(self) -> None:
        """Raises :class:`PluginError`; what was applied before the failure stays, the next run goes on there."""
        self._transaction(self._begin)
        for migration in self.wanted:
            self._transaction(partial(self._apply, migration))
        self._transaction(self._enforce)

    def _transaction(self, work: Callable[[Connection], None]) -> None:
        self.server.run(self.database, self.cancelled, work)

    def _begin(self, connection: Connection) -> None:
        """Readies the history, mends what was changed in it by hand, and compares it with the files."""
        if history.owner_of(connection, self.schema) is None:
            raise PluginError(f"schema {self.schema} doesn't exist: make it before its migrations (depends_on)")
        history.prepare(connection)
        history.lock(connection, self.schema)
        applied = history.applied(connection, self.schema)
        if not applied:
            history.forget(connection, self.schema)
        last = applied[-1].version if applied else 0
        unchanged = [row for row in self.recorded if row in self.wanted and row.version <= last]
        for row in unchanged:
            if row not in applied:
                self.warn(f"schema {self.schema}: history of version {row.version} was changed by hand; mended")
                history.record(connection, self.schema, row)
        self._compare(connection)

    def _apply(self, migration: Version, connection: Connection) -> None:
        history.lock(connection, self.schema)
        # Another process may have applied it since; what it applied must be the same.
        known = {row.version: row for row in self._compare(connection)}.get(migration.version)
        if known is not None:
            if known != migration:  # its file was renamed
                history.record(connection, self.schema, migration)
            return
        self.log(f"applying version {migration.version} ({migration.name})")
        text = self.text_of(migration)
        try:
            with connection.transaction():
                self._execute(connection, text)
        except ALREADY_THERE as error:
            if not any(migration.same_sql(row) for row in self.recorded):
                raise PluginError(self._failure(migration, text, error)) from None
            self.warn(
                f"schema {self.schema}: version {migration.version} was applied by an earlier update, but its "
                "history row was missing; put back"
            )
        except psycopg.Error as error:
            if error.sqlstate is None or isinstance(error, psycopg.OperationalError):
                raise  # the connection, a deadlock or a cancellation: not the migration's fault
            raise PluginError(self._failure(migration, text, error)) from None
        history.record(connection, self.schema, migration)
        self._protect(connection)

    def _execute(self, connection: Connection, text: str) -> None:
        """Runs the SQL as the owner. EXECUTE refuses COMMIT and ROLLBACK, which would end the transaction."""
        connection.execute(statement("SET LOCAL ROLE {owner}", owner=identifier(self.owner)))
        connection.execute(statement("SET LOCAL search_path TO {schema}", schema=identifier(self.schema)))
        if self.security is not None:
            tenant = str(self.security.tenant)
            connection.execute("SELECT set_config(%s, %s, true)", (self.security.setting, tenant))
        connection.execute("SELECT set_config('foundation.migration', %s, true)", (text,))
        connection.execute("DO $$ BEGIN EXECUTE current_setting('foundation.migration'); END $$")
        connection.execute("RESET ROLE")
        connection.execute("SET LOCAL search_path TO DEFAULT")

    def _enforce(self, connection: Connection) -> None:
        history.lock(connection, self.schema)
        self._protect(connection)

    def _protect(self, connection: Connection) -> None:
        if self.security is not None:
            self.security.enforce(connection, self.schema)

    def _compare(self, connection: Connection) -> list[Version]:
        applied = history.applied(connection, self.schema)
        problems = history.contradictions(applied, self.wanted)
        if problems:
            raise PluginError(f"schema {self.schema}: " + "; ".join(problems))
        return applied

    def _failure(self, migration: Version, text: str, error: psycopg.Error) -> str:
        position = error.diag.internal_position or error.diag.statement_position
        line = f", line {text[: int(position)].count(chr(10)) + 1}" if position else ""
        return (
            f"schema {self.schema}: version {migration.version} ({migration.name}{line}): {explain(error)}. "
            "Nothing of it was applied"
        )
