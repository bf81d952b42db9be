"""Memberships of roles in roles."""

from __future__ import annotations

from psycopg import sql

from local.toolchain.plugins.postgresql.attributes import Attribute
from local.toolchain.plugins.postgresql.resource import BridgedResource
from local.toolchain.plugins.postgresql.roles import role_exists
from provider.plugin import Context, Properties
from provider.postgres.server import Connection, Server, identifier, statement


class GrantRole(BridgedResource):
    """``GRANT grantRole TO role``; any change replaces."""

    attributes = {
        "role": Attribute(required=True, replaces=True),
        "grantRole": Attribute(required=True, replaces=True),
        "withAdminOption": Attribute("bool", default=False, replaces=True),
    }

    def identity(self, values: Properties) -> str:
        return f"{values['role']}_{values['grantRole']}_{str(values['withAdminOption']).lower()}"

    def database_of(self, server: Server, values: Properties) -> str:
        return server.database

    def parse(self, resource_id: str) -> Properties | None:
        return None

    def make(self, context: Context[Server], connection: Connection, new: Properties) -> None:
        self._revoke(connection, new)
        grant = statement(
            "GRANT {granted} TO {role}", granted=identifier(new["grantRole"]), role=identifier(new["role"])
        )
        option = sql.SQL(" WITH ADMIN OPTION") if new["withAdminOption"] else sql.SQL("")
        connection.execute(grant + option)

    def look(self, context: Context[Server], connection: Connection, known: Properties) -> Properties | None:
        row = connection.execute(
            "SELECT admin_option FROM pg_auth_members"
            " WHERE pg_get_userbyid(member) = %s AND pg_get_userbyid(roleid) = %s",
            (known["role"], known["grantRole"]),
        ).fetchone()
        return None if row is None else {"withAdminOption": row[0]}

    def remove(self, context: Context[Server], connection: Connection, old: Properties) -> None:
        if role_exists(connection, old["role"]) and role_exists(connection, old["grantRole"]):
            self._revoke(connection, old)

    def _revoke(self, connection: Connection, values: Properties) -> None:
        connection.execute(
            statement(
                "REVOKE {granted} FROM {role}", granted=identifier(values["grantRole"]), role=identifier(values["role"])
            )
        )
