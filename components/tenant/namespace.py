"""A tenant's namespace: Pod Security, quota, limits and service account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_kubernetes.core.v1 import LimitRange, Namespace, ResourceQuota, ServiceAccount

from components.identity import TenantIdentity
from components.tenant import quota
from models.workload import Workload

RESTRICTED: Final = {
    f"pod-security.kubernetes.io/{mode}{suffix}": value
    for mode in ("enforce", "audit", "warn")
    for suffix, value in (("", "restricted"), ("-version", "latest"))
}
"""Labels by which the API server itself refuses pods that could reach their node (FC-164)."""

SERVICE_ACCOUNT: Final = "workload"


@dataclass(frozen=True, kw_only=True)
class TenantNamespaceArgs:
    """What bounds a tenant's namespace."""

    tenant: TenantIdentity
    workloads: Sequence[Workload]
    """What runs in it: the quota is their sum (FC-165, FC-291)."""
    alternatives: Sequence[Sequence[Workload]] = ()
    """The same under the product's other plans, for the quota's surge (see ``quota.surge_amounts``)."""


class TenantNamespace(pulumi.ComponentResource):
    """Namespace ``tenant-{slug}`` with Pod Security ``restricted``, ResourceQuota, LimitRange and a service account
    that can do nothing.

    Give it ``protect``: it holds for the namespace, for with it goes all that is inside.
    """

    namespace: Namespace
    namespace_name: pulumi.Output[str]
    service_account: str

    def __init__(self, name: str, args: TenantNamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:tenant:TenantNamespace", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        labels = args.tenant.labels
        self.namespace = Namespace(
            f"{name}-namespace",
            metadata={"name": args.tenant.namespace, "labels": {**labels, **RESTRICTED}},
            opts=child,
        )
        self.namespace_name = self.namespace.metadata.apply(lambda found: found.name or args.tenant.namespace)
        # What is inside goes with the namespace, so it needs no deletions of its own.
        inside = pulumi.ResourceOptions(parent=self, deleted_with=self.namespace, protect=False)
        ResourceQuota(
            f"{name}-quota",
            metadata={"name": "tenant", "namespace": self.namespace_name, "labels": labels},
            spec={"hard": quota.quota(args.workloads, args.alternatives)},
            opts=inside,
        )
        LimitRange(
            f"{name}-limits",
            metadata={"name": "tenant", "namespace": self.namespace_name, "labels": labels},
            spec=quota.limit_range(args.workloads),
            opts=inside,
        )
        ServiceAccount(
            f"{name}-service-account",
            metadata={"name": SERVICE_ACCOUNT, "namespace": self.namespace_name, "labels": labels},
            automount_service_account_token=False,
            opts=inside,
        )
        self.service_account = SERVICE_ACCOUNT
        self.register_outputs({"namespace_name": self.namespace_name})
