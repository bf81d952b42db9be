"""Extensions."""

from __future__ import annotations

from psycopg import sql

from local.toolchain.plugins.postgresql.attributes import Attribute
from local.toolchain.plugins.postgresql.resource import BridgedResource
from provider.plugin import Context, Properties
from provider.postgres.server import Connection, Server, identifier, statement


class Extension(BridgedResource):
    """``CREATE EXTENSION IF NOT EXISTS``."""

    attributes = {
        "name": Attribute(required=True, replaces=True),
        "schema": Attribute(computed=True),
        "version": Attribute(computed=True),
        "database": Attribute(computed=True, replaces=True),
        "dropCascade": Attribute("bool", default=False),
        "createCascade": Attribute("bool", default=False),
    }
    autonamed = True

    def identity(self, values: Properties) -> str:
        return f"{values['database']}.{values['name']}"

    def parse(self, resource_id: str) -> Properties | None:
        database, _, name = resource_id.partition(".")
        return {"database": database, "name": name}

    def make(self, context: Context[Server], connection: Connection, new: Properties) -> None:
        parts: list[sql.Composable] = [statement("CREATE EXTENSION IF NOT EXISTS {name}", name=identifier(new["name"]))]
        if new["schema"]:
            parts.append(statement("SCHEMA {schema}", schema=identifier(new["schema"])))
        if new["version"]:
            parts.append(statement("VERSION {version}", version=identifier(new["version"])))
        if new["createCascade"]:
            parts.append(sql.SQL("CASCADE"))
        connection.execute(sql.SQL(" ").join(parts))

    def alter(self, context: Context[Server], connection: Connection, old: Properties, new: Properties) -> None:
        target = statement("ALTER EXTENSION {name} ", name=identifier(new["name"]))
        if new["schema"] != old["schema"]:
            connection.execute(target + statement("SET SCHEMA {schema}", schema=identifier(new["schema"])))
        if new["version"] != old["version"]:
            connection.execute(target + statement("UPDATE TO {version}", version=identifier(new["version"])))

    def look(self, context: Context[Server], connection: Connection, known: Properties) -> Properties | None:
        row = connection.execute(
            "SELECT current_database(), nspname::text, extversion FROM pg_extension"
            " JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = %s",
            (known["name"],),
        ).fetchone()
        return None if row is None else dict(zip(("database", "schema", "version"), row, strict=True))

    def remove(self, context: Context[Server], connection: Connection, old: Properties) -> None:
        mode = sql.SQL("CASCADE") if old.get("dropCascade") else sql.SQL("RESTRICT")
        connection.execute(statement("DROP EXTENSION IF EXISTS {name} {mode}", name=identifier(old["name"]), mode=mode))
