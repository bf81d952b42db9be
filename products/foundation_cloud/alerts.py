"""Alerting rules of one tenant in PromQL.

Every selector names the tenant, its namespace or its schema, so no rule ever reads another tenant's series; every
result carries the label ``tenant`` (FC-308).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from models import names
from models.loading.quantities import amount
from models.plan import Plan
from models.product import RuntimeSettings
from models.workload import AlertRule, Container

LATENCY_SECONDS: Final = 2
"""FC-015."""


def alerts(slug: str, plan: Plan, settings: RuntimeSettings, containers: Sequence[Container]) -> tuple[AlertRule, ...]:
    """The two named rules, one for each row of the table of metrics, dispatch latency and uptime (FC-307)."""
    tenant = f'tenant="{slug}"'
    namespace = f'namespace="{names.namespace(slug)}"'
    # cAdvisor's series know the namespace, not the tenant; the pause container has an empty name.
    containers_of = f'{namespace}, container!=""'
    deployment = f'{namespace}, deployment="{names.workload("seldon", slug)}"'
    memory = int(sum(amount(container.resources.limits.memory) for container in containers))
    rules = [
        AlertRule(  # FC-259
            alert="TenantHighErrorRate",
            expr=f"rate(seldon_errors_total{{{tenant}}}[5m]) > 0.1",
            for_="5m",
            severity="warning",
            summary="Tenant {{ $labels.tenant }} has a high error rate",
        ),
        AlertRule(  # FC-260; a container without a limit has limit 0 (FC-307)
            alert="TenantResourceExhaustion",
            expr=_of_tenant(
                slug,
                f"container_memory_usage_bytes{{{containers_of}}}"
                f" / (container_spec_memory_limit_bytes{{{containers_of}}} > 0) > 0.9",
            ),
            for_="10m",
            severity="critical",
            summary="Tenant {{ $labels.tenant }} uses more than 90% of its memory",
        ),
        AlertRule(  # FC-154
            alert="TenantTasksNearLimit",
            expr=f"sum by (tenant) (seldon_tasks_active{{{tenant}}}) > 0.9 * {plan.limits.concurrent_tasks}",
            for_="5m",
            severity="warning",
            summary="Tenant {{ $labels.tenant }} runs more than 90% of the tasks that it may run at once",
        ),
        AlertRule(  # FC-155
            alert="TenantTasksSlow",
            expr=f"{_p95('seldon_task_duration_seconds', tenant)} > 30",
            for_="5m",
            severity="warning",
            summary="One in twenty tasks of tenant {{ $labels.tenant }} takes longer than 30 s",
        ),
        AlertRule(  # FC-157
            alert="TenantErrorsPerMinute",
            expr=f"60 * sum by (tenant) (rate(seldon_errors_total{{{tenant}}}[5m])) > 10",
            for_="5m",
            severity="warning",
            summary="Tenant {{ $labels.tenant }} has more than 10 errors a minute",
        ),
        AlertRule(  # FC-158; the pool is what the tenant's role may open (FC-280)
            alert="TenantDatabaseConnectionsHigh",
            expr=_of_tenant(
                slug,
                f'sum(postgres_connections{{schema="{names.database_schema(slug)}"}})'
                f" > 0.8 * {settings.database_connections}",
            ),
            for_="5m",
            severity="warning",
            summary="Tenant {{ $labels.tenant }} uses more than 80% of its database connections",
        ),
        AlertRule(  # FC-159; bytes, of the whole pod
            alert="TenantPodMemoryHigh",
            expr=f"max by (tenant) (pod_memory_usage{{{tenant}}}) > 0.9 * {memory}",
            for_="10m",
            severity="warning",
            summary="A pod of tenant {{ $labels.tenant }} uses more than 90% of its memory limit",
        ),
        AlertRule(  # FC-015; the histogram's name is our choice, the requirements name none
            alert="TenantDispatchSlow",
            expr=f"{_p95('seldon_dispatch_duration_seconds', tenant)} > {LATENCY_SECONDS}",
            for_="5m",
            severity="warning",
            summary="One in twenty dispatches of tenant {{ $labels.tenant }} takes longer than 2 s",
        ),
        AlertRule(  # FC-014, FC-320; up is a tenant with one pod that is ready, over the last 30 days
            alert="TenantUptimeBelowObjective",
            expr=_of_tenant(
                slug,
                f"100 * avg_over_time(clamp_max(kube_deployment_status_replicas_available{{{deployment}}}, 1)[30d:5m])"
                f" < {plan.availability_percent}",
            ),
            for_="15m",
            severity="critical",
            summary=f"Tenant {{{{ $labels.tenant }}}} was up less than {plan.availability_percent}% of 30 days",
        ),
    ]
    if plan.limits.requests_per_minute is not None:
        rules.append(
            AlertRule(  # FC-156
                alert="TenantRequestsAboveLimit",
                expr=f"60 * sum by (tenant) (rate(seldon_api_requests_total{{{tenant}}}[5m]))"
                f" > {plan.limits.requests_per_minute}",
                for_="5m",
                severity="warning",
                summary="Tenant {{ $labels.tenant }} sends more requests than its plan allows",
            )
        )
    return tuple(rules)


def _of_tenant(slug: str, expression: str) -> str:
    """``expression`` with the label tenant on every result."""
    return f'label_replace({expression}, "tenant", "{slug}", "", "")'


def _p95(histogram: str, tenant: str) -> str:
    return f"histogram_quantile(0.95, sum by (tenant, le) (rate({histogram}_bucket{{{tenant}}}[5m])))"
