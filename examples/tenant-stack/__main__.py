"""A whole tenant: what `tenants/<environment>/acme.yaml` becomes, written in Python.

Kubernetes comes from KUBECONFIG, PostgreSQL from libpq's variables (see ../tenant-database).
"""

from uuid import UUID

import pulumi
from pulumi_random import RandomPassword

import products
from components.gateway.redis import RedisAccess
from components.postgres.platform import DatabasePlatform, DatabasePlatformArgs
from components.tenant.pod import DatabaseAddress
from components.tenant.stack import TenantStack, TenantStackArgs, TenantSurroundings
from models.environment import Gateway, Platform
from models.product import RuntimeSettings
from models.tenant import Tenant

product = products.load("foundation-cloud")
plan = product.product.plans["pro"]
tenant = Tenant(
    slug="acme",
    id=UUID("5a3c1f6e-8f4f-4f0e-9d3a-0d6c3f1b2a4e"),
    display_name="Acme",
    plan=plan.name,
    admin_email="admin@acme.example",
)

platform = DatabasePlatform(
    "postgres", DatabasePlatformArgs(database="example_stack", auth_database="example_stack_auth", auth_extensions=())
)
acme = TenantStack(
    "acme",
    TenantStackArgs(
        tenant=tenant,
        plan=plan,
        runtime=product.runtime(tenant, plan, RuntimeSettings(image_registry="ghcr.io/foundation")),
        surroundings=TenantSurroundings(
            domain="example.com",
            platform=Platform(),
            gateway=Gateway(),
            redis=RedisAccess(
                endpoint="gateway-redis.foundation.svc.cluster.local:6379",
                password=RandomPassword("redis", length=32, special=False).result,
            ),
            pooler=DatabaseAddress(host="pgbouncer.foundation.svc.cluster.local", port=5432, database="example_stack"),
            database=platform.database,
            database_owner=platform.owner,
            database_tenants=platform.tenants,
            protect=False,
        ),
    ),
)
pulumi.export("url", acme.url)
