"""What Prometheus scrapes of a tenant and when it warns, in the operator's words. No resources here."""

from __future__ import annotations

from collections.abc import Sequence

from components.identity import Manifest, TenantIdentity
from models.workload import AlertRule, Workload


def service_monitor(workload: Workload, tenant: TenantIdentity, port: str) -> Manifest:
    """Spec of the workload's ServiceMonitor: every metric gets the Service's labels tenant, tier and product
    (FC-153, FC-308)."""
    return {
        "selector": {"matchLabels": tenant.selector(workload.name)},
        "targetLabels": ["tenant", "tier", "product"],
        "endpoints": [
            {
                "port": port,
                "path": workload.metrics_path,
                # A pod that says it is another tenant isn't believed.
                "honorLabels": False,
            }
        ],
    }


def prometheus_rule(tenant: TenantIdentity, alerts: Sequence[AlertRule]) -> Manifest:
    """Spec of the tenant's PrometheusRule: group tenant_alerts (FC-259, FC-307)."""
    return {
        "groups": [
            {
                "name": "tenant_alerts",
                "rules": [
                    {
                        "alert": alert.alert,
                        "expr": alert.expr,
                        "for": alert.for_,
                        "labels": {
                            "severity": alert.severity,
                            "tenant": tenant.slug,
                            "tier": tenant.tier,
                            "product": tenant.product,
                        },
                        "annotations": {"summary": alert.summary},
                    }
                    for alert in alerts
                ],
            }
        ]
    }
