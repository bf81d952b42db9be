"""Login, refresh with rotation, log-out."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from services.auth import audit, throttle
from services.auth.authenticator import Authenticator
from services.auth.database import Connection, Row
from services.auth.identity import Identity, Role, Tenant
from services.auth.lookup import tenant_of
from services.auth.passwords import Passwords
from services.auth.refusal import INVALID_LOGIN, INVALID_TOKEN, TENANT_INACTIVE, UNAVAILABLE, Refused, too_many

REFRESH_PREFIX: Final = "fr_"
OPEN_STATUSES: Final = ("active", "suspended")

ACCOUNT = """
    SELECT u.id AS user_id, u.role, u.password_hash, t.id AS tenant_id, t.slug, t.tier, t.status
      FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.email = %s
"""

REFRESH = """
    SELECT r.token_hash, r.used_at, s.id AS session_id, s.revoked_at IS NULL AND s.expires_at > now() AS open,
           u.id AS user_id, u.role, t.id AS tenant_id, t.slug, t.tier, t.status
      FROM refresh_tokens r JOIN sessions s ON s.id = r.session_id
      JOIN users u ON u.id = s.user_id JOIN tenants t ON t.id = u.tenant_id
     WHERE r.token_hash = ANY(%s) FOR UPDATE OF r, s
