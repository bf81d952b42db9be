"""Alerting rules: PromQL that parses, and that reads one tenant's series only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from models import names
from models.product import ProductModule
from models.workload import AlertRule
from tests.products.conftest import runtime_of, tenant

DASHBOARD = Path(__file__).parents[2] / "products/foundation_cloud/dashboards/tenant-overview.json"
# What Grafana fills in before Prometheus sees the expression.
GRAFANA = {"$__rate_interval": "5m", "$__range": "1d", "${tenant:regex}": "acme", "$tenant": "acme"}


def rules(module: ProductModule, plan: str = "pro") -> dict[str, AlertRule]:
    of = tenant(plan, overrides={"requests_per_minute": 1200} if plan == "enterprise" else {})
    return {rule.alert: rule for rule in runtime_of(module, of).alerts}


def selectors(expression: str) -> Iterator[promql_parser.VectorSelector]:
    """Every selector in the expression."""
    pending: list[Any] = [promql_parser.parse(expression)]
    while pending:
        node = pending.pop()
        match node:
            case promql_parser.VectorSelector():
                yield node
            case promql_parser.MatrixSelector():
                yield node.vector_selector
            case promql_parser.Call():
                pending.extend(node.args)
            case promql_parser.BinaryExpr():
                pending.extend((node.lhs, node.rhs))
            case promql_parser.AggregateExpr() | promql_parser.ParenExpr() | promql_parser.SubqueryExpr():
                pending.append(node.expr)
            case promql_parser.NumberLiteral() | promql_parser.StringLiteral():
                pass
            case _:
                raise AssertionError(f"unknown part of PromQL: {type(node)}")


@pytest.mark.parametrize("plan", ["starter", "pro", "enterprise"])
def test_every_selector_is_the_tenants(module: ProductModule, plan: str) -> None:
    own = {("tenant", "acme"), ("namespace", names.namespace("acme")), ("schema", names.database_schema("acme"))}
    found = rules(module, plan)
    assert len(found) == 10
    for rule in found.values():
        chosen = list(selectors(rule.expr))
        assert chosen, rule.alert
        for selector in chosen:
            equal = {
                (matcher.name, matcher.value)
                for matcher in selector.matchers.matchers
                if matcher.op == promql_parser.MatchOp.Equal
            }
            assert equal & own, f"{rule.alert}: {selector.prettify()}"


@pytest.mark.parametrize("plan", ["starter", "pro", "enterprise"])
def test_every_result_names_the_tenant(module: ProductModule, plan: str) -> None:  # FC-308
    for rule in rules(module, plan).values():
        assert rule.expr.startswith("label_replace(") or "by (tenant" in rule.expr or rule.expr.startswith("rate("), (
            rule.alert
        )
        assert "{{ $labels.tenant }}" in rule.summary


def test_named_rules(module: ProductModule) -> None:
    errors = rules(module)["TenantHighErrorRate"]  # FC-259
    assert errors.expr == 'rate(seldon_errors_total{tenant="acme"}[5m]) > 0.1'
    assert (errors.for_, errors.severity) == ("5m", "warning")
    memory = rules(module)["TenantResourceExhaustion"]  # FC-260, FC-307
    assert re.search(
        r"container_memory_usage_bytes\{.*\} / \(container_spec_memory_limit_bytes\{.*\} > 0\) > 0.9", memory.expr
    )
    assert (memory.for_, memory.severity) == ("10m", "critical")
    assert "90%" in memory.summary


ROWS = [
    # requirement, rule, metric, thresholds by plan
    ("FC-154", "TenantTasksNearLimit", "seldon_tasks_active", ["> 0.9 * 3", "> 0.9 * 10", "> 0.9 * 50"]),
    ("FC-155", "TenantTasksSlow", "seldon_task_duration_seconds_bucket", ["> 30"] * 3),
    ("FC-156", "TenantRequestsAboveLimit", "seldon_api_requests_total", ["> 60", "> 300", "> 1200"]),
    ("FC-157", "TenantErrorsPerMinute", "seldon_errors_total", ["> 10"] * 3),
    ("FC-158", "TenantDatabaseConnectionsHigh", "postgres_connections", ["> 0.8 * 5"] * 3),
    (
        "FC-159",
        "TenantPodMemoryHigh",
        "pod_memory_usage",
        # Seldon's limit and the dashboard's 512Mi.
        [f"> 0.9 * {mebibytes * 2**20}" for mebibytes in (2048 + 512, 4096 + 512, 16384 + 512)],
    ),
    ("FC-015", "TenantDispatchSlow", "seldon_dispatch_duration_seconds_bucket", ["> 2"] * 3),
    (
        "FC-014",
        "TenantUptimeBelowObjective",
        "kube_deployment_status_replicas_available",
        ["< 99.5", "< 99.5", "< 99.9"],
    ),
]


@pytest.mark.parametrize(("requirement", "rule", "metric", "thresholds"), ROWS)
def test_row(module: ProductModule, requirement: str, rule: str, metric: str, thresholds: list[str]) -> None:
    for plan, threshold in zip(("starter", "pro", "enterprise"), thresholds, strict=True):
        expression = rules(module, plan)[rule].expr
        assert metric in {selector.name for selector in selectors(expression)}, requirement
        assert re.search(re.escape(threshold) + r"(,|$)", expression), requirement


def test_no_alert_on_requests_without_a_limit(module: ProductModule) -> None:
    runtime = runtime_of(module, tenant("enterprise"))
    assert "TenantRequestsAboveLimit" not in {rule.alert for rule in runtime.alerts}


def test_dashboard_has_its_seven_panels() -> None:  # FC-258
    dashboard = json.loads(DASHBOARD.read_text())
    assert dashboard["title"] == "Tenant Overview"
    assert {panel["title"]: panel["type"] for panel in dashboard["panels"]} == {
        "Active Tenants": "gauge",
        "Tasks Dispatched Today": "stat",
        "API Request Rate": "timeseries",
        "Error Rate": "timeseries",
        "Task Duration p95": "heatmap",
        "Concurrent Tasks": "timeseries",
        "Resource Usage": "timeseries",
    }


def test_dashboard_expressions_parse() -> None:
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            expression = target["expr"]
            for variable, value in GRAFANA.items():
                expression = expression.replace(variable, value)
            assert list(selectors(expression)), panel["title"]
