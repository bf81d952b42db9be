"""Scraping and alerts of one tenant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from components.identity import TenantIdentity
from components.monitoring import rules
from components.tenant.service import service_port_name
from models import names
from models.workload import AlertRule, Workload

OPERATOR = "monitoring.coreos.com/v1"


@dataclass(frozen=True, kw_only=True)
class TenantMonitoringArgs:
    """What is watched."""

    tenant: TenantIdentity
    namespace: pulumi.Input[str]
    workloads: Sequence[Workload]
    alerts: Sequence[AlertRule]


class TenantMonitoring(pulumi.ComponentResource):
    """A ServiceMonitor for each workload with metrics, and the PrometheusRule ``tenant-{slug}`` (FC-153 to FC-159)."""

    def __init__(self, name: str, args: TenantMonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:monitoring:TenantMonitoring", name, {}, opts)
        tenant = args.tenant
        for workload in args.workloads:
            if workload.metrics_port is None:
                continue
            port = service_port_name(workload, workload.metrics_port)
            self._object(
                f"{name}-{workload.name}",
                "ServiceMonitor",
                args,
                names.workload(workload.name, tenant.slug),
                rules.service_monitor(workload, tenant, port),
            )
        if args.alerts:
            spec = rules.prometheus_rule(tenant, args.alerts)
            self._object(f"{name}-alerts", "PrometheusRule", args, tenant.namespace, spec)
        self.register_outputs({})

    def _object(self, name: str, kind: str, args: TenantMonitoringArgs, object_name: str, spec: object) -> None:
        CustomResource(
            name,
            api_version=OPERATOR,
            kind=kind,
            metadata={"name": object_name, "namespace": args.namespace, "labels": args.tenant.labels},
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self),
        )
