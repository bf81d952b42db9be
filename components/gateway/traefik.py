"""The gateway: Traefik, its certificates, its counter of requests and the pages it answers with itself."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import yaml
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.autoscaling.v2 import HorizontalPodAutoscaler
from pulumi_kubernetes.core.v1 import ConfigMap, Service, ServiceAccount
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget
from pulumi_kubernetes.rbac.v1 import ClusterRole, ClusterRoleBinding

from components.gateway import manifests
from components.gateway.certificates import Certificates, CertificatesArgs
from components.gateway.configuration import Listeners, Scope, static_configuration
from components.gateway.front import FrontRoutes, FrontRoutesArgs
from components.gateway.redis import RedisAccess
from components.gateway.redis_server import RedisServer, RedisServerArgs
from components.identity import MANAGED_BY, Manifest
from models.environment import Gateway


@dataclass(frozen=True, kw_only=True)
class TraefikGatewayArgs:
    """Where the gateway runs, and for whom."""

    namespace: pulumi.Input[str]
    namespace_name: str
    """The same, known beforehand: names of the whole cluster are made of it."""
    settings: Gateway
    domain: str
    """Tenants are served at {slug}.{domain} (FC-052)."""
    pages_image: str
    domains: Sequence[str] = ()
    """Tenants' own domains (FC-219)."""
    dns_token: pulumi.Input[str] | None = None
    """For ``settings.acme``."""
    redis: RedisAccess | None = None
    """A Redis that is there already; None: the gateway brings its own."""


class TraefikGateway(pulumi.ComponentResource):
    """Traefik v3 on the infra nodes, behind the load balancer's NodePorts (FC-022, FC-137, FC-294)."""

    redis: RedisAccess
    """Where tenants' requests are counted."""

    def __init__(self, name: str, args: TraefikGatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(
            "foundation:gateway:TraefikGateway",
            name,
            {},
            # What it was called while it was the certificate alone.
            pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(aliases=[pulumi.Alias(type_="foundation:gateway:GatewayPlatform")])
            ),
        )
        child = pulumi.ResourceOptions(parent=self)
        self.redis = args.redis or self._own_redis(name, args)
        certificates = Certificates(
            name,
            CertificatesArgs(
                namespace=args.namespace,
                domain=args.domain,
                secret_name=args.settings.tls_secret,
                acme=args.settings.acme,
                dns_token=args.dns_token,
            ),
            child,
        )
        FrontRoutes(
            name,
            FrontRoutesArgs(
                namespace=args.namespace,
                domain=args.domain,
                domains=args.domains,
                entry_point=args.settings.entry_point,
                redis=self.redis,
                pages_image=args.pages_image,
            ),
            child,
        )
        self._traefik(name, args, pulumi.ResourceOptions(parent=self, depends_on=[certificates]))
        self.register_outputs({})

    def _own_redis(self, name: str, args: TraefikGatewayArgs) -> RedisAccess:
        server = RedisServer(
            name,
            RedisServerArgs(
                namespace=args.namespace, namespace_name=args.namespace_name, image=args.settings.redis.image
            ),
            pulumi.ResourceOptions(parent=self),
        )
        return server.access

    def _traefik(self, name: str, args: TraefikGatewayArgs, opts: pulumi.ResourceOptions) -> None:
        app, settings = manifests.APP, args.settings
        child = pulumi.ResourceOptions(parent=self)

        def metadata(of: str) -> Manifest:
            return {"name": of, "namespace": args.namespace, "labels": manifests.labels(app)}

        account = ServiceAccount(f"{name}-account", metadata=metadata(app), opts=child)
        # Of the whole cluster: its tenants' namespaces come and go.
        of_cluster: Manifest = {"name": f"{args.namespace_name}-{app}", "labels": MANAGED_BY}
        role = ClusterRole(f"{name}-role", metadata=of_cluster, rules=list(manifests.CLUSTER_RULES), opts=child)
        binding = ClusterRoleBinding(
            f"{name}-role-binding",
            metadata=of_cluster,
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": of_cluster["name"]},
            subjects=[{"kind": "ServiceAccount", "name": app, "namespace": args.namespace}],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role]),
        )
        text = yaml.safe_dump(
            static_configuration(Listeners(), scope=Scope(proxies=settings.proxy_protocol_from)), sort_keys=False
        )
        configuration = ConfigMap(
            f"{name}-configuration", metadata=metadata(app), data={"traefik.yaml": text}, opts=child
        )
        pod = manifests.pod(
            app,
            manifests.traefik_container(settings.image),
            [
                {"name": "configuration", "configMap": {"name": app}},
                {"name": "tmp", "emptyDir": {"sizeLimit": manifests.DISK}},
            ],
            service_account=app,
        )
        checksum = hashlib.sha256(text.encode()).hexdigest()
        deployment = Deployment(
            f"{name}-deployment",
            metadata=metadata(app),
            spec=manifests.deployment(app, pod, annotations={"checksum/configuration": checksum}, replicas=None),
            opts=pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(depends_on=[account, binding, configuration])
            ),
        )
        Service(
            f"{name}-service",
            metadata=metadata(app),
            spec=manifests.public_service(settings.http_node_port, settings.https_node_port),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[deployment]),
        )
        HorizontalPodAutoscaler(
            f"{name}-autoscaler",
            metadata=metadata(app),
            spec=manifests.autoscaler(app, settings.min_replicas, settings.max_replicas),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[deployment]),
        )
        PodDisruptionBudget(
            f"{name}-disruption-budget",
            metadata=metadata(app),
            spec=manifests.disruption_budget(app),
            opts=child,
        )
