"""Which nodes a tenant's pods run on (FC-132 to FC-135, FC-289). No resources here."""

from __future__ import annotations

from components.identity import Manifest
from models.plan import Pool


def placement(pool: Pool, slug: str) -> Manifest:
    """The part of a pod's spec that puts it on the plan's nodes: their label selected, their taint tolerated."""
    if pool is Pool.SHARED:
        return _on(selector={"pool": "shared"}, taint="tier", value="shared")
    return _on(selector={"tenant": slug}, taint="tenant", value=slug)


def _on(selector: dict[str, str], taint: str, value: str) -> Manifest:
    toleration = {"key": taint, "operator": "Equal", "value": value, "effect": "NoSchedule"}
    return {"nodeSelector": selector, "tolerations": [toleration]}
