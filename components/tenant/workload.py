"""One workload of a tenant: Deployment, Service, autoscaler and disruption budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.autoscaling.v2 import HorizontalPodAutoscaler
from pulumi_kubernetes.core.v1 import Service
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget

from components.identity import Manifest, TenantIdentity
from components.tenant import pod, service
from models import names
from models.plan import Pool
from models.workload import Workload


@dataclass(frozen=True, kw_only=True)
class TenantWorkloadArgs:
    """What a tenant's workload is made of."""

    tenant: TenantIdentity
    namespace: pulumi.Input[str]
    workload: Workload
    """Containers, ports and scaling (FC-084 to FC-088, FC-138 to FC-142, FC-253 to FC-255)."""
    pool: Pool
    """Shared nodes or the tenant's own (FC-132 to FC-135)."""
    database: pod.DatabaseAddress
    config_map: str
    """ConfigMap that containers with a ``config_path`` mount (FC-087)."""
    service_account: str
    checksums: Mapping[str, pulumi.Input[str]]
    """By what they are of, such as ``config``: a changed one rolls the pods, which would otherwise keep what they
    read at their start."""
    runs: bool = True
    """False: no replicas and no autoscaler (FC-269)."""


class TenantWorkload(pulumi.ComponentResource):
    """A workload of a tenant, named ``{workload}-{slug}`` (FC-083, FC-141, FC-257)."""

    deployment: Deployment
    service: Service
    service_name: pulumi.Output[str]

    def __init__(self, name: str, args: TenantWorkloadArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:tenant:TenantWorkload", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        tenant, workload = args.tenant, args.workload
        object_name = names.workload(workload.name, tenant.slug)
        labels = {**tenant.labels, "app": workload.name}

        def metadata(of_name: str) -> Manifest:
            return {"name": of_name, "namespace": args.namespace, "labels": labels}

        spec = pod.pod_spec(
            workload,
            tenant,
            pool=args.pool,
            database=args.database,
            config_map=args.config_map,
            service_account=args.service_account,
        )
        self.deployment = Deployment(
            f"{name}-deployment",
            metadata=metadata(object_name),
            spec=pod.deployment_spec(
                workload,
                tenant,
                spec,
                runs=args.runs,
                annotations={f"checksum/{of}": checksum for of, checksum in args.checksums.items()},
            ),
            opts=child,
        )
        self.service = Service(
            f"{name}-service",
            metadata={
                **metadata(object_name),
                # Without replicas no endpoint will ever come, and waiting for one would fail the update.
                **({} if args.runs else {"annotations": {"pulumi.com/skipAwait": "true"}}),
            },
            spec=service.service_spec(workload, tenant),
            opts=child,
        )
        if args.runs:
            HorizontalPodAutoscaler(
                f"{name}-autoscaler",
                metadata=metadata(names.autoscaler(workload.name, tenant.slug)),
                spec=service.autoscaler_spec(workload, object_name),
                opts=child,
            )
        PodDisruptionBudget(
            f"{name}-disruption-budget",
            metadata=metadata(object_name),
            spec=service.disruption_budget_spec(workload, tenant),
            opts=child,
        )
        self.service_name = self.service.metadata.apply(lambda found: found.name or object_name)
        self.register_outputs({"service_name": self.service_name})
