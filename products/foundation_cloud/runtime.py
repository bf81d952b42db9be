"""What a tenant of Foundation Cloud runs: Seldon, with its dashboard beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from models.plan import ContainerResources, Limits, Plan, Resources
from models.product import Product, RuntimeSettings
from models.tenant import Status, Tenant
from models.workload import (
    ConfigFiles,
    Container,
    ContainerPort,
    Migration,
    Probe,
    Route,
    TenantRuntime,
    Workload,
)
from products.foundation_cloud.agents import Templates, files
from products.foundation_cloud.alerts import alerts

API: Final = ContainerPort(name="api", port=18789)
"""FC-252."""
DASHBOARD: Final = ContainerPort(name="http", port=18810)
"""FC-008, FC-254."""
DASHBOARD_RESOURCES: Final = ContainerResources(
    requests=Resources(cpu="50m", memory="128Mi"), limits=Resources(cpu="200m", memory="512Mi")
)
"""FC-255."""


@dataclass(frozen=True)
class Parts:
    """What the product's files say."""

    product: Product
    templates: Templates
    migrations: tuple[Migration, ...]


def runtime(parts: Parts, tenant: Tenant, plan: Plan, settings: RuntimeSettings) -> TenantRuntime:
    """What ``tenant`` runs on ``plan``, which comes with the tenant's overrides."""
    product = parts.product
    dashboard = Container(
        name="dashboard",
        image=image(settings, "dashboard", product.image_tag),
        ports=(DASHBOARD,),
        resources=DASHBOARD_RESOURCES,
        environment={"SELDON_HOST": "localhost", "SELDON_PORT": str(API.port)},  # FC-254, FC-293
    )
    seldon = Container(
        name="seldon",
        image=image(settings, "seldon", tenant.image_tag or product.image_tag),
        ports=(API,),
        resources=plan.resources,
        environment=seldon_environment(tenant, plan),
        uses_secret=True,  # FC-086
        uses_database=True,
        config_path="/app/config",  # FC-087
        liveness=Probe(path="/health", port=API.port, initial_delay_seconds=30, period_seconds=10),  # FC-253
        readiness=Probe(path="/ready", port=API.port, initial_delay_seconds=10, period_seconds=5),  # FC-253
    )
    return TenantRuntime(
        workloads=(
            Workload(name="seldon", containers=(seldon, dashboard), scaling=plan.scaling, metrics_port=API.name),
        ),
        config=ConfigFiles(prefix="agents-config", files=files(parts.templates, tenant, plan)),  # FC-080
        secret_keys=product.secret_keys,
        routes=routes(),
        alerts=alerts(tenant.slug, plan, settings, (seldon, dashboard)),
        migrations=parts.migrations,
    )


def image(settings: RuntimeSettings, name: str, tag: str) -> str:
    """A pinned image of the environment's registry (FC-084, FC-254, FC-290)."""
    return f"{settings.image_registry}/{name}{'@' if tag.startswith('sha256:') else ':'}{tag}"


def seldon_environment(tenant: Tenant, plan: Plan) -> dict[str, str]:
    """Variables of the seldon container beside the database's and the Secret's (FC-085).

    Limits reach Seldon by variables, since a tenant's contract can change them; one that isn't set has no limit
    (FC-121, FC-123, FC-303).
    """
    environment = {"TENANT_SLUG": tenant.slug, "TENANT_ID": str(tenant.id), "TIER": plan.name}
    for name in Limits.model_fields:
        value = getattr(plan.limits, name)
        if value is not None:
            environment[f"LIMIT_{name.upper()}"] = str(value)
    if tenant.status is Status.SUSPENDED:
        environment["TENANT_STATUS"] = tenant.status.value  # FC-269: refuses new dispatches
    return environment


def routes() -> tuple[Route, ...]:
    """The API on the whole host, the dashboard at /dashboard and /login (FC-052, FC-054, FC-295).

    /health, /login and the dashboard's assets answer without a token (FC-297).
    """
    dashboard = {"workload": "seldon", "port": DASHBOARD.name, "pages": True}
    api = {"workload": "seldon", "port": API.name}
    return (
        Route(**api),
        Route(path_prefixes=("/health",), authenticated=False, **api),
        Route(path_prefixes=("/dashboard",), **dashboard),
        Route(path_prefixes=("/login", "/dashboard/assets"), authenticated=False, **dashboard),
    )
