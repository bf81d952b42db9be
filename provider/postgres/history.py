"""The history of a schema's migrations: what must be, what is, and what is wrong between them.

The rows live in ``foundation.schema_versions`` of the database that holds the schema, so that a migration and its
row are one transaction (FC-046 names auth_db.schema_versions, but no transaction spans two databases). Columns and
key are those of FC-273, and the migration's name for messages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from provider.plugin import Properties
from provider.postgres.server import Connection

HISTORY_TABLE = "foundation.schema_versions"


@dataclass(frozen=True)
class Version:
    """One migration as it is recorded: its number, file name and the SHA-256 of its SQL."""

    version: int
    name: str
    checksum: str

    @classmethod
    def from_properties(cls, properties: Mapping[str, object]) -> Version:
        return cls(int(str(properties["version"])), str(properties["name"]), str(properties["checksum"]))

    def same_sql(self, other: Version) -> bool:
        """Whether both are the same step, whatever their files are called."""
        return (self.version, self.checksum) == (other.version, other.checksum)

    def properties(self) -> Properties:
        return {"version": self.version, "name": self.name, "checksum": self.checksum}


def checksum_of(sql: str) -> str:
    """SHA-256 of a migration's SQL. Line ends don't count: Git may change them on checkout."""
    return hashlib.sha256(sql.replace("\r\n", "\n").encode()).hexdigest()


def numbering_errors(numbers: Sequence[int]) -> list[str]:
    """What is wrong with the sequence of version numbers; it must be 1, 2, 3 ..."""
    duplicates = sorted({number for number in numbers if numbers.count(number) > 1})
    if duplicates:
        return [f"version {number} is there twice" for number in duplicates]
    missing = sorted(set(range(1, max(numbers, default=0) + 1)) - set(numbers))
    if missing:
        return [f"version {number} is missing: versions count 1, 2, 3 ... without gaps" for number in missing]
    if list(numbers) != sorted(numbers):
        return [f"versions are out of order: {', '.join(map(str, numbers))}"]
    return ["versions count from 1"] if min(numbers, default=1) < 1 else []


def contradictions(applied: Sequence[Version], wanted: Sequence[Version]) -> list[str]:
    """How ``wanted`` contradicts what was applied; empty when it only adds to it."""
    by_number = {migration.version: migration for migration in wanted}
    errors = []
    for row in applied:
        migration = by_number.get(row.version)
        if migration is None:
            errors.append(
                f"version {row.version} ({row.name}) was applied, but its file is gone: put it back as it was "
                f"(SHA-256 {row.checksum})"
            )
        elif migration.checksum != row.checksum:
            errors.append(
                f"version {row.version} ({migration.name}) was edited after it was applied: applied with SHA-256 "
                f"{row.checksum}, now {migration.checksum}. Put the file back as it was, and write what is to "
                f"change as version {max(by_number) + 1}"
            )
    return errors


def prepare(connection: Connection) -> None:
    """Makes the history table when it isn't there."""
    if connection.execute("SELECT to_regclass(%s) IS NOT NULL", (HISTORY_TABLE,)).fetchone() == (True,):
        return
    # Two tenants' first migrations may come here at once: IF NOT EXISTS alone would let one of them fail.
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (HISTORY_TABLE,))
    connection.execute("CREATE SCHEMA IF NOT EXISTS foundation")
    connection.execute(
        """
        CREATE TABLE IF NOT EXISTS foundation.schema_versions (
            schema_name text NOT NULL,
            version integer NOT NULL CHECK (version > 0),
            name text NOT NULL,
            checksum text NOT NULL CHECK (checksum ~ '^[0-9a-f]{64}$'),
            applied_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (schema_name, version)
        )
        """
    )


def lock(connection: Connection, schema: str) -> None:
    """Waits until nobody else migrates ``schema``; the lock ends with the transaction."""
    key = f"{HISTORY_TABLE}/{schema}"
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (key,))


def owner_of(connection: Connection, schema: str) -> str | None:
    """The schema's owner, None when there is no such schema."""
    query = "SELECT pg_get_userbyid(nspowner)::text FROM pg_namespace WHERE nspname = %s"
    row = connection.execute(query, (schema,)).fetchone()
    return row[0] if row else None


def applied(connection: Connection, schema: str) -> list[Version]:
    """The migrations in effect, oldest first.

    Rows of a schema that holds nothing at all are left from one that was dropped: they don't count.
    """
    if connection.execute("SELECT to_regclass(%s) IS NULL", (HISTORY_TABLE,)).fetchone() == (True,):
        return []
    if _is_empty(connection, schema):
        return []
    rows = connection.execute(
        "SELECT version, name, checksum FROM foundation.schema_versions WHERE schema_name = %s ORDER BY version",
        (schema,),
    ).fetchall()
    return [Version(version, name, checksum) for version, name, checksum in rows]


def record(connection: Connection, schema: str, migration: Version) -> None:
    """Writes a migration's row, over one that is there."""
    connection.execute(
        """
        INSERT INTO foundation.schema_versions (schema_name, version, name, checksum) VALUES (%s, %s, %s, %s)
        ON CONFLICT (schema_name, version) DO UPDATE SET name = excluded.name, checksum = excluded.checksum
        """,
        (schema, migration.version, migration.name, migration.checksum),
    )


def forget(connection: Connection, schema: str) -> None:
    """Removes the rows of a schema that is gone or was made anew."""
    if connection.execute("SELECT to_regclass(%s) IS NOT NULL", (HISTORY_TABLE,)).fetchone() == (True,):
        connection.execute("DELETE FROM foundation.schema_versions WHERE schema_name = %s", (schema,))


def _is_empty(connection: Connection, schema: str) -> bool:
    query = """
        SELECT NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = n.oid)
           AND NOT EXISTS (SELECT FROM pg_proc WHERE pronamespace = n.oid)
           AND NOT EXISTS (SELECT FROM pg_type WHERE typnamespace = n.oid)
          FROM pg_namespace n WHERE nspname = %s
    """
    return connection.execute(query, (schema,)).fetchone() in (None, (True,))
