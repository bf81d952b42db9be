"""What the gateway asks of Redis: a token bucket for each tenant, and nothing else."""

from __future__ import annotations

from typing import Final

KEYS: Final = "rate:*"
"""Traefik's limiter prefixes its buckets so (``pkg/middlewares/ratelimiter/redis_limiter.go``)."""

COMMANDS: Final = ("evalsha", "eval", "hgetall", "hset", "expire", "hello", "client|setinfo", "ping")
"""Its script, what the script calls, and what its client says when it connects."""


def acl_rules() -> str:
    """Rules of the limiter's user in Redis' words: it can count, and neither read other keys nor administer."""
    return " ".join([f"~{KEYS}", "resetchannels", "-@all", *(f"+{command}" for command in COMMANDS)])
