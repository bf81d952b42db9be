"""Roles."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from psycopg import sql

from local.toolchain.plugins.postgresql.attributes import Attribute
from local.toolchain.plugins.postgresql.resource import BridgedResource
from local.toolchain.plugins.postgresql.roles import lock_role, member_of, role_exists
from provider.plugin import CheckFailure, Context, Properties
from provider.postgres.server import Connection, Server, identifier, server_of, statement

FLAGS = {
    "superuser": ("SUPERUSER", "rolsuper"),
    "createDatabase": ("CREATEDB", "rolcreatedb"),
    "createRole": ("CREATEROLE", "rolcreaterole"),
    "inherit": ("INHERIT", "rolinherit"),
    "login": ("LOGIN", "rolcanlogin"),
    "bypassRowLevelSecurity": ("BYPASSRLS", "rolbypassrls"),
    "replication": ("REPLICATION", "rolreplication"),
}
TIMEOUTS = {
    "statementTimeout": "statement_timeout",
    "idleInTransactionSessionTimeout": "idle_in_transaction_session_timeout",
}
HASHED = ("SCRAM-SHA-256$", "md5")
"""How a password begins that is a hash already, which the server takes as it is."""
NO = Attribute("bool", default=False)
YES = Attribute("bool", default=True)


class Role(BridgedResource):
    """``CREATE ROLE``; renamed and changed in place."""

    attributes = {
        "name": Attribute(required=True),
        "password": Attribute(secret=True),
        "passwordWo": Attribute(secret=True, write_only=True),
        "passwordWoVersion": Attribute(),
        "encrypted": Attribute(),
        "roles": Attribute("set"),
        "searchPaths": Attribute("list"),
        "encryptedPassword": YES,
        "validUntil": Attribute(default="infinity"),
        "connectionLimit": Attribute("int", default=-1, least=-1),
        "superuser": NO,
        "createDatabase": NO,
        "createRole": NO,
        "idleInTransactionSessionTimeout": Attribute("int", least=0),
        "inherit": YES,
        "login": NO,
        "replication": NO,
        "bypassRowLevelSecurity": NO,
        "skipDropRole": NO,
        "skipReassignOwned": NO,
        "statementTimeout": Attribute("int", least=0),
        "assumeRole": Attribute(),
    }
    renamed = {"searchPaths": "search_path"}
    autonamed = True
    once = True

    def identity(self, values: Properties) -> str:
        return str(values["name"])

    def database_of(self, server: Server, values: Properties) -> str:
        return server.database

    def combinations(self, planned: Properties) -> list[CheckFailure]:
        failures = []
        written = [name for name in ("passwordWo", "passwordWoVersion") if planned[name] is not None]
        if planned["password"] is not None and written:
            failures.append(CheckFailure("password", f"conflicts with {' and '.join(written)}: give one way alone"))
        if len(written) == 1:
            failures.append(CheckFailure(written[0], "passwordWo and passwordWoVersion must be given together"))
        return failures

    def make(self, context: Context[Server], connection: Connection, new: Properties) -> None:
        name = new["name"]
        parts = [statement("CREATE ROLE {name} WITH", name=identifier(name)), *_options(new, FLAGS)]
        password = new["password"] or new["passwordWo"]
        if password:
            parts.append(_password(connection, name, password))
        connection.execute(sql.SQL(" ").join(parts))
        self._grant(connection, name, new["roles"] or ())
        self._configure(connection, {}, new)

    def alter(self, context: Context[Server], connection: Connection, old: Properties, new: Properties) -> None:
        name = new["name"]
        lock_role(connection, old["name"])
        if old["name"] != name:
            rename = statement("ALTER ROLE {old} RENAME TO {new}", old=identifier(old["name"]), new=identifier(name))
            connection.execute(rename)
        password = new["password"] if new["password"] != old.get("password") or old["name"] != name else None
        if new["passwordWo"] and new["passwordWoVersion"] != old.get("passwordWoVersion"):
            password = new["passwordWo"]
        parts = [statement("ALTER ROLE {name} WITH", name=identifier(name)), *_options(new, FLAGS)]
        connection.execute(sql.SQL(" ").join([*parts, _password(connection, name, password)] if password else parts))
        for (member_of_role,) in connection.execute(
            "SELECT pg_get_userbyid(roleid) FROM pg_auth_members JOIN pg_roles ON member = pg_roles.oid"
            " WHERE rolname = %s",
            (name,),
        ).fetchall():
            if member_of_role not in (new["roles"] or ()):
                revoke = statement("REVOKE {role} FROM {name}", role=identifier(member_of_role), name=identifier(name))
                connection.execute(revoke)
        self._grant(connection, name, new["roles"] or ())
        self._configure(connection, old, new)

    def look(self, context: Context[Server], connection: Connection, known: Properties) -> Properties | None:
        columns = sql.SQL(", ").join(identifier(column) for _, column in FLAGS.values())
        query = statement(
            """
            SELECT ARRAY(SELECT pg_get_userbyid(roleid)::text FROM pg_auth_members WHERE member = r.oid ORDER BY 1),
                   rolconnlimit, coalesce(rolvaliduntil::text, 'infinity'), coalesce(rolconfig, '{{}}'), {columns}
              FROM pg_roles r WHERE rolname = {name}
            """,
            columns=columns,
            name=sql.Literal(known["name"]),
        )
        row = connection.execute(query).fetchone()
        if row is None:
            return None
        roles, limit, valid_until, configured, *flags = row
        settings = dict(entry.split("=", 1) for entry in configured)
        found: Properties = dict(zip(FLAGS, flags, strict=True)) | {
            "roles": roles,
            "connectionLimit": limit,
            "validUntil": valid_until,
            "encryptedPassword": True,
            "skipDropRole": bool(known.get("skipDropRole")),
            "skipReassignOwned": bool(known.get("skipReassignOwned")),
            "searchPaths": [part.strip('"') for part in settings.get("search_path", "").split(", ") if part],
            "assumeRole": settings.get("role", ""),
        }
        found |= {name: _milliseconds(connection, settings.get(setting, "0")) for name, setting in TIMEOUTS.items()}
        if known.get("password"):
            found["password"] = _recorded_password(server_of(context), connection, known, found["login"])
        return found

    def remove(self, context: Context[Server], connection: Connection, old: Properties) -> None:
        name = old["name"]
        if not role_exists(connection, name):
            return
        lock_role(connection, name)
        if not old.get("skipReassignOwned"):
            with member_of(connection, [name]):
                user = server_of(context).username
                connection.execute(
                    statement("REASSIGN OWNED BY {name} TO {user}", name=identifier(name), user=identifier(user))
                )
                connection.execute(statement("DROP OWNED BY {name}", name=identifier(name)))
        if not old.get("skipDropRole"):
            connection.execute(statement("DROP ROLE {name}", name=identifier(name)))

    def _grant(self, connection: Connection, name: str, roles: Sequence[str]) -> None:
        for role in roles:
            connection.execute(statement("GRANT {role} TO {name}", role=identifier(role), name=identifier(name)))

    def _configure(self, connection: Connection, old: Properties, new: Properties) -> None:
        """The role's own settings: search path, time limits and the role it turns into at login."""
        target = statement("ALTER ROLE {name} ", name=identifier(new["name"]))
        path = [identifier(part) for part in new["searchPaths"] or ()]
        values = sql.SQL(", ").join(path) if path else sql.SQL("DEFAULT")
        connection.execute(target + statement("SET search_path TO {values}", values=values))
        for name, setting in TIMEOUTS.items():
            value = sql.Literal(new[name]) if new[name] else sql.SQL("DEFAULT")
            if (old.get(name) or 0) != (new[name] or 0):
                connection.execute(
                    target + statement("SET {setting} TO {value}", setting=identifier(setting), value=value)
                )
        if (old.get("assumeRole") or "") != (new["assumeRole"] or ""):
            change = statement("SET ROLE TO {role}", role=identifier(new["assumeRole"])) if new["assumeRole"] else None
            connection.execute(target + (change or sql.SQL("RESET ROLE")))


