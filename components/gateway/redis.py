"""What the gateway asks of Redis: a token bucket for each tenant, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import pulumi

SECRET: Final = "gateway-redis"
"""Secret with the limiter's user and password, in each tenant's namespace: Traefik looks nowhere else. The user may
count and nothing else, and no pod of a tenant's is let through to Redis."""

USERNAME: Final = "traefik"
PORT: Final = 6379

KEYS: Final = "rate:*"
"""Traefik's limiter prefixes its buckets so (``pkg/middlewares/ratelimiter/redis_limiter.go``)."""

COMMANDS: Final = ("evalsha", "eval", "hgetall", "hset", "expire", "hello", "client|setinfo", "ping")
"""Its script, what the script calls, and what its client says when it connects."""

IDLE_SECONDS: Final = 60
"""Unused connections are closed then: every router of every replica has some of its own."""


@dataclass(frozen=True, kw_only=True)
class RedisAccess:
    """Where Traefik finds Redis."""

    endpoint: pulumi.Input[str]
    """``host:port``."""
    password: pulumi.Input[str]
    """Secret."""
    username: str = USERNAME


SETTINGS: Final = {
    # A bucket lives for seconds: nothing is worth a disk's time, and nothing may be forgotten before.
    "save": '""',
    "appendonly": "no",
    "maxmemory": "64mb",
    "maxmemory-policy": "noeviction",
    "timeout": str(IDLE_SECONDS),
}
"""The server's configuration, beside where it listens."""


def configuration(settings: Mapping[str, object]) -> str:
    """The server's configuration file."""
    return "".join(f"{key} {value}\n" for key, value in settings.items())


def users(password: str) -> str:
    """The server's ACL file: the limiter's user and nobody else."""
    return f"user default off\nuser {USERNAME} on >{password} {acl_rules()}\n"


def acl_rules() -> str:
    """Rules of the limiter's user in Redis' words: it can count, and neither read other keys nor administer."""
    return " ".join([f"~{KEYS}", "resetchannels", "-@all", *(f"+{command}" for command in COMMANDS)])


def read_url(file: Path) -> RedisAccess:
    """The Redis that a file names, as ``redis://user:password@host:port/0``.

    Raises FileNotFoundError without the file, LookupError without user, password, host or port; no message holds a
    value of the file's.
    """
    url = urlsplit(file.read_text(encoding="utf-8").strip())
    if url.scheme != "redis" or not (url.username and url.password and url.hostname and url.port):
        raise LookupError(f"{file} must hold redis://USER:PASSWORD@HOST:PORT/0")
    return RedisAccess(
        endpoint=f"{url.hostname}:{url.port}",
        username=unquote(url.username),
        password=pulumi.Output.secret(unquote(url.password)),
    )
