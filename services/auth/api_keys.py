"""The form of API keys: ``fc_live_{slug}_`` and 32 random hex characters (FC-066), then 8 of a checksum.

The checksum is no secret: it refuses typing errors and keys cut short without asking the database, and lets scanners
for leaked keys be sure of what they found.
"""

from __future__ import annotations

import re
import secrets
import zlib
from typing import Final

PATTERN: Final = re.compile(r"fc_(live|test)_([a-z][a-z0-9-]{1,30}[a-z0-9])_[0-9a-f]{40}")
PREFIX: Final = "fc_"
CHECKSUM: Final = 8
HINT: Final = 4


def make(kind: str, slug: str) -> str:
    """A new key with 128 random bits."""
    body = f"{PREFIX}{kind}_{slug}_{secrets.token_hex(16)}"
    return body + _checksum(body)


def is_well_formed(key: str, kind: str) -> bool:
    """Whether it can be a key of this kind at all."""
    found = PATTERN.fullmatch(key)
    return found is not None and found[1] == kind and _checksum(key[:-CHECKSUM]) == key[-CHECKSUM:]


def hint(key: str) -> str:
    """The last random characters, by which people tell keys apart in a list."""
    return key[-CHECKSUM - HINT : -CHECKSUM]


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
