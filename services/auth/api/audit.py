"""``/api/audit``: what changed rights in the tenant (FC-183)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.auth.api.answers import WITH_TOKEN, answers
from services.auth.api.models import AuditEntry
from services.auth.api.request import BEARER, Caller, Served, require
from services.auth.identity import Permission

router = APIRouter(prefix="/api/audit", tags=["audit"], dependencies=[Depends(BEARER)])


@router.get("", responses=answers(422, *WITH_TOKEN))
async def entries(
    service: Served,
    identity: Caller,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> list[AuditEntry]:
    """The log, the newest first."""
    require(identity, Permission.SEE_AUDIT)
    rows = await service.database.rows(
        'SELECT id, actor, action, target, metadata, "timestamp" FROM audit_log '
        'WHERE tenant_id = %s ORDER BY "timestamp" DESC, id LIMIT %s OFFSET %s',
        (identity.tenant.id, limit, offset),
    )
    return [AuditEntry(**row) for row in rows]
