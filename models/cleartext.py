"""Telling a secret from other text, by the shapes that are known and by how random the rest looks.

A table of our own: the scanners in package registries know neither Anthropic's keys nor ours, and the tidiest of them
(detect-secrets) had its last release in May 2024.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Final

SHAPES: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    ("an Anthropic key", re.compile(r"\bsk-ant-[A-Za-z0-9_-]{8,}")),
    ("an OpenAI key", re.compile(r"\bsk-(?:proj-)?[A-Za-z0-9]{20,}")),
    ("a Stripe key", re.compile(r"\b(?:[sr]k_(?:live|test)|whsec)_[A-Za-z0-9+/]{8,}")),
    ("an API key of a tenant", re.compile(r"\bfc_(?:live|test)_[a-z0-9-]+_[0-9a-f]{16,}\b")),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})")),
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")),
    ("a Slack token", re.compile(r"\bxox[abposr]-[A-Za-z0-9-]{10,}")),
    ("a Discord bot token", re.compile(r"\b[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}")),
    ("a JSON Web Token", re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}")),
    ("a password in a URL", re.compile(r"\b[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s:@]+@")),
)
"""Kinds of secrets with a shape of their own."""

_TELLING_NAME: Final = re.compile(
    r"(?:^|[_-])(?:password|passwd|passphrase|(?<!tls[_-])secret|token|(?:api|private|access)[_-]?key|credentials?)$"
    r"|(?:^|_)(?:anthropic|openai|stripe|discord)_key$",
    re.IGNORECASE,
)
_PUBLIC: Final = re.compile(
    r"^(?:sha256:)?[0-9a-f]{64}$"  # a digest
    r"|^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$",  # a UUID
    re.IGNORECASE,
)
_HEX: Final = re.compile(r"^[0-9a-fA-F]{32,}$")
_BASE64: Final = re.compile(r"^[A-Za-z0-9+/_-]{24,}={0,2}$")


def shape(text: str) -> str | None:
    """The kind of secret that ``text`` holds somewhere, such as "a GitHub token"; None when it holds none."""
    return next((kind for kind, pattern in SHAPES if pattern.search(text)), None)


def names_secret(name: str) -> bool:
    """Whether a field of this name holds a secret: ``password``, ``bot_token``, ``anthropic_key`` ..."""
    return _TELLING_NAME.search(name) is not None


def looks_random(text: str) -> bool:
    """Whether ``text`` looks like a generated secret: long, of one word, and with nothing to read in it.

    Digests and UUIDs aren't secret. Random hexadecimal digits carry up to 4 bits each and random base64 up to 6;
    words joined by hyphens stay below, and lack the mix of upper case, lower case and digits.
    """
    if _PUBLIC.match(text):
        return False
    if _HEX.match(text):
        return _entropy(text.lower()) > 3.0
    mixed = any(c.isupper() for c in text) and any(c.islower() for c in text) and any(c.isdigit() for c in text)
    return mixed and _BASE64.match(text) is not None and _entropy(text) > 4.0


def _entropy(text: str) -> float:
    """Shannon entropy in bits a character."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())
