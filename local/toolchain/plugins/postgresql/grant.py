"""Privileges on objects."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

from psycopg import sql

from local.toolchain.plugins.postgresql.attributes import Attribute
from local.toolchain.plugins.postgresql.privileges import ROUTINES, equal, privilege_failures, words
from local.toolchain.plugins.postgresql.resource import BridgedResource
from local.toolchain.plugins.postgresql.roles import (
    lock_database,
    lock_role,
    member_of,
    role_exists,
    role_oid,
    schema_exists,
)
from provider.plugin import CheckFailure, Context, Properties, contains_unknown
from provider.postgres.server import Connection, Server, identifier, statement

KINDS = ("database", *ROUTINES, "schema", "sequence", "table", "column")
# As pg_class names the kinds.
CODES = {"table": ("r",), "sequence": ("S",), "column": ("r",)}
# Types of arguments after a routine's name: name(text, numeric(8, 2), "my type"[]).
ARGUMENTS = re.compile(r'[\w\s,.\[\]"()]*')


class Grant(BridgedResource):
    """``GRANT ... ON``: everything is revoked and granted anew in one transaction; any change but of the privileges
    replaces, and a replacement revokes first."""

    attributes = {
        "role": Attribute(required=True, replaces=True),
        "database": Attribute(required=True, replaces=True),
        "schema": Attribute(replaces=True),
        "objectType": Attribute(required=True, replaces=True, one_of=KINDS),
        "objects": Attribute("set", replaces=True),
        "columns": Attribute("set", replaces=True),
        "privileges": Attribute("set", required=True),
        "withGrantOption": Attribute("bool", default=False, replaces=True),
    }
    delete_first = True

    def identity(self, values: Properties) -> str:
        kind = values["objectType"]
        parts = [values["role"], values["database"], *([] if kind == "database" else [values["schema"]]), kind]
        return "_".join([*parts, *_hashed(values["objects"] or ()), *_hashed(values["columns"] or ())])

    def parse(self, resource_id: str) -> Properties | None:
        return None

    def combinations(self, planned: Properties) -> list[CheckFailure]:
        if contains_unknown([planned[name] for name in ("objectType", "objects", "columns")]):
            return []
        kind, objects, columns = planned["objectType"], planned["objects"] or [], planned["columns"] or []
        failures = privilege_failures(planned)
        if planned["schema"] is None and kind != "database":
            failures.append(CheckFailure("schema", f"must be given when objectType is {kind}"))
        if objects and kind in ("database", "schema"):
            failures.append(CheckFailure("objects", "can't be given when objectType is database or schema"))
        if bool(columns) != (kind == "column"):
            failures.append(CheckFailure("columns", "must be given when objectType is column, and only then"))
        if kind == "column" and len(objects) != 1:
            failures.append(CheckFailure("objects", "must be exactly one table when objectType is column"))
        if kind == "column" and not contains_unknown(planned["privileges"]) and len(planned["privileges"]) != 1:
            failures.append(CheckFailure("privileges", "must be exactly one when objectType is column"))
        wrong = [name for name in objects if not ARGUMENTS.fullmatch(name.partition("(")[2])]
        return failures + [CheckFailure("objects", f"{name!r} is no routine with its arguments") for name in wrong]

    def make(self, context: Context[Server], connection: Connection, new: Properties) -> None:
        self.alter(context, connection, new, new)

    def alter(self, context: Context[Server], connection: Connection, old: Properties, new: Properties) -> None:
        self._lock(connection, new)
        with member_of(connection, _owners(connection, new)):
            self._revoke(connection, old)
            if new["privileges"]:
                columns = _columns(new) if new["objectType"] == "column" else sql.SQL("")
                grant = statement(
                    "GRANT {privileges}{columns} ON {objects} TO {role}",
                    privileges=words(new["privileges"]), columns=columns, objects=_objects(new),
                    role=identifier(new["role"]),
                )  # fmt: skip
                option = sql.SQL(" WITH GRANT OPTION") if new["withGrantOption"] else sql.SQL("")
                connection.execute(grant + option)

    def look(self, context: Context[Server], connection: Connection, known: Properties) -> Properties | None:
        kind, schema = known["objectType"], known["schema"]
        if not role_exists(connection, known["role"]) or (schema and not schema_exists(connection, schema)):
            return None
        if kind == "column":
            return self._look_at_columns(connection, known)
        wanted = known["privileges"] or []
        for granted in self._granted(connection, known):
            if not equal(granted, wanted, kind, connection.info.server_version):
                # One object that has others is enough to grant anew.
                return {"privileges": sorted(granted)}
        return {}

    def remove(self, context: Context[Server], connection: Connection, old: Properties) -> None:
        schema = old["schema"]
        if not role_exists(connection, old["role"]) or (schema and not schema_exists(connection, schema)):
            return
        self._lock(connection, old)
        with member_of(connection, _owners(connection, old)):
            self._revoke(connection, old)

    def _lock(self, connection: Connection, values: Properties) -> None:
        lock_role(connection, values["role"])
        if values["objectType"] == "database":
            lock_database(connection, values["database"])

    def _revoke(self, connection: Connection, values: Properties) -> None:
        kind, privileges = values["objectType"], values["privileges"] or []
        what: sql.Composable = sql.SQL("ALL PRIVILEGES")
        if kind == "column":
            if not privileges or not values["columns"]:
                return
            what = words(privileges) + _columns(values)
        elif values["objects"] and privileges:
            # Grants on single columns of these objects are somebody else's: they stay.
            what = words(privileges)
        revoke = statement(
            "REVOKE {what} ON {objects} FROM {role}",
            what=what, objects=_objects(values), role=identifier(values["role"]),
        )  # fmt: skip
        connection.execute(revoke)

    def _granted(self, connection: Connection, known: Properties) -> list[list[str]]:
        """The privileges of the role on each object concerned."""
        role, kind = role_oid(connection, known["role"]), known["objectType"]
        if kind == "database":
            source, names = sql.SQL("pg_database WHERE datname = {name}"), ("datname", "datacl", known["database"])
        elif kind == "schema":
            source, names = sql.SQL("pg_namespace WHERE nspname = {name}"), ("nspname", "nspacl", known["schema"])
        elif kind in ROUTINES:
            source, names = (
                sql.SQL("pg_proc JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = {name}"),
                ("proname", "proacl", known["schema"]),
            )
        else:
            source, names = (
                sql.SQL(
                    "pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = {name} AND relkind = {kind}"
                ),
                ("relname", "relacl", known["schema"]),
            )
        column, acl, name = names
        query = statement(
            "SELECT {column}::text, ARRAY(SELECT privilege_type FROM aclexplode({acl}) WHERE grantee = {role}) FROM ",
            column=identifier(column), acl=identifier(acl), role=sql.Literal(role),
        ) + source.format(name=sql.Literal(name), kind=sql.Literal(*CODES.get(kind, ("",))))  # fmt: skip
        objects = known["objects"] or ()
        return [granted for found, granted in connection.execute(query).fetchall() if not objects or found in objects]

    def _look_at_columns(self, connection: Connection, known: Properties) -> Properties:
        (table,) = known["objects"]
        rows = connection.execute(
            """
            SELECT attname::text FROM pg_attribute
              JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace,
              aclexplode(attacl) AS privilege
             WHERE nspname = %s AND relname = %s AND grantee = %s AND privilege_type = ANY(%s)
            """,
            (known["schema"], table, role_oid(connection, known["role"]), known["privileges"]),
        ).fetchall()
        granted = {column for (column,) in rows}
        return {"columns": sorted(granted & set(known["columns"]))}


def _objects(values: Properties) -> sql.Composable:
    kind, schema = values["objectType"], values["schema"]
    word = sql.SQL("TABLE" if kind == "column" else kind.upper())
    if kind in ("database", "schema"):
        return word + sql.SQL(" ") + identifier(values[kind])
    if not values["objects"]:
        return statement("ALL {word}S IN SCHEMA {schema}", word=word, schema=identifier(schema))
    return word + sql.SQL(" ") + sql.SQL(", ").join(_routine(schema, name) for name in values["objects"])


def _routine(schema: str, name: str) -> sql.Composable:
    """``schema.name``, with the argument types after a routine's name as they are."""
    plain, bracket, arguments = name.partition("(")
    return identifier(schema, plain) + sql.SQL(f"{bracket}{arguments}")  # see ARGUMENTS


def _columns(values: Properties) -> sql.Composable:
    names = sql.SQL(", ").join(identifier(name) for name in values["columns"])
    return statement(" ({names})", names=names)


def _owners(connection: Connection, values: Properties) -> list[str]:
    """Those whose objects are concerned."""
    if values["objectType"] == "database":
        return []
    rows = connection.execute(
        """
        SELECT tableowner::text FROM pg_tables WHERE schemaname = %(schema)s AND %(kind)s <> 'schema'
        UNION
        SELECT CASE r.rolname WHEN 'pg_database_owner' THEN
               (SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = current_database())
               ELSE r.rolname::text END
          FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE nspname = %(schema)s
        """,
        {"schema": values["schema"], "kind": values["objectType"]},
    ).fetchall()
    return [owner for (owner,) in rows]


def _hashed(names: Sequence[str]) -> list[str]:
    """In the order in which Terraform keeps sets: by the decimal text of the CRC-32."""
    return sorted(names, key=lambda name: str(zlib.crc32(name.encode())))
