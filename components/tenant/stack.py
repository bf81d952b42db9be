"""Everything of one tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from components.gateway.redis import RedisAccess
from components.gateway.route import TenantRoute, TenantRouteArgs
from components.identity import TenantIdentity
from components.monitoring.tenant import TenantMonitoring, TenantMonitoringArgs
from components.postgres.tenant import TenantDatabase, TenantDatabaseArgs
from components.tenant.config import TenantConfig, TenantConfigArgs
from components.tenant.namespace import TenantNamespace, TenantNamespaceArgs
from components.tenant.network import Ways
from components.tenant.network_policies import TenantNetwork, TenantNetworkArgs
from components.tenant.pod import DatabaseAddress
from components.tenant.secrets import TenantSecrets, TenantSecretsArgs
from components.tenant.status import STANDING
from components.tenant.workload import TenantWorkload, TenantWorkloadArgs
from models import names
from models.environment import Gateway, Platform
from models.plan import Plan
from models.tenant import Tenant
from models.workload import TenantRuntime, Workload


@dataclass(frozen=True, kw_only=True)
class TenantSurroundings:
    """What an environment's tenants have in common."""

    domain: str
    """Tenants are served at {slug}.{domain} (FC-052)."""
    platform: Platform
    gateway: Gateway
    redis: RedisAccess
    """Where the gateway counts tenants' requests (FC-071)."""
    pooler: DatabaseAddress
    """How pods reach the database (FC-281)."""
    database: pulumi.Input[str]
    """The database of the tenants' schemas."""
    database_owner: pulumi.Input[str]
    database_tenants: pulumi.Input[str]
    connection_limit: int = 5
    """Connections of a tenant's role (FC-051, FC-280)."""
    platform_namespace: str = "foundation"
    """Namespace of the platform's own services (FC-290)."""
    protect: bool = True
    """Refuse to delete or replace what holds data, until a tenant's status is ``deleted``."""


@dataclass(frozen=True, kw_only=True)
class TenantStackArgs:
    """A tenant, what it runs, and where."""

    tenant: Tenant
    plan: Plan
    """With the tenant's overrides."""
    runtime: TenantRuntime
    alternatives: Sequence[Sequence[Workload]] = ()
    """The workloads under the product's other plans: the quota leaves room to change to them."""
    surroundings: TenantSurroundings
    secrets: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Values of the tenant's Secret by key."""
    generated_secrets: Mapping[str, int] = field(default_factory=dict)
    """Keys whose values are made at random, and their lengths in characters."""


class TenantStack(pulumi.ComponentResource):
    """One tenant: namespace, database, secrets, configuration, workloads, route and monitoring.

    In the order of a tenant's birth: stores first, then what its pods read, then pods, then the way to them. Takes the
    providers ``kubernetes``, ``postgresql``, ``random`` and ``foundation``. Its status says what it gets (FC-269;
    ``components/tenant/status.py``); all of its names follow from its slug.
    """

    url: pulumi.Output[str]
    namespace: pulumi.Output[str]
    schema: pulumi.Output[str]

    def __init__(self, name: str, args: TenantStackArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:tenant:TenantStack", name, {}, opts)
        tenant, plan, runtime, around = args.tenant, args.plan, args.runtime, args.surroundings
        standing = STANDING[tenant.status]
        identity = TenantIdentity(slug=tenant.slug, id=str(tenant.id), tier=plan.name, product=tenant.product)
        holds_data = pulumi.ResourceOptions(parent=self, protect=around.protect and standing.kept)

        namespace = TenantNamespace(
            name,
            TenantNamespaceArgs(tenant=identity, workloads=runtime.workloads, alternatives=args.alternatives),
            holds_data,
        )
        # What is inside goes with the namespace: a tenant's end is one deletion and not thirty.
        inside = pulumi.ResourceOptions(parent=self, deleted_with=namespace.namespace)
        network = TenantNetwork(
            name,
            TenantNetworkArgs(
                tenant=identity,
                namespace=namespace.namespace_name,
                ways=Ways.of(runtime, around.platform, around.pooler.port),
            ),
            inside,
        )
        secrets = TenantSecrets(
            name,
            TenantSecretsArgs(
                tenant=identity,
                namespace=namespace.namespace_name,
                # Every tenant's Secret has the same keys; what a tenant doesn't have is empty (FC-081).
                values={key: args.secrets.get(key, "") for key in runtime.secret_keys}
                | {key: value for key, value in args.secrets.items() if key not in runtime.secret_keys},
                generated=args.generated_secrets,
            ),
            inside,
        )
        database = TenantDatabase(
            name,
            TenantDatabaseArgs(
                tenant=identity,
                database=around.database,
                owner=around.database_owner,
                tenants=around.database_tenants,
                password=secrets.database_password,
                migrations=[
                    {"version": migration.version, "name": migration.name, "sql": migration.sql}
                    for migration in runtime.migrations
                ],
                connection_limit=around.connection_limit,
                logs_in=standing.logs_in,
                writes=standing.writes,
                drop_with_data=not standing.kept and tenant.final_backup is not None,
            ),
            holds_data,
        )
        config = TenantConfig(
            name,
            TenantConfigArgs(
                tenant=identity,
                namespace=namespace.namespace_name,
                prefix=runtime.config.prefix,
                files=runtime.config.files,
            ),
            inside,
        )
        # Pods come when their quota, their fences, their files and their tables are there.
        after = pulumi.ResourceOptions(
            parent=self,
            deleted_with=namespace.namespace,
            depends_on=[namespace, network, secrets, database, config],
        )
        workloads = [
            TenantWorkload(
                f"{name}-{workload.name}",
                TenantWorkloadArgs(
                    tenant=identity,
                    namespace=namespace.namespace_name,
                    workload=workload,
                    pool=plan.pool,
                    database=around.pooler,
                    config_map=config.config_map_name,
                    service_account=namespace.service_account,
                    checksums={"config": config.checksum, "secret": secrets.checksum},
                    runs=standing.runs,
                ),
                after,
            )
            for workload in runtime.workloads
        ]
        host = names.host(tenant.slug, around.domain)
        if standing.served:
            TenantRoute(
                name,
                TenantRouteArgs(
                    tenant=identity,
                    namespace=namespace.namespace_name,
                    host=host,
                    domains=tenant.domains,
                    routes=runtime.routes,
                    workloads=runtime.workloads,
                    requests_per_minute=_requests_per_minute(plan),
                    gateway=around.gateway,
                    redis=around.redis,
                    allow_list=[str(network) for network in tenant.ip_allow_list],
                    suspended=not standing.writes,
                    platform_namespace=around.platform_namespace,
                ),
                pulumi.ResourceOptions(parent=self, deleted_with=namespace.namespace, depends_on=workloads),
            )
        TenantMonitoring(
            name,
            TenantMonitoringArgs(
                tenant=identity,
                namespace=namespace.namespace_name,
                workloads=runtime.workloads,
                # Nothing runs that could be wrong.
                alerts=runtime.alerts if standing.runs else (),
            ),
            inside,
        )
        self.url = pulumi.Output.from_input(f"https://{host}")
        self.namespace = namespace.namespace_name
        self.schema = database.schema
        self.register_outputs({"url": self.url, "namespace": self.namespace, "schema": self.schema})


def _requests_per_minute(plan: Plan) -> int:
    if plan.limits.requests_per_minute is None:
        raise ValueError(f"plan {plan.name!r} sets no requests_per_minute: the tenant's overrides must")
    return plan.limits.requests_per_minute
