"""What the service's role may do in auth_db: no more than its statements need, and the audit log is only added to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

TABLES: Final[Mapping[str, Sequence[str]]] = {
    "tenants": ("SELECT", "INSERT", "UPDATE"),
    "tenant_domains": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "users": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "api_keys": ("SELECT", "INSERT", "UPDATE"),
    "audit_log": ("SELECT", "INSERT"),
    "sessions": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "refresh_tokens": ("SELECT", "INSERT", "UPDATE"),
    "signing_keys": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "throttles": ("SELECT", "INSERT", "UPDATE", "DELETE"),
}
"""Usage and invoices are the billing service's."""
