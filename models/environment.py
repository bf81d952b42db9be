"""An environment's settings, as ``Pulumi.<environment>.yaml`` gives them under ``foundation:environment``."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from models.base import DnsName, Model
from models.hetzner import Hetzner
from models.plan import Positive
from models.secrets import SecretRef
from models.workload import Port

Labels = dict[str, str]


class Kubernetes(Model):
    """The cluster that tenants run in."""

    kubeconfig: str | None = None
    """Path of a kubeconfig file; below ``.foundation/`` it follows FOUNDATION_DIR."""
    kubeconfig_config: str | None = None
    """Or: the secret key of the stack's Pulumi configuration that holds a kubeconfig. Without either, the cluster is
    the one that the settings under ``hetzner`` describe."""
    context: str | None = None
    """Context of the kubeconfig; None is its current one."""
    cluster_identifier: Annotated[str, StringConstraints(min_length=1)]
    """Fixed identity of the cluster: a changed kubeconfig then never replaces what runs in it."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.kubeconfig is not None and self.kubeconfig_config is not None:
            raise ValueError("give either `kubeconfig` (a path) or `kubeconfig_config` (a secret configuration key)")
        return self

    @property
    def elsewhere(self) -> bool:
        """Whether the settings say how the cluster is reached; else it is the one that the update makes."""
        return self.kubeconfig is not None or self.kubeconfig_config is not None


class PodSelector(Model):
    """Pods of a platform service, by the namespace's name and the pods' labels."""

    namespace: str
    """The namespace's name."""
    labels: Labels
    """Labels that the pods have."""


class PostgreSQL(Model):
    """The database cluster, as seen by the machine that runs the update and by the tenants' pods."""

    service_file: str | None = None
    """A libpq connection service file; below ``.foundation/`` it follows FOUNDATION_DIR."""
    service: str | None = None
    """The service's name in ``service_file``."""
    host: str | None = None
    """Or: the server's host."""
    port: Port = 5432
    """The server's port."""
    username: str | None = None
    """A role that may create roles and databases."""
    password: SecretRef | None = None
    """The role's password."""
    sslmode: Annotated[str, StringConstraints(pattern=r"^(disable|require|verify-ca|verify-full)$")] = "verify-full"
    """As libpq has it. A service file's own comes first."""
    database: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")] = "foundation"
    """Holds the tenants' schemas (FC-274)."""
    auth_database: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")] = "auth_db"
    """The central auth database; tenant roles can't connect to it (FC-274)."""
    auth_extensions: tuple[str, ...] = ("uuid-ossp",)
    """Extensions of the auth database (FC-250); what the server doesn't have must be left out."""
    pooler_host: DnsName
    """DB_HOST of the tenants' pods (FC-281)."""
    pooler_port: Port = 5432
    """FC-172."""
    role_connections: Positive = 5
    """Connection limit of a tenant's role (FC-051, FC-280)."""

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        by_service = self.service_file is not None and self.service is not None
        by_host = self.host is not None and self.username is not None and self.password is not None
        if by_service == by_host:
            raise ValueError("give either `service_file` and `service`, or `host`, `username` and `password`")
        return self


class Platform(Model):
    """Where the platform's own services run, for the ways that NetworkPolicies allow (FC-171 to FC-173, FC-309)."""

    ingress: PodSelector = PodSelector(namespace="foundation", labels={"app": "traefik"})
    """Traefik: the only way in from outside (FC-171)."""
    prometheus: PodSelector = PodSelector(namespace="foundation", labels={"app.kubernetes.io/name": "prometheus"})
    """Scrapes the tenants' pods (FC-309)."""
    pooler: PodSelector = PodSelector(namespace="foundation", labels={"app": "pgbouncer"})
    """PgBouncer: the tenants' way to the database (FC-172, FC-309)."""
    dns: PodSelector = PodSelector(namespace="kube-system", labels={"k8s-app": "kube-dns"})
    """The cluster's DNS (FC-173)."""


class GatewayRedis(Model):
    """Where the gateway counts requests (FC-071)."""

    url_file: str | None = None
    """A file with the URL of a Redis that is there already; below ``.foundation/`` it follows FOUNDATION_DIR. None:
    the gateway brings its own."""
    image: str = "docker.io/valkey/valkey:8.1.4"
    """Valkey, which is Redis by protocol and commands, under a free licence."""


