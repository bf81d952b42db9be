"""The composition root: one environment's platform and all of its tenants."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import Namespace
from pulumi_random import RandomPassword

import models.loading
from components.access import ResolveSecret
from components.gateway.platform import GatewayPlatform, GatewayPlatformArgs
from components.identity import MANAGED_BY
from components.postgres.connection import DatabaseServer
from components.postgres.platform import DatabasePlatform, DatabasePlatformArgs
from components.providers import Cluster, environment_providers
from components.tenant.pod import DatabaseAddress
from components.tenant.registry import RegisteredTenant, Registry
from components.tenant.stack import TenantStack, TenantStackArgs, TenantSurroundings
from models import names
from models.product import RuntimeSettings
from models.secrets import SecretRef
from models.tenant import Tenant

PLATFORM_POD_SECURITY = {
    "pod-security.kubernetes.io/enforce": "baseline",
    "pod-security.kubernetes.io/warn": "restricted",
}


@dataclass(frozen=True, kw_only=True)
class EnvironmentArgs:
    """An environment as its files say, and the means to reach it."""

    loaded: models.loading.Environment
    """Settings, products and tenants, checked."""
    cluster: Cluster
    database_server: DatabaseServer
    secret: ResolveSecret
    """For what settings and tenants' files name by a key (``SecretRef.config``)."""


class Environment(pulumi.ComponentResource):
    """Providers, platform, and one ``TenantStack`` for each tenant, named by its slug.

    No tenant's resources depend on another tenant's, so that one can be added, changed or removed, or fail, without
    the others noticing. The register of tenants comes before everything: when a tenant that still has data is missing,
    or a slug was renamed, the update ends there and nothing was touched.
    """

    tenants: pulumi.Output[dict[str, dict[str, str]]]
    """Plan, status and URL of each tenant, by slug."""

    def __init__(self, name: str, args: EnvironmentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:index:Environment", name, {}, opts)
        loaded, settings = args.loaded, args.loaded.settings
        registry = Registry(
            "tenants",
            tenants={tenant.slug: _registered(tenant) for tenant in loaded.tenants},
            opts=pulumi.ResourceOptions(parent=self),
        )
        providers = environment_providers(
            args.cluster, args.database_server, pulumi.ResourceOptions(parent=self, depends_on=[registry])
        )
        # `providers` and not one `provider`: children take those of their kind from it.
        child = pulumi.ResourceOptions(parent=self, providers=list(providers))
        holds_data = pulumi.ResourceOptions(parent=self, providers=list(providers), protect=settings.protect)

        namespace = Namespace(
            "platform",
            metadata={
                "name": settings.platform_namespace,
                "labels": {**MANAGED_BY, **PLATFORM_POD_SECURITY},
            },
            opts=pulumi.ResourceOptions(parent=self, provider=providers.kubernetes, protect=settings.protect),
        )
        GatewayPlatform(
            "gateway",
            GatewayPlatformArgs(
                namespace=namespace.metadata["name"],
                tls_secret=settings.gateway.tls_secret,
            ),
            child,
        )
        databases = DatabasePlatform(
            "postgres",
            DatabasePlatformArgs(
                database=settings.postgresql.database,
                auth_database=settings.postgresql.auth_database,
                auth_extensions=settings.postgresql.auth_extensions,
            ),
            holds_data,
        )
        surroundings = TenantSurroundings(
            domain=settings.domain,
            platform=settings.platform,
            gateway=settings.gateway,
            pooler=DatabaseAddress(
                host=settings.postgresql.pooler_host,
                port=settings.postgresql.pooler_port,
                database=settings.postgresql.database,
            ),
            database=databases.database,
            database_owner=databases.owner,
            database_tenants=databases.tenants,
            connection_limit=settings.postgresql.role_connections,
            protect=settings.protect,
        )
        shared = {
            key: _shared_secret(key, reference, args.secret, providers.random, self)
            for key, reference in settings.shared_secrets.items()
        }
        for tenant in loaded.tenants:
            TenantStack(tenant.slug, _tenant_stack(tenant, args, surroundings, shared), child)
        self.tenants = pulumi.Output.from_input(
            {
                tenant.slug: {
                    "plan": tenant.plan,
                    "status": tenant.status.value,
                    "url": f"https://{names.host(tenant.slug, settings.domain)}",
                }
                for tenant in loaded.tenants
            }
        )
        self.register_outputs({"tenants": self.tenants})


def _registered(tenant: Tenant) -> RegisteredTenant:
    return {
        "id": str(tenant.id),
        "plan": tenant.plan,
        "status": tenant.status.value,
        "final_backup": tenant.final_backup is not None,
    }


def _shared_secret(
    key: str, reference: SecretRef, resolve: ResolveSecret, random: pulumi.ProviderResource, parent: pulumi.Resource
) -> pulumi.Output[str]:
    if reference.config is not None:
        return resolve(reference.config)
    assert reference.generate is not None, "a SecretRef has one source"
    return RandomPassword(
        f"shared-{key.replace('_', '-')}",
        length=reference.generate,
        special=False,
        opts=pulumi.ResourceOptions(parent=parent, provider=random),
    ).result


def _tenant_stack(
    tenant: Tenant,
    args: EnvironmentArgs,
    surroundings: TenantSurroundings,
    shared: dict[str, pulumi.Output[str]],
) -> TenantStackArgs:
    product = args.loaded.products[tenant.product]
    plan = args.loaded.plan(tenant)
    settings = args.loaded.settings
    runtime_settings = RuntimeSettings(
        image_registry=settings.image_registry, database_connections=settings.postgresql.role_connections
    )
    # The tenant's own first, then what the environment shares (FC-082).
    secrets = {key: shared[name] for key, name in product.product.shared_secrets.items() if name in shared}
    for key, reference in tenant.secrets.items():
        if reference.config is not None:
            secrets[key] = args.secret(reference.config)
        else:
            secrets.pop(key, None)
    return TenantStackArgs(
        tenant=tenant,
        plan=plan,
        runtime=product.runtime(tenant, plan, runtime_settings),
        alternatives=[
            product.runtime(tenant, other, runtime_settings).workloads for other in product.product.plans.values()
        ],
        surroundings=surroundings,
        secrets=secrets,
        generated_secrets={
            key: reference.generate for key, reference in tenant.secrets.items() if reference.generate is not None
        },
    )
