"""Privileges that objects made later come with."""

from __future__ import annotations

from psycopg import sql

from local.toolchain.plugins.postgresql.attributes import Attribute
from local.toolchain.plugins.postgresql.privileges import equal, privilege_failures, words
from local.toolchain.plugins.postgresql.resource import BridgedResource
from local.toolchain.plugins.postgresql.roles import PUBLIC, lock_role, member_of, role_exists, role_oid, schema_exists
from provider.plugin import CheckFailure, Context, Properties
from provider.postgres.server import Connection, Server, identifier, statement

# As pg_default_acl names the kinds.
CODES = {"table": "r", "sequence": "S", "function": "f", "routine": "f", "type": "T", "schema": "n"}


class DefaultPrivileges(BridgedResource):
    """``ALTER DEFAULT PRIVILEGES``: any change but of the privileges replaces."""

    attributes = {
        "role": Attribute(required=True, replaces=True),
        "database": Attribute(required=True, replaces=True),
        "owner": Attribute(required=True, replaces=True),
        "schema": Attribute(replaces=True),
        "objectType": Attribute(required=True, replaces=True, one_of=tuple(CODES)),
        "privileges": Attribute("set", required=True),
        "withGrantOption": Attribute("bool", default=False, replaces=True),
    }

    def identity(self, values: Properties) -> str:
        names = (
            values["role"],
            values["database"],
            values["schema"] or "noschema",
            values["owner"],
            values["objectType"],
        )
        return "_".join(names)

    def parse(self, resource_id: str) -> Properties | None:
        return None

    def combinations(self, planned: Properties) -> list[CheckFailure]:
        failures = privilege_failures(planned)
        if planned["schema"] is not None and planned["objectType"] == "schema":
            failures.append(CheckFailure("schema", "can't be given when objectType is schema"))
        if planned["withGrantOption"] is True and str(planned["role"]).lower() == PUBLIC:
            failures.append(CheckFailure("withGrantOption", "can't be true for role public"))
        return failures

    def make(self, context: Context[Server], connection: Connection, new: Properties) -> None:
        lock_role(connection, new["owner"])
        with member_of(connection, [new["owner"]]):
            self._revoke(connection, new)
            if new["privileges"]:
                grant = statement(
                    "GRANT {privileges} ON {kind} TO {role}",
                    privileges=words(new["privileges"]), kind=_kind(new), role=identifier(new["role"]),
                )  # fmt: skip
                option = sql.SQL(" WITH GRANT OPTION") if new["withGrantOption"] else sql.SQL("")
                connection.execute(_target(new) + grant + option)

    def alter(self, context: Context[Server], connection: Connection, old: Properties, new: Properties) -> None:
        self.make(context, connection, new)

    def look(self, context: Context[Server], connection: Connection, known: Properties) -> Properties | None:
        schema, wanted = known["schema"], known["privileges"] or []
        if not (role_exists(connection, known["role"]) and (not schema or schema_exists(connection, schema))):
            return None
        rows = connection.execute(
            """
            SELECT privilege.privilege_type
              FROM pg_default_acl d, aclexplode(d.defaclacl) AS privilege
             WHERE d.defaclobjtype = %s AND privilege.grantee = %s
               AND d.defaclnamespace = coalesce((SELECT oid FROM pg_namespace WHERE nspname = %s), 0)
               AND pg_get_userbyid(privilege.grantor) = %s
            """,
            (CODES[known["objectType"]], role_oid(connection, known["role"]), schema or "", known["owner"]),
        ).fetchall()
        granted = sorted({privilege for (privilege,) in rows})
        if not granted and wanted:
            return None
        if equal(granted, wanted, known["objectType"], connection.info.server_version):
            return {}
        return {"privileges": granted}

    def remove(self, context: Context[Server], connection: Connection, old: Properties) -> None:
        schema = old["schema"]
        roles = (role_exists(connection, old["role"]), role_exists(connection, old["owner"]))
        if not all(roles) or (schema and not schema_exists(connection, schema)):
            return
        lock_role(connection, old["owner"])
        with member_of(connection, [old["owner"]]):
            self._revoke(connection, old)

    def _revoke(self, connection: Connection, values: Properties) -> None:
        revoke = statement("REVOKE ALL ON {kind} FROM {role}", kind=_kind(values), role=identifier(values["role"]))
        connection.execute(_target(values) + revoke)


def _target(values: Properties) -> sql.Composed:
    target = statement("ALTER DEFAULT PRIVILEGES FOR ROLE {owner} ", owner=identifier(values["owner"]))
    if values["schema"]:
        target += statement("IN SCHEMA {schema} ", schema=identifier(values["schema"]))
    return target


def _kind(values: Properties) -> sql.SQL:
    return sql.SQL(f"{values['objectType'].upper()}S")  # one of CODES