class Acme(Model):
    """How certificates are got: cert-manager proves by Hetzner DNS that a name is ours (FC-321)."""

    email: str
    """Where the authority writes when a certificate is about to expire."""
    dns_token: SecretRef
    """API token of the DNS zone's Hetzner project. It opens all of its project: keep DNS in one of its own."""
    server: str = "https://acme-v02.api.letsencrypt.org/directory"
    """The authority's directory (RFC 8555)."""
    namespace: str = "cert-manager"
    """Where cert-manager looks for the secrets of its ClusterIssuers (``--cluster-resource-namespace``)."""
    webhook_group: str = "acme.hetzner.com"
    """API group of the installed cert-manager-webhook-hetzner."""


class Gateway(Model):
    """The front door, in the platform's namespace (FC-054 to FC-056).

    With a cluster at Hetzner, NodePorts that aren't null and ``proxy_protocol_from`` are what ``hetzner.load_balancer``
    and ``hetzner.network`` say.
    """

    entry_point: str = "websecure"
    """Traefik's entry point (FC-054)."""
    tls_secret: str = "foundation-wildcard-tls"
    """Name of the Secret with the wildcard certificate (FC-056)."""
    auth_address: str | None = None
    """Address that Traefik's ForwardAuth asks (FC-297). None: the auth service of the platform's namespace."""
    image: str = "docker.io/library/traefik:v3.7.15"
    """Traefik; 3.7.15 is the first version whose ``aliasHeadersStrategy`` and ``safeNaming`` are relied on here."""
    min_replicas: Annotated[int, Field(ge=2)] = 2
    """Never fewer: one may always be restarting."""
    max_replicas: Annotated[int, Field(ge=2)] = 6
    """Upper bound of the autoscaler."""
    proxy_protocol_from: tuple[str, ...] = ("10.0.0.0/24",)
    """Addresses whose PROXY protocol header is believed: the load balancer's part of the private network."""
    http_node_port: Annotated[int, Field(ge=30000, le=32767)] | None = 30080
    """NodePort that the load balancer sends port 80 to."""
    https_node_port: Annotated[int, Field(ge=30000, le=32767)] | None = 30443
    """NodePort that the load balancer sends port 443 to. Both None: reached from inside the cluster alone."""
    redis: GatewayRedis = GatewayRedis()
    """Where requests are counted."""
    acme: Acme | None = None
    """How certificates are got. None: there is a ClusterIssuer called ``foundation`` already."""
    prove_domains: bool = True
    """Tenants' own domains are served only after a TXT record has shown that the tenant may use them (FC-322)."""
    pages_image: str | None = None
    """What answers for suspended and unknown tenants; None is ``{image_registry}/gateway-pages:v1.0``."""


class Auth(Model):
    """The auth service (FC-194, FC-297)."""

    image: str | None = None
    """None is ``{image_registry}/auth-service:v1.0``."""
    key_kind: Literal["live", "test"] = "live"
    """API keys begin with fc_live_ in production, with fc_test_ elsewhere (FC-300)."""
    database_host: str | None = None
    """The database server as the service's pods reach it, past any pooler, since it listens for changes. None: as the
    update itself does."""
    database_port: Port | None = None
    """The server's port there; None: as the update itself does."""


class EnvironmentSettings(Model):
    """Everything that differs between environments, apart from their tenants."""

    domain: DnsName
    """Tenants are served at {slug}.{domain} (FC-052)."""
    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,5}[0-9]?$")]
    """Home of the data: fsn1 or nbg1 in production (FC-287), ``local`` on one machine."""
    products: Annotated[tuple[str, ...], Field(min_length=1)]
    """Products that run here."""
    image_registry: str = "ghcr.io/foundation"
    """Where the products' images come from (FC-084, FC-290)."""
    platform_namespace: str = "foundation"
    """Namespace of the platform's own services (FC-290)."""
    kubernetes: Kubernetes
    """The cluster."""
    hetzner: Hetzner | None = None
    """Servers, network and cluster at Hetzner; None where the cluster comes from elsewhere."""
    postgresql: PostgreSQL
    """The database server."""
    platform: Platform = Platform()
    """The platform's own services, as NetworkPolicies name them."""
    gateway: Gateway = Gateway()
    """Names of the shared gateway's objects."""
    auth: Auth = Auth()
    """The auth service."""
    shared_secrets: dict[str, SecretRef] = {}
    """Secrets that tenants without their own share, such as shared_anthropic_key (FC-082)."""
    protect: bool = True
    """Refuse to delete or replace what holds data."""

    @model_validator(mode="after")
    def _one_cluster(self) -> Self:
        if self.hetzner is None and not self.kubernetes.elsewhere:
            raise ValueError(
                "there is no cluster: give `kubernetes.kubeconfig` (a path), `kubernetes.kubeconfig_config` (a secret "
                "configuration key) or `hetzner` (the cluster to make)"
            )
        return self
