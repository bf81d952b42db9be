"""A tenant, a plan and a product to build things from."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

from components.gateway.redis import RedisAccess
from components.identity import TenantIdentity
from components.tenant.pod import DatabaseAddress
from components.tenant.stack import TenantStackArgs, TenantSurroundings
from models.environment import EnvironmentSettings, Gateway, Platform
from models.loading import Environment
from models.plan import Plan
from models.product import Product, ProductModule
from models.tenant import Tenant
from models.workload import TenantRuntime

TENANTS = UUID("3f0f3d6e-5f5c-4a43-9f0e-2f5a6c1f9b51")


def tenant(slug: str = "alice", **changes: Any) -> Tenant:
    return Tenant.model_validate(
        {
            "slug": slug,
            "id": uuid5(TENANTS, slug),
            "display_name": slug.title(),
            "plan": "pro",
            "admin_email": f"admin@{slug}.example.com",
            **changes,
        }
    )


def plan(name: str = "pro", **changes: Any) -> Plan:
    return Plan.model_validate(
        {
            "name": name,
            "display_name": name.title(),
            "price": {"monthly_cents": 19900},
            "limits": {
                "agents": 14,
                "workflows": None,
                "tasks_per_month": 5000,
                "requests_per_minute": 300,
                "tasks_per_hour": 200,
                "concurrent_tasks": 10,
            },
            "resources": {
                "requests": {"cpu": "500m", "memory": "1Gi"},
                "limits": {"cpu": "2000m", "memory": "4Gi"},
            },
            "scaling": {"max_replicas": 5},
            "retention": {"logs_days": 7, "backups_daily": 30, "backups_monthly": 12},
            "availability_percent": 99.5,
            **changes,
        }
    )


def starter(**changes: Any) -> Plan:
    return plan(
        "starter",
        resources={
            "requests": {"cpu": "250m", "memory": "512Mi"},
            "limits": {"cpu": "1000m", "memory": "2Gi"},
        },
        scaling={"max_replicas": 1},
        **changes,
    )


def runtime(of: Plan | None = None, **changes: Any) -> TenantRuntime:
    """As Foundation Cloud has it: Seldon with the dashboard beside it."""
    of = of or plan()
    return TenantRuntime.model_validate(
        {
            "workloads": [
                {
                    "name": "seldon",
                    "containers": [
                        {
                            "name": "seldon",
                            "image": "ghcr.io/foundation/seldon:v2.0",
                            "ports": [{"name": "api", "port": 18789}],
                            "resources": of.resources.model_dump(),
                            "environment": {"TIER": of.name},
                            "uses_secret": True,
                            "uses_database": True,
                            "config_path": "/app/config",
                            "liveness": {
                                "path": "/health",
                                "port": 18789,
                                "initial_delay_seconds": 30,
                                "period_seconds": 10,
                            },
                            "readiness": {
                                "path": "/ready",
                                "port": 18789,
                                "initial_delay_seconds": 10,
                                "period_seconds": 5,
                            },
                        },
                        {
                            "name": "dashboard",
                            "image": "ghcr.io/foundation/dashboard:v2.0",
                            "ports": [{"name": "http", "port": 18810}],
                            "resources": {
                                "requests": {"cpu": "50m", "memory": "128Mi"},
                                "limits": {"cpu": "200m", "memory": "512Mi"},
                            },
                        },
                    ],
                    "scaling": of.scaling.model_dump(),
                    "metrics_port": "api",
                }
            ],
            "config": {"prefix": "agents-config", "files": {"agents.json": "[]", "workflows.json": "[]"}},
            "secret_keys": ["discord_token", "anthropic_key"],
            "routes": [
                {"workload": "seldon", "port": "api"},
                {"path_prefixes": ["/dashboard"], "workload": "seldon", "port": "http"},
                {"path_prefixes": ["/health"], "workload": "seldon", "port": "api", "authenticated": False},
            ],
            "alerts": [
                {
                    "alert": "TenantHighErrorRate",
                    "expr": "rate(seldon_errors_total[5m]) > 0.1",
                    "for": "5m",
                    "severity": "warning",
                    "summary": "High error rate",
                }
            ],
            "migrations": [{"version": 1, "name": "schema.sql", "sql": "CREATE TABLE tasks (id uuid);"}],
            **changes,
        }
    )


def identity(slug: str = "alice", tier: str = "pro") -> TenantIdentity:
    return TenantIdentity(slug=slug, id=str(uuid5(TENANTS, slug)), tier=tier, product="foundation-cloud")


def surroundings(**changes: Any) -> TenantSurroundings:
    return TenantSurroundings(
        **{
            "domain": "example.test",
            "platform": Platform(),
            "gateway": Gateway(),
            "redis": RedisAccess(endpoint="gateway-redis.foundation.svc.cluster.local:6379", password="test"),
            "pooler": DatabaseAddress("pgbouncer.foundation.svc.cluster.local", 5432, "foundation"),
            "database": "foundation",
            "database_owner": "foundation_owner",
            "database_tenants": "foundation_tenants",
            **changes,
        }
    )


def stack_args(of: Tenant | None = None, on: Plan | None = None, **changes: Any) -> TenantStackArgs:
    on = on or plan()
    return TenantStackArgs(
        **{
            "tenant": of or tenant(),
            "plan": on,
            "runtime": runtime(on),
            "surroundings": surroundings(),
            **changes,
        }
    )


def loaded(*tenants: Tenant, **settings: Any) -> Environment:
    """An environment with these tenants on one product with the plans starter and pro."""
    product = Product.model_validate(
        {
            "name": "foundation-cloud",
            "display_name": "Foundation Cloud",
            "image_tag": "v2.0",
            "plans": {"starter": starter().model_dump(exclude={"name"}), "pro": plan().model_dump(exclude={"name"})},
            "secret_keys": ["discord_token", "anthropic_key"],
            "shared_secrets": {"anthropic_key": "shared_anthropic_key"},
        }
    )
    return Environment(
        name="local-test",
        settings=EnvironmentSettings.model_validate(
            {
                "domain": "example.test",
                "region": "local",
                "products": ["foundation-cloud"],
                "kubernetes": {"kubeconfig": ".foundation/kubeconfig", "cluster_identifier": "sandbox"},
                "postgresql": {
                    "host": "db.example.test",
                    "username": "postgres",
                    "password": {"config": "postgres_password"},
                    "pooler_host": "pgbouncer.foundation.svc.cluster.local",
                },
                "shared_secrets": {"shared_anthropic_key": {"config": "shared_anthropic_key"}},
                **settings,
            }
        ),
        products={"foundation-cloud": ProductModule(product, lambda of, on, where: runtime(on))},
        tenants=tenants,
    )
