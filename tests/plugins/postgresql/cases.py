"""Resources of every type, and changes to them: what the stand-in and the published plugin are put through alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from provider.plugin import UNKNOWN, Properties, Secret
from tests.plugins.postgresql.world import World


@dataclass(frozen=True)
class Case:
    """One resource, the inputs that it is compared with later, and SQL that makes it drift."""

    kind: str
    inputs: Properties
    changes: Sequence[Properties] = ()
    drift: Sequence[str] = ()


def cases(world: World) -> list[Case]:
    base = {"role": world.app, "database": world.database}
    table = {**base, "schema": world.schema, "objectType": "table", "privileges": ["UPDATE", "SELECT", "INSERT"]}
    schema = {**base, "schema": world.schema, "objectType": "schema", "privileges": ["USAGE"]}
    column = {**table, "objectType": "column", "objects": ["t1"], "columns": ["b", "a"], "privileges": ["SELECT"]}
    to_come = {**table, "owner": world.owner}
    new = f"{world.prefix}_new"
    password = Secret("a password")
    return [
        Case(
            "Role",
            {"name": new, "login": True, "password": password},
            [
                {"name": new, "login": True, "password": Secret("another")},
                {"name": f"{new}er", "login": False, "password": password},
                {"name": new, "login": True, "password": Secret(UNKNOWN)},
                {"name": new, "roles": [world.owner], "validUntil": "2040-01-01 00:00:00+00", "connectionLimit": 3},
                {
                    "name": new,
                    "searchPaths": [],
                    "roles": [],
                    "password": password,
                    "login": True,
                    "statementTimeout": 0,
                },
                {"login": True, "password": password, "createDatabase": True, "bypassRowLevelSecurity": True},
            ],
        ),
        Case(
            "Role",
            {"name": new, "searchPaths": ["a", "public"], "roles": [world.owner], "statementTimeout": 5000},
            [{"name": new}, {"name": new, "searchPaths": ["b"], "assumeRole": world.owner}],
        ),
        Case(
            "Database",
            {"name": f"{new}_db", "owner": world.owner},
            [
                {"name": f"{new}_db", "owner": world.owner, "encoding": "LATIN1"},
                {"name": f"{new}_db2", "owner": world.app, "connectionLimit": 5},
                {"name": f"{new}_db", "allowConnections": False},
                {"name": f"{new}_db"},
            ],
        ),
        Case(
            "Schema",
            {"name": new, "database": world.database, "owner": world.owner},
            [
                {"name": new, "database": world.database},
                {"name": new, "database": "another"},
                {"name": f"{new}2", "database": world.database, "owner": world.app, "dropCascade": True},
                {"database": world.database},
                {"name": new, "database": UNKNOWN},
                {"name": new, "database": world.database, "owner": UNKNOWN},
            ],
        ),
        Case(
            "Grant",
            schema,
            [{**schema, "privileges": ["CREATE", "USAGE"]}],
            ["REVOKE ALL ON SCHEMA {schema} FROM {app}"],
        ),
        Case(
            "Grant",
            table,
            [
                {**table, "privileges": ["SELECT"]},
                {**table, "privileges": ["ALL"]},
                {**table, "privileges": UNKNOWN},
                {**table, "role": "public"},
                {**table, "objects": ["t1"]},
                {**table, "withGrantOption": True},
            ],
            ["CREATE TABLE {schema}.t3 (a int)", "DROP TABLE {schema}.t3", "REVOKE INSERT ON {schema}.t1 FROM {app}"],
        ),
        Case(
            "Grant", {**table, "objects": ["t2", "t1"]}, [{**table, "objects": ["t1", "t2"], "privileges": ["DELETE"]}]
        ),
        Case("Grant", {**table, "privileges": ["ALL"]}),
        Case("Grant", {**table, "objectType": "sequence", "privileges": ["USAGE", "SELECT"], "withGrantOption": True}),
        Case("Grant", {**table, "objectType": "function", "privileges": ["EXECUTE"]}),
        Case("Grant", column, [], ["REVOKE SELECT (a) ON {schema}.t1 FROM {app}"]),
        Case("Grant", {**base, "objectType": "database", "privileges": ["CONNECT"]}),
        Case(
            "GrantRole",
            {"role": world.app, "grantRole": world.owner},
            [{"role": world.app, "grantRole": world.owner, "withAdminOption": True}],
        ),
        Case(
            "DefaultPrivileges",
            to_come,
            [
                {**to_come, "privileges": ["SELECT"]},
                {**to_come, "owner": world.app},
                {**to_come, "withGrantOption": True},
            ],
            ["ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} REVOKE INSERT ON TABLES FROM {app}"],
        ),
        Case("DefaultPrivileges", {**base, "owner": world.owner, "objectType": "sequence", "privileges": ["USAGE"]}),
        Case(
            "Extension",
            {"name": "pgcrypto", "database": world.database},
            [
                {"name": "pgcrypto", "database": world.database, "schema": world.schema},
                {"name": "hstore", "database": world.database},
            ],
        ),
    ]
