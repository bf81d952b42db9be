"""``/api/users``: the tenant's people and their roles."""

from __future__ import annotations

from uuid import UUID

import psycopg.errors
from fastapi import APIRouter, Depends

from services.auth import audit
from services.auth.api.answers import WITH_BODY, WITH_TOKEN, answers
from services.auth.api.models import NewUser, RoleChange, User
from services.auth.api.request import BEARER, Caller, Served, require
from services.auth.database import Connection, Row
from services.auth.identity import Identity, Permission, Role
from services.auth.refusal import NOT_FOUND, Refusal, Refused
from services.auth.sessions import revoke_sessions

router = APIRouter(prefix="/api/users", tags=["users"], dependencies=[Depends(BEARER)])

EMAIL_TAKEN = Refusal(409, "E-mail address is taken")
LAST_OWNER = Refusal(409, "A tenant keeps at least one owner")


@router.get("", responses=answers(*WITH_TOKEN))
async def list_users(service: Served, identity: Caller) -> list[User]:
    """The tenant's people."""
    require(identity, Permission.SEE_USERS)
    rows = await service.database.rows(
        "SELECT id, email, role, created_at FROM users WHERE tenant_id = %s ORDER BY email", (identity.tenant.id,)
    )
    return [User(**row) for row in rows]


@router.post("", status_code=201, responses=answers(*WITH_BODY, *WITH_TOKEN, 409))
async def add(body: NewUser, service: Served, identity: Caller) -> User:
    """Adds a person."""
    _require_for(identity, body.role)
    hashed = await service.passwords.hash(body.password)
    async with service.database.transaction() as connection:
        try:
            cursor = await connection.execute(
                "INSERT INTO users (tenant_id, email, password_hash, role) VALUES (%s, %s, %s, %s) "
                "RETURNING id, email, role, created_at",
                (identity.tenant.id, body.email.lower(), hashed, body.role),
            )
        except psycopg.errors.UniqueViolation:
            raise Refused(EMAIL_TAKEN) from None
        row = await cursor.fetchone()
        assert row is not None, "INSERT returns its row"
        await audit.write(
            connection, identity.tenant.id, identity.actor, "user.added", f"user:{row['id']}", role=body.role
        )
    return User(**row)


@router.patch("/{user_id}", responses=answers(*WITH_BODY, *WITH_TOKEN, 404, 409))
async def change_role(user_id: UUID, body: RoleChange, service: Served, identity: Caller) -> User:
    """Gives a user another role, in effect within a second. Keys that go beyond the new role are revoked."""
    async with service.database.transaction() as connection:
        row = await _locked(connection, identity, user_id)
        _require_for(identity, Role(row["role"]), body.role)
        await _keep_an_owner(connection, identity, row, body.role)
        await connection.execute("UPDATE users SET role = %s WHERE id = %s", (body.role, user_id))
        actions = [scope.partition(":")[2] for scope in body.role.scopes]
        await connection.execute(
            """
            UPDATE api_keys SET revoked_at = now() WHERE created_by = %s AND revoked_at IS NULL
               AND EXISTS (SELECT FROM unnest(scopes) scope WHERE split_part(scope, ':', 2) <> ALL(%s))
            """,
            (user_id, actions),
        )
        await audit.write(
            connection,
            identity.tenant.id,
            identity.actor,
            "user.role_changed",
            f"user:{user_id}",
            before=row["role"],
            after=body.role,
        )
    return User(**{**row, "role": body.role})


@router.delete("/{user_id}", status_code=204, responses=answers(422, *WITH_TOKEN, 404, 409))
async def remove(user_id: UUID, service: Served, identity: Caller) -> None:
    """Removes a user with all sessions and every API key that they made, since they know those."""
    async with service.database.transaction() as connection:
        row = await _locked(connection, identity, user_id)
        _require_for(identity, Role(row["role"]))
        await _keep_an_owner(connection, identity, row, None)
        await connection.execute(
            "UPDATE api_keys SET revoked_at = now() WHERE created_by = %s AND revoked_at IS NULL", (user_id,)
        )
        await revoke_sessions(connection, user_id)
        await connection.execute("DELETE FROM users WHERE id = %s", (user_id,))
        await audit.write(connection, identity.tenant.id, identity.actor, "user.removed", f"user:{user_id}")


def _require_for(identity: Identity, *roles: Role) -> None:
    require(identity, Permission.MANAGE_OWNERS if Role.OWNER in roles else Permission.MANAGE_USERS)


async def _locked(connection: Connection, identity: Identity, user_id: UUID) -> Row:
    """The user. The tenant's row is locked first: of two owners who remove each other, one comes second."""
    require(identity, Permission.MANAGE_USERS)
    await connection.execute("SELECT FROM tenants WHERE id = %s FOR NO KEY UPDATE", (identity.tenant.id,))
    cursor = await connection.execute(
        "SELECT id, email, role, created_at FROM users WHERE id = %s AND tenant_id = %s",
        (user_id, identity.tenant.id),
    )
    row = await cursor.fetchone()
    if row is None:
        raise Refused(NOT_FOUND)
    return row


async def _keep_an_owner(connection: Connection, identity: Identity, row: Row, role: Role | None) -> None:
    if row["role"] != Role.OWNER or role is Role.OWNER:
        return
    cursor = await connection.execute(
        "SELECT FROM users WHERE tenant_id = %s AND role = %s AND id <> %s LIMIT 1",
        (identity.tenant.id, Role.OWNER, row["id"]),
    )
    if await cursor.fetchone() is None:
        raise Refused(LAST_OWNER)
