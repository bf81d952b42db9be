"""``/api/keys``: API keys (FC-064 to FC-067, FC-296)."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Response

from services.auth import api_keys, audit
from services.auth.api.answers import WITH_BODY, WITH_TOKEN, answers
from services.auth.api.models import ApiKey, CreatedKey, NewKey
from services.auth.api.request import BEARER, Caller, Served, require
from services.auth.identity import Permission
from services.auth.refusal import FORBIDDEN, NOT_FOUND, Refused

router = APIRouter(prefix="/api/keys", tags=["API keys"], dependencies=[Depends(BEARER)])


@router.post("", status_code=201, responses=answers(*WITH_BODY, *WITH_TOKEN))
async def create(body: NewKey, response: Response, service: Served, identity: Caller) -> CreatedKey:
    """Makes a key, shown this once. Its scopes can't go beyond what its maker's role may."""
    require(identity, Permission.USE_KEYS)
    scopes = list(dict.fromkeys(body.scopes))
    if not all(identity.grants(scope) for scope in scopes):
        raise Refused(FORBIDDEN)
    key = api_keys.make(service.settings.key_kind, identity.tenant.slug)
    async with service.database.transaction() as connection:
        cursor = await connection.execute(
            """
            INSERT INTO api_keys (tenant_id, key_hash, hint, name, scopes, created_by, expires_at)
            VALUES (%s, %s, %s, %s, %s, %s, now() + make_interval(days => %s))
            RETURNING id, name, hint, scopes, created_by, created_at, expires_at, last_used_at
            """,
            (
                identity.tenant.id,
                service.settings.peppers[0].hash(key),
                api_keys.hint(key),
                body.name,
                scopes,
                identity.user_id,
                body.expires_in_days,
            ),
        )
        row = await cursor.fetchone()
        assert row is not None, "INSERT returns its row"
        await audit.write(
            connection, identity.tenant.id, identity.actor, "api_key.created", f"key:{row['id']}", scopes=scopes
        )
    response.headers["cache-control"] = "no-store"
    return CreatedKey(key=key, **row)


@router.get("", responses=answers(*WITH_TOKEN))
async def list_keys(service: Served, identity: Caller) -> list[ApiKey]:
    """Keys in force, the newest first: everybody's for owners and admins, one's own for members."""
    require(identity, Permission.USE_KEYS)
    rows = await service.database.rows(
        """
        SELECT id, name, hint, scopes, created_by, created_at, expires_at, last_used_at FROM api_keys
         WHERE tenant_id = %s AND (%s OR created_by = %s) AND revoked_at IS NULL
           AND (expires_at IS NULL OR expires_at > now())
         ORDER BY created_at DESC, id
        """,
        (identity.tenant.id, identity.may(Permission.MANAGE_KEYS), identity.user_id),
    )
    return [ApiKey(**row) for row in rows]


@router.delete("/{key_id}", status_code=204, responses=answers(422, *WITH_TOKEN, 404))
async def revoke(key_id: UUID, service: Served, identity: Caller) -> None:
    """Revokes a key: within a second no replica accepts it any more."""
    require(identity, Permission.USE_KEYS)
    async with service.database.transaction() as connection:
        cursor = await connection.execute(
            "UPDATE api_keys SET revoked_at = now() "
            "WHERE id = %s AND tenant_id = %s AND (%s OR created_by = %s) AND revoked_at IS NULL",
            (key_id, identity.tenant.id, identity.may(Permission.MANAGE_KEYS), identity.user_id),
        )
        if cursor.rowcount == 0:
            raise Refused(NOT_FOUND)
        await audit.write(connection, identity.tenant.id, identity.actor, "api_key.revoked", f"key:{key_id}")
