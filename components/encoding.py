"""How values are written into objects."""

from __future__ import annotations

import base64


def base64_text(value: str) -> str:
    """As the values of a Secret's ``data`` are written."""
    return base64.b64encode(value.encode()).decode()
