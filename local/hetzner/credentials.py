"""The tokens of a sandbox's emulator, in a file that only its owner may read."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from local.files import write_private

# The project that exists from the start.
PROJECT = "foundation"
FILE = "credentials.json"


@dataclass(frozen=True)
class Credentials:
    """``token`` opens project ``foundation``, ``control_token`` the control endpoint."""

    token: str
    control_token: str

    @classmethod
    def load(cls, data: Path) -> Credentials:
        """Those in the folder; made when there are none."""
        file = data / FILE
        if not file.exists():
            write_private(file, json.dumps(asdict(cls(secrets.token_hex(32), secrets.token_hex(32)))))
        return cls(**json.loads(file.read_text()))
