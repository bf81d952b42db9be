"""Signing keys in auth_db: made, loaded, followed by new ones, withdrawn."""

from __future__ import annotations

import json
import logging
import secrets
from typing import Final

from cryptography.fernet import InvalidToken as WrongSecret
from joserfc.jwk import ECKey, OctKey

from services.auth import audit
from services.auth.database import Connection, Database, Row
from services.auth.settings import Settings
from services.auth.tokens import JWT_SECRET_KID, KeyRing, SigningKey

ALGORITHM: Final = "ES256"
PUBLISHED_BEFORE_SECONDS: Final = 600
"""A new key is in the published set so long before it signs: twice the time that the set may be cached."""
# Any number; one replica makes a key, the others wait and find it there.
LOCK: Final = 7_166_801

log = logging.getLogger(__name__)


async def load(database: Database, settings: Settings) -> KeyRing:
    """The ring of the moment, with JWT_SECRET in it where that is set. Raises Refused without the database.

    Keys that were encrypted with another secret are left out, and the log says so.
    """
    rows = await database.rows(
        "SELECT kid, algorithm, private_key, extract(epoch FROM signs_from)::float8 AS signs_from, "
        "extract(epoch FROM verifies_until)::float8 AS verifies_until FROM signing_keys "
        "WHERE verifies_until IS NULL OR verifies_until > now()"
    )
    keys = [key for row in rows if (key := _decrypt(row, settings)) is not None]
    if settings.jwt_secret is not None:
        secret = OctKey.import_key(settings.jwt_secret.get_secret_value())
        keys.append(SigningKey(JWT_SECRET_KID, "HS256", secret))
    return KeyRing(settings.issuer, settings.domain, keys, settings.token_algorithm)


async def ensure(database: Database, settings: Settings) -> bool:
    """Makes a key when there is none, or the newest is too old. Whether it made one."""
    async with database.transaction() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        cursor = await connection.execute(
            "SELECT max(signs_from) < now() - make_interval(days => %s) AS old FROM signing_keys "
            "WHERE verifies_until IS NULL",
            (settings.signing_key_days,),
        )
        row = await cursor.fetchone()
        if row is not None and row["old"] is False:
            return False
        first = row is None or row["old"] is None
        await _add(connection, settings, 0 if first else PUBLISHED_BEFORE_SECONDS, "service")
        return True


async def rotate(database: Database, settings: Settings, *, at_once: bool) -> str:
    """A new key; its ``kid``. The old ones verify until their last token has expired, or, ``at_once`` (after a leak),
    no longer: everybody then has to refresh or log in again."""
    async with database.transaction() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        if at_once:
            await connection.execute("DELETE FROM signing_keys")
        return await _add(connection, settings, 0 if at_once else PUBLISHED_BEFORE_SECONDS, "operator")


async def _add(connection: Connection, settings: Settings, delay: int, actor: str) -> str:
    kid = secrets.token_hex(8)
    key = ECKey.generate_key("P-256", {"kid": kid, "alg": ALGORITHM, "use": "sig"})
    private = settings.encryption.encrypt(json.dumps(key.as_dict(private=True)).encode()).decode()
    await connection.execute(
        "UPDATE signing_keys SET verifies_until = now() + make_interval(secs => %s) WHERE verifies_until IS NULL",
        (delay + settings.access_token_seconds + 60,),
    )
    await connection.execute(
        "INSERT INTO signing_keys (kid, algorithm, private_key, signs_from) "
        "VALUES (%s, %s, %s, now() + make_interval(secs => %s))",
        (kid, ALGORITHM, private, delay),
    )
    await connection.execute("DELETE FROM signing_keys WHERE verifies_until < now()")
    await audit.write(connection, None, actor, "signing_key.created", kid)
    return kid


def _decrypt(row: Row, settings: Settings) -> SigningKey | None:
    try:
        private = settings.encryption.decrypt(row["private_key"].encode())
    except WrongSecret:
        log.error(
            "signing key was encrypted with another secret: set AUTH_OTHER_SECRET to it, or make new keys with "
            "`python -m services.auth rotate-signing-key --at-once`",
            extra={"kid": row["kid"]},
        )
        return None
    until = row["verifies_until"] or float("inf")
    return SigningKey(row["kid"], row["algorithm"], ECKey.import_key(json.loads(private)), row["signs_from"], until)
