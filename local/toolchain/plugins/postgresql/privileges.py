"""Privileges by kind of object, and how granted ones compare with wanted ones."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from psycopg import sql

from provider.plugin import CheckFailure, Properties, contains_unknown

ROUTINES = ("function", "procedure", "routine")
ALLOWED = {
    "database": ("CREATE", "CONNECT", "TEMPORARY"),
    "table": ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"),
    "sequence": ("USAGE", "SELECT", "UPDATE"),
    "schema": ("CREATE", "USAGE"),
    **dict.fromkeys(ROUTINES, ("EXECUTE",)),
    "type": ("USAGE",),
    "column": ("SELECT", "INSERT", "UPDATE", "REFERENCES"),
}
# MAINTAIN came with this version.
MAINTAIN_VERSION = 170000


def privilege_failures(planned: Properties) -> list[CheckFailure]:
    """Privileges that the kind of object doesn't have."""
    kind, privileges = planned["objectType"], planned["privileges"]
    if contains_unknown([kind, privileges]):
        return []
    return [
        CheckFailure("privileges", f"{privilege} is not an allowed privilege for object type {kind}")
        for privilege in privileges or ()
        if privilege not in (*ALLOWED[kind], "ALL")
    ]


def equal(granted: Collection[str], wanted: Collection[str], kind: str, version: int) -> bool:
    """Whether what is granted is what was wanted; ALL stands for every privilege of the kind."""
    every = {name for name in ALLOWED[kind] if name != "MAINTAIN" or version >= MAINTAIN_VERSION}
    return set(granted) == set(wanted) or ("ALL" in wanted and set(granted) == every)


def words(privileges: Sequence[str]) -> sql.Composable:
    """Privileges as keywords; Check has let none but known ones through."""
    return sql.SQL(", ").join(sql.SQL(privilege) for privilege in privileges)
