"""The composition root: one environment's platform and all of its tenants."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pulumi
from pulumi_kubernetes.core.v1 import Namespace
from pulumi_random import RandomPassword

import models.loading
from components.access import ResolveSecret
from components.auth.database import migrations
from components.auth.service import AuthService, AuthServiceArgs
from components.gateway.redis import RedisAccess
from components.gateway.traefik import TraefikGateway, TraefikGatewayArgs
from components.hetzner.api import HetznerApi
from components.identity import MANAGED_BY
from components.postgres.connection import DatabaseServer
from components.postgres.platform import DatabasePlatform, DatabasePlatformArgs
from components.providers import Cluster, Providers, cluster_provider, database_provider, own_providers
from components.tenant.pod import DatabaseAddress
from components.tenant.registry import RegisteredTenant, Registry
from components.tenant.stack import TenantStack, TenantStackArgs, TenantSurroundings
from models import names
from models.environment import EnvironmentSettings, Gateway, Kubernetes
from models.product import RuntimeSettings
from models.secrets import SecretRef
from models.tenant import Tenant

if TYPE_CHECKING:  # environments without a cluster at Hetzner don't import what makes one
    from components.hetzner.cluster.cluster import HetznerCluster

PLATFORM_POD_SECURITY = {
    "pod-security.kubernetes.io/enforce": "baseline",
    "pod-security.kubernetes.io/warn": "restricted",
}


@dataclass(frozen=True, kw_only=True)
class EnvironmentArgs:
    """An environment as its files say, and the means to reach it."""

    loaded: models.loading.Environment
    """Settings, products and tenants, checked."""
    cluster: Cluster | None
    """The cluster that is there already; None: the one that is made at Hetzner."""
    hetzner: HetznerApi | None = None
    """The API of the Hetzner project, where the settings describe a cluster there."""
    database_server: DatabaseServer
    secret: ResolveSecret
    """For what settings and tenants' files name by a key (``SecretRef.config``)."""
    redis: RedisAccess | None = None
    """A Redis for the gateway that is there already; None: it brings its own."""


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
        after_registry = pulumi.ResourceOptions(parent=self, depends_on=[registry])
        foundation, random = own_providers(args.database_server, after_registry)
        self.cluster: HetznerCluster | None = self._hetzner_cluster(args, foundation, random)
        """The cluster at Hetzner, where the settings describe one."""
        made = self.cluster
        there = args.cluster or _made_here(settings.kubernetes, made)
        before: list[pulumi.Resource] = [registry]
        if made is not None:
            before += [made.ready, *self._addons(args, made, there, foundation, random)]
        providers = Providers(
            # The first object in the cluster may be of a kind that an add-on brings: what uses it waits for those.
            kubernetes=cluster_provider(there, pulumi.ResourceOptions(parent=self, depends_on=before)),
            postgresql=database_provider(args.database_server, after_registry),
            foundation=foundation,
            random=random,
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
        acme = settings.gateway.acme
        gateway = TraefikGateway(
            "gateway",
            TraefikGatewayArgs(
                namespace=namespace.metadata["name"],
                namespace_name=settings.platform_namespace,
                settings=front_door(settings),
                domain=settings.domain,
                domains=[domain for tenant in loaded.tenants for domain in tenant.domains],
                pages_image=settings.gateway.pages_image or f"{settings.image_registry}/gateway-pages:v1.0",
                dns_token=args.secret(acme.dns_token.config) if acme and acme.dns_token.config else None,
                redis=args.redis,
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
        server = args.database_server
        AuthService(
            "auth",
            AuthServiceArgs(
                namespace=namespace.metadata["name"],
                domain=settings.domain,
                image=settings.auth.image or f"{settings.image_registry}/auth-service:v1.0",
                key_kind=settings.auth.key_kind,
                server=replace(
                    server,
                    host=settings.auth.database_host or server.host,
                    port=settings.auth.database_port or server.port,
                ),
                database=settings.postgresql.auth_database,
                owner=databases.owner,
                migrations=migrations(),
                prometheus=settings.platform.prometheus,
            ),
            pulumi.ResourceOptions.merge(holds_data, pulumi.ResourceOptions(depends_on=[databases])),
        )
        surroundings = TenantSurroundings(
            domain=settings.domain,
            platform=settings.platform,
            gateway=settings.gateway,
            redis=gateway.redis,
            platform_namespace=settings.platform_namespace,
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

    def _hetzner_cluster(
        self, args: EnvironmentArgs, foundation: pulumi.ProviderResource, random: pulumi.ProviderResource
    ) -> HetznerCluster | None:
        settings = args.loaded.settings
        if settings.hetzner is None:
            return None
        from components.hetzner.cluster.cluster import HetznerCluster, HetznerClusterArgs

        assert args.hetzner is not None, "a cluster at Hetzner is made through its API"
        there = args.cluster
        return HetznerCluster(
            "cluster",
            HetznerClusterArgs(
                settings=settings.hetzner,
                domain=settings.domain,
                enterprise=args.loaded.dedicated,
                api=args.hetzner,
                secret=args.secret,
                kubeconfig=None if there is None else there.kubeconfig,
                context=None if there is None else there.context,
                protect=settings.protect,
            ),
            # Nothing of it is there before the register of tenants agrees: its providers come after that.
            pulumi.ResourceOptions(parent=self, providers=[foundation, random]),
        )

    def _addons(
        self,
        args: EnvironmentArgs,
        made: HetznerCluster,
        there: Cluster,
        foundation: pulumi.ProviderResource,
        random: pulumi.ProviderResource,
    ) -> list[pulumi.Resource]:
        """What the cluster installs into itself; returns what is made once the kinds that it brings are served."""
        settings = args.loaded.settings
        assert settings.hetzner is not None, "the cluster was made of them"
        assert args.hetzner is not None, "the cluster was made through it"
        assert args.hetzner.token is not None, "the settings name its token"
        if not args.hetzner.nodes_join:
            # The cluster is somebody's own: k3s there would install what belongs on Hetzner's servers.
            return []
        from components.hetzner.cluster.addons import crds
        from components.hetzner.cluster.installation import ClusterAddons, ClusterAddonsArgs
        from components.hetzner.cluster.resources import ApiReady

        # Everything else's provider waits for them: they have one of their own.
        kubernetes = cluster_provider(
            there, pulumi.ResourceOptions(parent=self, depends_on=[made.ready]), "kubernetes-addons"
        )
        acme = settings.gateway.acme
        addons = ClusterAddons(
            "addons",
            ClusterAddonsArgs(
                settings=settings.hetzner,
                token=args.hetzner.token,
                scaled_user_data=made.scaled_user_data,
                dns_webhook=None if acme is None else acme.webhook_group,
                # What is installed goes with its servers; uninstalling would take the controllers away too early.
                deleted_with=None if args.cluster is not None else made.ready,
                protect=settings.protect,
            ),
            pulumi.ResourceOptions(parent=self, providers=[kubernetes, foundation, random]),
        )
        return [
            ApiReady(
                "crds-ready",
                kubeconfig=there.kubeconfig,
                context=there.context,
                crds=crds(settings.hetzner.addons),
                opts=pulumi.ResourceOptions(parent=self, provider=foundation, depends_on=[addons]),
            )
        ]


def front_door(settings: EnvironmentSettings) -> Gateway:
    """The front door as the load balancer at Hetzner reaches it, where there is one; what is null stays so."""
    gateway, hetzner = settings.gateway, settings.hetzner
    if hetzner is None or (gateway.http_node_port is None and gateway.https_node_port is None):
        return gateway
    balancer = hetzner.load_balancer
    return gateway.model_copy(
        update={
            "proxy_protocol_from": (hetzner.network.subnet,) if balancer.proxy_protocol else (),
            "http_node_port": None if gateway.http_node_port is None else balancer.http_node_port,
            "https_node_port": None if gateway.https_node_port is None else balancer.https_node_port,
        }
    )


def _made_here(settings: Kubernetes, made: HetznerCluster | None) -> Cluster:
    assert made is not None, "the settings have one cluster at least"
    return Cluster(kubeconfig=made.kubeconfig, identifier=settings.cluster_identifier)


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
