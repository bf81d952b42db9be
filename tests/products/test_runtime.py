"""What a tenant of Foundation Cloud runs, by requirement."""

from __future__ import annotations

import pytest

from models.product import ProductModule, RuntimeSettings
from models.workload import Container, Probe, TenantRuntime
from tests.products.conftest import SETTINGS, runtime_of, tenant

PLANS = ["starter", "pro", "enterprise"]


def container(runtime: TenantRuntime, name: str) -> Container:
    return next(found for found in runtime.workloads[0].containers if found.name == name)


def ports(of: Container) -> dict[str, int]:
    return {port.name: port.port for port in of.ports}


@pytest.mark.parametrize("plan", PLANS)
def test_seldon(module: ProductModule, plan: str) -> None:
    acme = tenant(plan)
    seldon = container(runtime_of(module, acme), "seldon")
    assert seldon.image == "ghcr.io/foundation/seldon:v2.0"  # FC-084, FC-290
    assert ports(seldon) == {"api": 18789}  # FC-252
    assert seldon.environment["TENANT_SLUG"] == "acme"  # FC-085
    assert seldon.environment["TIER"] == plan  # FC-085
    assert seldon.environment["TENANT_ID"] == str(acme.id)
    assert seldon.uses_secret  # FC-086
    assert seldon.uses_database  # FC-085, FC-252, FC-292
    assert seldon.config_path == "/app/config"  # FC-087
    assert seldon.resources == module.product.plans[plan].resources  # FC-088
    assert seldon.liveness == Probe(path="/health", port=18789, initial_delay_seconds=30, period_seconds=10)  # FC-253
    assert seldon.readiness == Probe(path="/ready", port=18789, initial_delay_seconds=10, period_seconds=5)  # FC-253


@pytest.mark.parametrize("plan", PLANS)
def test_dashboard(module: ProductModule, plan: str) -> None:
    dashboard = container(runtime_of(module, tenant(plan)), "dashboard")
    assert dashboard.image == "ghcr.io/foundation/dashboard:v2.0"  # FC-254
    assert ports(dashboard) == {"http": 18810}  # FC-254
    assert dashboard.environment == {"SELDON_HOST": "localhost", "SELDON_PORT": "18789"}  # FC-254, FC-293
    assert dashboard.resources.requests.model_dump() == {"cpu": "50m", "memory": "128Mi"}  # FC-255
    assert dashboard.resources.limits.model_dump() == {"cpu": "200m", "memory": "512Mi"}  # FC-255
    assert not dashboard.uses_secret
    assert not dashboard.uses_database


def test_limits_reach_seldon(module: ProductModule) -> None:
    starter = container(runtime_of(module, tenant("starter")), "seldon").environment
    assert {key: value for key, value in starter.items() if key.startswith("LIMIT_")} == {
        "LIMIT_AGENTS": "5",
        "LIMIT_WORKFLOWS": "5",
        "LIMIT_TASKS_PER_MONTH": "500",
        "LIMIT_REQUESTS_PER_MINUTE": "60",
        "LIMIT_TASKS_PER_HOUR": "20",
        "LIMIT_CONCURRENT_TASKS": "3",
    }
    contract = tenant("enterprise", overrides={"requests_per_minute": 1200})
    enterprise = container(runtime_of(module, contract), "seldon").environment
    assert {key: value for key, value in enterprise.items() if key.startswith("LIMIT_")} == {
        "LIMIT_REQUESTS_PER_MINUTE": "1200",
        "LIMIT_CONCURRENT_TASKS": "50",
    }


def test_suspended_tenant_is_told(module: ProductModule) -> None:  # FC-269
    active, suspended = (
        container(runtime_of(module, tenant(status=status)), "seldon").environment for status in ("active", "suspended")
    )
    assert suspended == {**active, "TENANT_STATUS": "suspended"}


def test_tenants_own_image(module: ProductModule) -> None:
    digest = f"sha256:{'0' * 64}"
    tagged, pinned = (runtime_of(module, tenant(image_tag=tag)) for tag in ("v2.1", digest))
    assert container(tagged, "seldon").image == "ghcr.io/foundation/seldon:v2.1"
    assert container(pinned, "seldon").image == f"ghcr.io/foundation/seldon@{digest}"
    assert container(pinned, "dashboard").image == "ghcr.io/foundation/dashboard:v2.0"


def test_registry_is_the_environments(module: ProductModule) -> None:
    mirrored = RuntimeSettings(image_registry="registry.example.com/mirror")
    runtime = module.runtime(tenant(), module.product.plans["pro"], mirrored)
    images = [found.image for found in runtime.workloads[0].containers]
    assert images == ["registry.example.com/mirror/seldon:v2.0", "registry.example.com/mirror/dashboard:v2.0"]


def test_routes(module: ProductModule) -> None:
    routes = runtime_of(module, tenant()).routes
    assert {
        prefix: (route.workload, route.port, route.authenticated)
        for route in routes
        for prefix in route.path_prefixes or ("",)
    } == {
        "": ("seldon", "api", True),  # FC-054
        "/health": ("seldon", "api", False),  # FC-297
        "/dashboard": ("seldon", "http", True),  # FC-052, FC-295
        "/dashboard/assets": ("seldon", "http", False),  # FC-297
        "/login": ("seldon", "http", False),  # FC-191, FC-295, FC-297
    }


def test_the_rest(module: ProductModule) -> None:
    runtime = runtime_of(module, tenant())
    [workload] = runtime.workloads
    assert workload.name == "seldon"  # FC-083
    assert workload.scaling == module.product.plans["pro"].scaling
    assert workload.metrics_port == "api"  # FC-153
    assert runtime.secret_keys == ("discord_token", "anthropic_key")  # FC-081
    assert runtime.egress_ports == (443,)  # FC-174


def test_every_plan_can_be_tried_with_every_tenant(module: ProductModule) -> None:
    for plan in module.product.plans.values():
        for of in PLANS:
            assert module.runtime(tenant(of), plan, SETTINGS).workloads
