"""Databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import LiteralString

from psycopg import sql

from local.toolchain.plugins.postgresql.attributes import Attribute
from local.toolchain.plugins.postgresql.resource import BridgedResource
from local.toolchain.plugins.postgresql.roles import database_exists, member_of
from provider.plugin import Context, Properties
from provider.postgres.server import Connection, Server, identifier, server_of, statement

# What a database keeps from its making on.
FIXED = ("template", "encoding", "lcCollate", "lcCtype")


class Database(BridgedResource):
    """``CREATE DATABASE``; no transaction may hold it, so each statement is one."""

    attributes = {
        "name": Attribute(required=True),
        "owner": Attribute(computed=True),
        **dict.fromkeys(FIXED, Attribute(computed=True, replaces=True)),
        "tablespaceName": Attribute(computed=True),
        "connectionLimit": Attribute("int", default=-1, least=-1),
        "allowConnections": Attribute("bool", default=True),
        "isTemplate": Attribute("bool", computed=True),
        "alterObjectOwnership": Attribute("bool", default=False),
    }
    autonamed = True
    once = True
    autocommit = True

    def identity(self, values: Properties) -> str:
        return str(values["name"])

    def database_of(self, server: Server, values: Properties) -> str:
        return server.database

    def make(self, context: Context[Server], connection: Connection, new: Properties) -> None:
        name = new["name"]
        owner = new["owner"] or server_of(context).username
        parts = [
            statement("CREATE DATABASE {name} OWNER {owner}", name=identifier(name), owner=identifier(owner)),
            _choice("TEMPLATE", new["template"] or "template0", identifier),
            _choice("ENCODING", new["encoding"] or "UTF8", sql.Literal),
        ]
        if new["lcCollate"]:
            parts.append(_choice("LC_COLLATE", new["lcCollate"], sql.Literal))
        if new["lcCtype"]:
            parts.append(_choice("LC_CTYPE", new["lcCtype"], sql.Literal))
        if new["tablespaceName"]:
            parts.append(_choice("TABLESPACE", new["tablespaceName"], identifier))
        parts.append(
            statement(
                "ALLOW_CONNECTIONS {allow} CONNECTION LIMIT {limit} IS_TEMPLATE {is_template}",
                allow=sql.Literal(new["allowConnections"]),
                limit=sql.Literal(new["connectionLimit"]),
                is_template=sql.Literal(bool(new["isTemplate"])),
            )
        )
        with member_of(connection, [owner]):
            connection.execute(sql.SQL(" ").join(parts))

    def alter(self, context: Context[Server], connection: Connection, old: Properties, new: Properties) -> None:
        name, owner = new["name"], new["owner"]
        if old["name"] != name:
            rename = statement(
                "ALTER DATABASE {old} RENAME TO {new}", old=identifier(old["name"]), new=identifier(name)
            )
            connection.execute(rename)
        target = statement("ALTER DATABASE {name} ", name=identifier(name))
        if owner and owner != old["owner"]:
            with member_of(connection, [owner, old["owner"]]):
                if new["alterObjectOwnership"]:
                    self._reassign(context, name, old["owner"], owner)
                connection.execute(target + statement("OWNER TO {owner}", owner=identifier(owner)))
        if new["tablespaceName"] != old["tablespaceName"]:
            space = identifier(new["tablespaceName"] or "pg_default")
            connection.execute(target + statement("SET TABLESPACE {space}", space=space))
        for key, word in (("connectionLimit", "CONNECTION LIMIT"), ("allowConnections", "ALLOW_CONNECTIONS"),
                          ("isTemplate", "IS_TEMPLATE")):  # fmt: skip
            if new[key] != old[key]:
                connection.execute(target + sql.SQL(f"{word} ") + sql.Literal(new[key]))

    def look(self, context: Context[Server], connection: Connection, known: Properties) -> Properties | None:
        row = connection.execute(
            """
            SELECT pg_get_userbyid(datdba)::text, pg_encoding_to_char(encoding)::text, datcollate, datctype,
                   spcname::text, datconnlimit, datallowconn, datistemplate
              FROM pg_database d JOIN pg_tablespace t ON d.dattablespace = t.oid WHERE datname = %s
            """,
            (known["name"],),
        ).fetchone()
        if row is None:
            return None
        names = ("owner", "encoding", "lcCollate", "lcCtype", "tablespaceName", "connectionLimit", "allowConnections",
                 "isTemplate")  # fmt: skip
        return dict(zip(names, row, strict=True)) | {"template": known.get("template") or "template0"}

    def remove(self, context: Context[Server], connection: Connection, old: Properties) -> None:
        name = old["name"]
        if not database_exists(connection, name):
            return
        with member_of(connection, [old["owner"]]):
            target = statement("ALTER DATABASE {name} ", name=identifier(name))
            if old.get("isTemplate"):
                connection.execute(target + sql.SQL("IS_TEMPLATE false"))
            connection.execute(target + sql.SQL("ALLOW_CONNECTIONS false"))
            connection.execute(statement("DROP DATABASE {name} WITH (FORCE)", name=identifier(name)))

    def _reassign(self, context: Context[Server], database: str, old: str, new: str) -> None:
        step = statement("REASSIGN OWNED BY {old} TO {new}", old=identifier(old), new=identifier(new))
        server_of(context).run(database, context.cancelled, lambda connection: connection.execute(step))


def _choice(word: LiteralString, value: str, quote: Callable[[str], sql.Composable]) -> sql.Composable:
    return sql.SQL(word) + sql.SQL(" ") + (sql.SQL("DEFAULT") if value.upper() == "DEFAULT" else quote(value))
