"""Schemas."""

from __future__ import annotations

from psycopg import sql

from local.toolchain.plugins.postgresql.attributes import Attribute
from local.toolchain.plugins.postgresql.resource import BridgedResource
from local.toolchain.plugins.postgresql.roles import member_of, schema_exists
from provider.plugin import CheckFailure, Context, Properties
from provider.postgres.server import Connection, Server, identifier, statement


class Schema(BridgedResource):
    """``CREATE SCHEMA``; one that exists is taken over."""

    attributes = {
        "name": Attribute(required=True),
        "database": Attribute(computed=True, replaces=True),
        "owner": Attribute(computed=True),
        "ifNotExists": Attribute("bool", default=True),
        "dropCascade": Attribute("bool", default=False),
        "policies": Attribute("list", computed=True),
    }
    renamed = {"policies": "policy"}
    autonamed = True

    def identity(self, values: Properties) -> str:
        return f"{values['database']}.{values['name']}"

    def parse(self, resource_id: str) -> Properties | None:
        database, _, name = resource_id.partition(".")
        return {"database": database, "name": name}

    def combinations(self, planned: Properties) -> list[CheckFailure]:
        if planned["policies"] in (None, []):
            return []
        return [CheckFailure("policies", "deprecated, and unknown to the stand-in: use Grant with objectType schema")]

    def make(self, context: Context[Server], connection: Connection, new: Properties) -> None:
        name, owner = new["name"], new["owner"]
        with member_of(connection, [*_database_owner(connection), *([owner] if owner else [])]):
            if not schema_exists(connection, name):
                authorization = statement(" AUTHORIZATION {owner}", owner=identifier(owner)) if owner else sql.SQL("")
                guard = sql.SQL("IF NOT EXISTS ") if new["ifNotExists"] else sql.SQL("")
                create = statement("CREATE SCHEMA {guard}{name}", guard=guard, name=identifier(name))
                connection.execute(create + authorization)
            elif owner:
                _set_owner(connection, name, owner)

    def alter(self, context: Context[Server], connection: Connection, old: Properties, new: Properties) -> None:
        before, name, owner = old["name"], new["name"], new["owner"]
        if before != name:
            rename = statement("ALTER SCHEMA {old} RENAME TO {new}", old=identifier(before), new=identifier(name))
            connection.execute(rename)
        if owner and owner != old.get("owner"):
            _set_owner(connection, name, owner)

    def look(self, context: Context[Server], connection: Connection, known: Properties) -> Properties | None:
        row = connection.execute(
            "SELECT current_database(), pg_get_userbyid(nspowner)::text FROM pg_namespace WHERE nspname = %s",
            (known["name"],),
        ).fetchone()
        return None if row is None else {"database": row[0], "owner": row[1], "policies": []}

    def remove(self, context: Context[Server], connection: Connection, old: Properties) -> None:
        if schema_exists(connection, old["name"]):
            mode = sql.SQL("CASCADE") if old.get("dropCascade") else sql.SQL("RESTRICT")
            with member_of(connection, [old["owner"]]):
                connection.execute(statement("DROP SCHEMA {name} {mode}", name=identifier(old["name"]), mode=mode))


def _set_owner(connection: Connection, name: str, owner: str) -> None:
    connection.execute(
        statement("ALTER SCHEMA {name} OWNER TO {owner}", name=identifier(name), owner=identifier(owner))
    )


def _database_owner(connection: Connection) -> list[str]:
    query = "SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = current_database()"
    return [owner for (owner,) in connection.execute(query).fetchall()]
