"""Plans: what a tenant pays, gets and is held to."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from models.base import Model, Quantity

Positive = Annotated[int, Field(gt=0)]
Percent = Annotated[float, Field(gt=0, le=100)]


class Resources(Model):
    """Compute resources in Kubernetes quantities."""

    cpu: Quantity
    """Cores, such as 250m."""
    memory: Quantity
    """Bytes, such as 512Mi."""


class ContainerResources(Model):
    """Requests are what the scheduler sets aside, limits what the kernel enforces."""

    requests: Resources
    limits: Resources


class Price(Model):
    """What the plan costs. ``monthly_cents`` is None for a price by contract (FC-318)."""

    monthly_cents: Annotated[int, Field(ge=0)] | None
    currency: Literal["usd"] = "usd"


class Overage(Model):
    """The price of use above the included amount: ``cents`` for each started ``per`` units."""

    cents: Positive
    """Price of each started lot."""
    per: Positive
    """Units in a lot."""


class Limits(Model):
    """Hard limits and included amounts; None means unlimited, or by contract where the plan says so."""

    agents: Positive | None
    """Agents of the product that the tenant has."""
    workflows: Positive | None
    """Workflow templates that the tenant has."""
    tasks_per_month: Positive | None
    """Included each calendar month in UTC (FC-271)."""
    requests_per_minute: Positive | None
    """At the gateway. None: the tenant's file must give it (``overrides``), since it is by contract."""
    tasks_per_hour: Positive | None
    """In any hour (FC-303)."""
    concurrent_tasks: Positive
    """Pending or in progress at the same time (FC-123)."""


class Scaling(Model):
    """Bounds and targets of the HorizontalPodAutoscaler."""

    min_replicas: Positive = 1
    """Never fewer pods."""
    max_replicas: Positive = 1
    """Never more pods."""
    cpu_utilization: Annotated[int, Field(gt=0, le=100)] = 70
    """Target of average CPU utilisation in percent of the request (FC-142)."""
    active_tasks: Positive = 10
    """Target average of the pods' metric active_tasks (FC-142)."""


class Pool(StrEnum):
    """Where the tenant's pods run."""

    SHARED = "shared"
    """The shared node pool, tainted tier=shared:NoSchedule (FC-132, FC-133)."""
    DEDICATED = "dedicated"
    """Nodes of the tenant's own, tainted tenant={slug}:NoSchedule (FC-135)."""


class KeyModel(StrEnum):
    """Who pays the model provider (FC-089 to FC-091)."""

    POOLED = "pooled"
    CHOICE = "choice"
    OWN = "own"


class PostgresIsolation(StrEnum):
    """How a tenant's rows are kept apart."""

    ROW = "row"
    SCHEMA = "schema"
    DATABASE = "database"
    INSTANCE = "instance"


class Isolation(Model):
    """Isolation level by store."""

    postgresql: PostgresIsolation = PostgresIsolation.SCHEMA


class Retention(Model):
    """How long things are kept."""

    logs_days: Positive
    """Days that logs are kept (FC-161)."""
    backups_daily: Positive
    """Daily backups that are kept (FC-150)."""
    backups_monthly: Positive
    """Monthly backups that are kept (FC-150)."""


class Plan(Model):
    """One plan of a product."""

    name: str = ""
    """Its key among the product's plans: not written again in YAML."""
    display_name: str
    """The plan's name as people read it."""
    price: Price
    """What it costs a month."""
    overage: Overage | None = None
    """What tasks above the included ones cost; None where there is no such price."""
    limits: Limits
    """Limits and included amounts."""
    resources: ContainerResources
    """Of the product's main container."""
    scaling: Scaling = Scaling()
    """Bounds of the autoscaler."""
    pool: Pool = Pool.SHARED
    """Nodes that the pods run on."""
    isolation: Isolation = Isolation()
    """How data is kept apart."""
    retention: Retention
    """How long logs and backups are kept."""
    availability_percent: Percent
    """The SLO (FC-014)."""
    key_model: KeyModel = KeyModel.POOLED
    """Whose key pays the model provider: the platform's, the tenant's own, or either."""
    custom_agents: bool = False
    """Whether a tenant may change the agents and bring its own (FC-096)."""
    features: tuple[str, ...] = ()
    """Features switched on by the plan, such as custom-domains or ip-allow-list."""