def _options(new: Properties, flags: dict[str, tuple[str, str]]) -> list[sql.Composable]:
    switches: list[sql.Composable] = [
        sql.SQL(word if new[name] else f"NO{word}")  # words of our own table
        for name, (word, _) in flags.items()
    ]
    return [
        statement("VALID UNTIL {until}", until=sql.Literal(new["validUntil"] or "infinity")),
        statement("CONNECTION LIMIT {limit}", limit=sql.Literal(new["connectionLimit"])),
        *switches,
    ]


def _milliseconds(connection: Connection, value: str) -> int:
    """A time as the server keeps it: a plain number is milliseconds; with a unit it is what somebody typed."""
    if value.isdecimal():
        return int(value)
    row = connection.execute("SELECT round(extract(epoch FROM %s::interval) * 1000)::bigint", [value]).fetchone()
    return int(row[0]) if row else 0


def _password(connection: Connection, role: str, password: str) -> sql.Composable:
    """Hashed here, as psql's ``\\password`` does: the server writes statements that fail into its log."""
    if password.upper() == "NULL":
        return sql.SQL("PASSWORD NULL")
    if not password.startswith(HASHED):
        password = connection.pgconn.encrypt_password(password.encode(), role.encode()).decode()
    return statement("ENCRYPTED PASSWORD {password}", password=sql.Literal(password))


def _recorded_password(server: Server, connection: Connection, known: Properties, login: bool) -> str:
    """The recorded password unless the server certainly holds another one, which it says as a hash only."""
    recorded = str(known["password"])
    if not login or not server.superuser:
        return recorded
    row = connection.execute(
        "SELECT coalesce(passwd, '') FROM pg_shadow WHERE usename = %s", (known["name"],)
    ).fetchone()
    stored = str(row[0]) if row else ""
    if stored.startswith("SCRAM-SHA-256"):
        return recorded
    digest = hashlib.md5(f"{recorded}{known['name']}".encode(), usedforsecurity=False).hexdigest()
    return recorded if stored == f"md5{digest}" else stored