"""


@dataclass(frozen=True)
class Issued:
    """What a login or a refresh gives."""

    token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    seconds: int
    tenant: Tenant
    user: UUID
    role: Role


class Sessions:
    """On the tables of auth_db; nothing is kept here."""

    def __init__(self, authenticator: Authenticator, passwords: Passwords) -> None:
        self._authenticator = authenticator
        self._database = authenticator.database
        self._settings = authenticator.settings
        self._passwords = passwords

    async def login(self, email: str, password: str, host: str, address: str) -> Issued:
        """A new session. Raises Refused: INVALID_LOGIN for whatever is wrong with e-mail, password or their tenant,
        429 after too many attempts of the account or the address."""
        email = email.lower()
        account = throttle.account_key(email)
        await self._count(account, address)
        rows = await self._database.rows(ACCOUNT, (email,))
        row = rows[0] if rows else None
        right = await self._passwords.matches(row["password_hash"] if row else None, password)
        if row is None or not right or not self._is_served_at(row, host):
            async with self._database.transaction() as connection:
                tenant, target = (row["tenant_id"], f"user:{row['user_id']}") if row else (None, None)
                await audit.write(connection, tenant, "anonymous", "login.failed", target, address=address)
            raise Refused(INVALID_LOGIN)
        if row["status"] not in OPEN_STATUSES:
            raise Refused(TENANT_INACTIVE)
        renewed = await self._passwords.hash(password) if Passwords.is_old(row["password_hash"]) else None
        async with self._database.transaction() as connection:
            await throttle.forget(connection, account)
            await throttle.take_back(connection, throttle.address_key(address))
            if renewed:
                # Unless it was changed in the meantime.
                await connection.execute(
                    "UPDATE users SET password_hash = %s WHERE id = %s AND password_hash = %s",
                    (renewed, row["user_id"], row["password_hash"]),
                )
            return await self._begin(connection, row, address)

    async def _count(self, account: str, address: str) -> None:
        """Count an attempt. Raises Refused when the account or the address has had too many."""
        limits = {
            account: self._settings.login_attempts_account,
            throttle.address_key(address): self._settings.login_attempts_address,
        }
        async with self._database.transaction() as connection:
            # In this order everywhere, so that two logins never wait for each other.
            counted = {key: await throttle.count(connection, key, limit) for key, limit in limits.items()}
            excesses = {key: excess for key, excess in counted.items() if excess is not None}
            for key, excess in excesses.items():
                if excess.first:
                    await audit.write(connection, None, "anonymous", "login.locked", key, address=address)
        if excesses:
            raise Refused(too_many(max(excess.seconds for excess in excesses.values())))

    def _is_served_at(self, row: Row, host: str) -> bool:
        if self._authenticator.is_own_host(host):
            return True
        return self._authenticator.tenant_of_host(host) in (row["slug"], row["tenant_id"])

    async def _begin(self, connection: Connection, row: Row, address: str) -> Issued:
        cursor = await connection.execute(
            "INSERT INTO sessions (tenant_id, user_id, expires_at) "
            "VALUES (%s, %s, now() + make_interval(secs => %s)) RETURNING id",
            (row["tenant_id"], row["user_id"], self._settings.session_seconds),
        )
        made = await cursor.fetchone()
        assert made is not None, "INSERT returns its row"
        await audit.write(
            connection, row["tenant_id"], f"user:{row['user_id']}", "login", f"session:{made['id']}", address=address
        )
        return await self._issue(connection, row, made["id"])

    async def _issue(self, connection: Connection, row: Row, session: UUID) -> Issued:
        refresh = REFRESH_PREFIX + secrets.token_urlsafe(32)
        await connection.execute(
            "INSERT INTO refresh_tokens (token_hash, session_id) VALUES (%s, %s)",
            (self._settings.peppers[0].hash(refresh), session),
        )
        tenant, role, seconds = tenant_of(row), Role(row["role"]), self._settings.access_token_seconds
        token = self._authenticator.ring.issue(row["user_id"], role, tenant, session, seconds)
        if token is None:
            raise Refused(UNAVAILABLE)
        return Issued(token, refresh, seconds, tenant, row["user_id"], role)

    async def refresh(self, refresh_token: str, host: str, address: str) -> Issued:
        """New tokens for a refresh token that wasn't used yet. One that was ends its session: either its owner or a
        thief uses it a second time, and nobody can tell which. Raises Refused."""
        hashes = [pepper.hash(refresh_token) for pepper in self._settings.peppers]
        async with self._database.transaction() as connection:
            row = await (await connection.execute(REFRESH, (hashes,))).fetchone()
            if row is None or not row["open"] or not self._is_served_at(row, host):
                raise Refused(INVALID_TOKEN)
            if row["used_at"] is None:
                if row["status"] not in OPEN_STATUSES:
                    raise Refused(TENANT_INACTIVE)
                await connection.execute(
                    "UPDATE refresh_tokens SET used_at = now() WHERE token_hash = %s", (row["token_hash"],)
                )
                return await self._issue(connection, row, row["session_id"])
            await self._revoke(connection, row["session_id"])
            await audit.write(
                connection,
                row["tenant_id"],
                f"user:{row['user_id']}",
                "refresh_token.reused",
                f"session:{row['session_id']}",
                address=address,
            )
        raise Refused(INVALID_TOKEN)

    async def logout(self, identity: Identity) -> None:
        """Ends the session that the token belongs to; its tokens are worthless within a second."""
        async with self._database.transaction() as connection:
            assert identity.session_id is not None, "only users log out"
            await self._revoke(connection, identity.session_id)
            await audit.write(
                connection, identity.tenant.id, identity.actor, "logout", f"session:{identity.session_id}"
            )

    async def change_password(self, identity: Identity, current: str, new: str, address: str) -> None:
        """Sets a new password and ends every session of the user. Raises Refused when ``current`` is wrong."""
        rows = await self._database.rows("SELECT email, password_hash FROM users WHERE id = %s", (identity.user_id,))
        if not rows:
            raise Refused(INVALID_TOKEN)
        account = throttle.account_key(rows[0]["email"])
        await self._count(account, address)
        if not await self._passwords.matches(rows[0]["password_hash"], current):
            raise Refused(INVALID_LOGIN)
        hashed = await self._passwords.hash(new)
        async with self._database.transaction() as connection:
            await throttle.forget(connection, account)
            await connection.execute("UPDATE users SET password_hash = %s WHERE id = %s", (hashed, identity.user_id))
            await revoke_sessions(connection, identity.user_id)
            await audit.write(connection, identity.tenant.id, identity.actor, "password.changed", identity.actor)

    async def _revoke(self, connection: Connection, session: UUID) -> None:
        await connection.execute(
            "UPDATE sessions SET revoked_at = now() WHERE id = %s AND revoked_at IS NULL", (session,)
        )


async def revoke_sessions(connection: Connection, user: UUID | None) -> None:
    """Ends every session of a user."""
    await connection.execute(
        "UPDATE sessions SET revoked_at = now() WHERE user_id = %s AND revoked_at IS NULL", (user,)
    )
