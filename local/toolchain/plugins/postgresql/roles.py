"""Locks, memberships and existence checks, as the published plugin does them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from provider.postgres.server import Connection, identifier, statement

PUBLIC = "public"
# Memberships without the right to act for the role came with this version.
SET_OPTION_VERSION = 160000


def lock_role(connection: Connection, role: str) -> None:
    """Waits until nobody else changes ``role`` or its members; the locks end with the transaction."""
    connection.execute("SET LOCAL statement_timeout = 0")
    connection.execute("SELECT pg_advisory_xact_lock(oid::bigint) FROM pg_roles WHERE rolname = %s", (role,))
    connection.execute(
        "SELECT pg_advisory_xact_lock(member::bigint) FROM pg_auth_members JOIN pg_roles ON roleid = pg_roles.oid"
        " WHERE rolname = %s",
        (role,),
    )


def lock_database(connection: Connection, database: str) -> None:
    """Waits until nobody else changes the database's privileges."""
    connection.execute("SELECT pg_advisory_xact_lock(oid::bigint) FROM pg_database WHERE datname = %s", (database,))


def role_exists(connection: Connection, role: str) -> bool:
    query = "SELECT 1 FROM pg_roles WHERE rolname = %s"
    return role == PUBLIC or connection.execute(query, (role,)).fetchone() is not None


def database_exists(connection: Connection, database: str) -> bool:
    return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone() is not None


def schema_exists(connection: Connection, schema: str) -> bool:
    return connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,)).fetchone() is not None


def role_oid(connection: Connection, role: str) -> int:
    """The role's number, 0 for PUBLIC."""
    row = connection.execute("SELECT oid FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    return 0 if role == PUBLIC or row is None else int(row[0])


@contextmanager
def member_of(connection: Connection, roles: Sequence[str]) -> Iterator[None]:
    """Lets a user that is no superuser act for ``roles``: a member of each for the while. (Where a role is a member
    of the user, that is taken back for the while: PostgreSQL allows one way only.)"""
    row = connection.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    assert row is not None
    user, superuser = row
    granted, revoked = [], []
    if not superuser:
        for role in dict.fromkeys(roles):
            if role == user or _is_superuser(connection, role):
                continue
            if _is_member(connection, user, of=role):
                revoked.append(role)
                _revoke(connection, user, role)
            if not _is_member(connection, role, of=user):
                granted.append(role)
                _grant(connection, role, user)
    yield
    for role in granted:
        if role_exists(connection, role):
            _revoke(connection, role, user)
    for role in revoked:
        if role_exists(connection, role):
            _grant(connection, user, role)


def _is_superuser(connection: Connection, role: str) -> bool:
    return connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = %s", (role,)).fetchone() == (True,)


def _is_member(connection: Connection, role: str, *, of: str) -> bool:
    query = "SELECT 1 FROM pg_auth_members WHERE pg_get_userbyid(roleid) = %s AND pg_get_userbyid(member) = %s"
    if connection.info.server_version >= SET_OPTION_VERSION:
        # Who made a role is a member of it that may not act for it.
        query += " AND set_option"
    return connection.execute(query, (role, of)).fetchone() is not None


def _grant(connection: Connection, role: str, member: str) -> None:
    connection.execute(statement("GRANT {role} TO {member}", role=identifier(role), member=identifier(member)))


def _revoke(connection: Connection, role: str, member: str) -> None:
    connection.execute(statement("REVOKE {role} FROM {member}", role=identifier(role), member=identifier(member)))
