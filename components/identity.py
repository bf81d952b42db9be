"""Who an object belongs to: the tenant's identity, and the labels that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from models import names

Manifest: TypeAlias = Any
"""Part of a Kubernetes object in the API's own words (camelCase), as manifests and its documentation have them."""

MANAGED_BY = {"app.kubernetes.io/managed-by": "foundation"}


@dataclass(frozen=True, kw_only=True)
class TenantIdentity:
    """What names and labels of a tenant's objects are made of."""

    slug: str
    id: str
    """The tenant's UUID."""
    tier: str
    """Name of its plan."""
    product: str

    @property
    def namespace(self) -> str:
        """The tenant's namespace (FC-291)."""
        return names.namespace(self.slug)

    @property
    def labels(self) -> dict[str, str]:
        """Labels of every object and, by the ServiceMonitor, of every metric (FC-083, FC-153, FC-308)."""
        return {"tenant": self.slug, "tier": self.tier, "product": self.product, **MANAGED_BY}

    def selector(self, app: str) -> dict[str, str]:
        """Selects the pods of one workload (FC-083). It never changes: a Deployment's selector is immutable."""
        return {"app": app, "tenant": self.slug}
