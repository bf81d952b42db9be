"""Everything the emulator remembers, in one SQLite file.

A request is one transaction: it happens wholly or not at all, whenever the process is killed. What is committed has
been handed to the kernel, so it outlives the process; only a power cut may take it, as for the sandbox's PostgreSQL.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.hetzner.listing import Record

# Nothing of Hetzner's: real IDs are long too, and code that takes them for small numbers should fail here.
FIRST_ID = 4_711_001

_TABLES = """
CREATE TABLE IF NOT EXISTS objects (
    kind TEXT NOT NULL, id INTEGER NOT NULL, project TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS objects_by_project ON objects (project, kind);
CREATE INDEX IF NOT EXISTS running_actions ON objects (id)
    WHERE kind = 'actions' AND json_extract(body, '$.status') = 'running';
CREATE TABLE IF NOT EXISTS settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class State:
    """The file. Used by one thread."""

    def __init__(self, file: Path) -> None:
        file.touch(mode=0o600)
        self._database = sqlite3.connect(file, isolation_level=None)
        self._database.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; {_TABLES}")

    def close(self) -> None:
        """Give the file back."""
        self._database.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the changes made within, or none when it ends with an exception. May be nested."""
        if self._database.in_transaction:
            yield
            return
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def read_setting(self, key: str, default: Any) -> Any:
        """A value that was written, or ``default``."""
        row = self._database.execute("SELECT value FROM settings WHERE key = ?", [key]).fetchone()
        return json.loads(row[0]) if row else default

    def write_setting(self, key: str, value: Any) -> None:
        """Keep any JSON value."""
        self._database.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", [key, json.dumps(value)])

    def number(self, series: str, first: int = FIRST_ID) -> int:
        """The next number of a series; none is ever given twice."""
        key = f"number:{series}"
        value: int = self.read_setting(key, first)
        self.write_setting(key, value + 1)
        return value

    def query(self, condition: str, *values: Any) -> list[tuple[str, Record]]:
        """Project and record of every object that meets the SQL ``condition``, by ID."""
        rows = self._database.execute(
            f"SELECT project, body FROM objects WHERE {condition} ORDER BY id",  # noqa: S608 - constants of this package
            values,
        )
        return [(project, json.loads(body)) for project, body in rows]

    def everything(self) -> list[tuple[str, str, Record]]:
        """Kind, project and record of every object."""
        rows = self._database.execute("SELECT kind, project, body FROM objects ORDER BY kind, id")
        return [(kind, project, json.loads(body)) for kind, project, body in rows]

    def put(self, kind: str, project: str, record: Record) -> None:
        """Keep the record under its ID."""
        self._database.execute(
            "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)", [kind, record["id"], project, json.dumps(record)]
        )

    def delete(self, kind: str, identity: int) -> None:
        """Forget the record."""
        self._database.execute("DELETE FROM objects WHERE kind = ? AND id = ?", [kind, identity])

    def clear(self) -> None:
        """Forget every object; settings and numbers stay."""
        self._database.execute("DELETE FROM objects")


@dataclass(frozen=True)
class Objects:
    """The objects of one project."""

    state: State
    project: str

    def get(self, kind: str, identity: int) -> Record | None:
        """The record, or None where the project has none with this ID."""
        found = self.state.query("project = ? AND kind = ? AND id = ?", self.project, kind, identity)
        return found[0][1] if found else None

    def all(self, kind: str) -> list[Record]:
        """Every record of the kind, by ID."""
        return [record for _, record in self.state.query("project = ? AND kind = ?", self.project, kind)]

    def where(self, kind: str, field: str, value: Any) -> list[Record]:
        """The records whose ``field`` is ``value``."""
        return [
            record
            for _, record in self.state.query(
                "project = ? AND kind = ? AND json_extract(body, ?) = ?", self.project, kind, f"$.{field}", value
            )
        ]

    def add(self, kind: str, record: Record) -> Record:
        """Keep a new record, with an ID of its own."""
        return self.put(kind, {"id": self.state.number(kind), **record})

    def put(self, kind: str, record: Record) -> Record:
        """Keep a changed record."""
        self.state.put(kind, self.project, record)
        return record

    def delete(self, kind: str, identity: int) -> None:
        """Forget a record."""
        self.state.delete(kind, identity)
