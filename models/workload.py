"""What a tenant of a product runs, in a product's words: containers, files, routes, metrics, alerts.

A product's module turns (tenant, plan) into a :class:`TenantRuntime`; components turn that into resources. Neither
knows the other's inside.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from models.base import Model
from models.plan import ContainerResources, Positive, Scaling

Port = Annotated[int, Field(ge=1, le=65535)]


class ContainerPort(Model):
    name: str
    port: Port


class Probe(Model):
    """An HTTP probe; delays and periods in seconds."""

    path: str
    port: Port
    initial_delay_seconds: Annotated[int, Field(ge=0)]
    period_seconds: Positive


class Container(Model):
    """One container of a pod. The library adds the security context and the database's variables."""

    name: str
    image: str
    """With a tag or a digest; never ``latest``."""
    ports: tuple[ContainerPort, ...]
    resources: ContainerResources
    environment: dict[str, str] = {}
    uses_secret: bool = False
    """The whole tenant Secret becomes environment variables (FC-086)."""
    uses_database: bool = False
    """DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_SCHEMA are set (FC-085, FC-252, FC-292)."""
    config_path: str | None = None
    """Where the tenant's ConfigMap is mounted, read-only."""
    liveness: Probe | None = None
    readiness: Probe | None = None


class Workload(Model):
    """A Deployment with its Service, autoscaler and disruption budget; named ``{name}-{slug}``."""

    name: str
    containers: Annotated[tuple[Container, ...], Field(min_length=1)]
    scaling: Scaling
    metrics_port: str | None = None
    """Name of the port that Prometheus scrapes; None: nothing is scraped."""
    metrics_path: str = "/metrics"


class ConfigFiles(Model):
    """A ConfigMap of the tenant, named ``{prefix}-{slug}``; text by file name."""

    prefix: str
    files: dict[str, str]


class Route(Model):
    """A rule on the tenant's host. The longest matching prefix wins."""

    path_prefixes: tuple[str, ...] = ()
    """Empty: the whole host."""
    workload: str
    port: str
    authenticated: bool = True
    pages: bool = False
    """Pages and their assets, which come by the dozen: they have a budget of their own, apart from the API's."""


class AlertRule(Model):
    """A Prometheus alerting rule; ``expr`` is PromQL in which every series is already the tenant's own."""

    # Written `for_` in Python; `for` is the name in Prometheus and in YAML.
    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    alert: str
    expr: str
    for_: Annotated[str, Field(alias="for", pattern=r"^[0-9]+[smhd]$")]
    severity: Literal["info", "warning", "critical"]
    summary: str


class Migration(Model):
    """One SQL migration of a tenant's schema."""

    version: Positive
    name: str
    sql: str


class TenantRuntime(Model):
    """Everything that a tenant of a product runs."""

    workloads: Annotated[tuple[Workload, ...], Field(min_length=1)]
    config: ConfigFiles
    secret_keys: tuple[str, ...]
    """Keys of the tenant's Secret beside db_password."""
    routes: tuple[Route, ...]
    alerts: tuple[AlertRule, ...] = ()
    migrations: tuple[Migration, ...] = ()
    egress_ports: tuple[Port, ...] = (443,)
    """TCP ports that pods may reach on public addresses (FC-174)."""
