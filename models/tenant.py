"""Tenants: who is served, on which plan, in which state."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from models.base import DnsName, ImageTag, Model, explained
from models.names import Slug
from models.plan import Positive, Resources
from models.secrets import SecretRef

DANGEROUS_TOOLS = frozenset({"exec", "ssh", "deploy"})
"""FC-098: tools that a custom agent gets only after a security review."""


class Status(StrEnum):
    """The state of a tenant (FC-270)."""

    PROVISIONING = "provisioning"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    """Pods stay, the database is read-only, new dispatches are refused (FC-269)."""
    INACTIVE = "inactive"
    """No replicas; data is kept (FC-269)."""
    DELETED = "deleted"
    """Not served any more; data is kept until the final backup is recorded and the file is removed."""
    FAILED = "failed"


class Tools(Model):
    """Tools that an agent may and may not use."""

    allow: tuple[str, ...] = ()
    """Tools granted on top of the agent's own."""
    deny: tuple[str, ...] = ()
    """Tools taken away."""


class CustomAgent(Model):
    """An agent of the tenant's own, on the enterprise plan only (FC-094 to FC-098)."""

    id: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$"),
        explained("must start with a letter and hold only a-z, 0-9 and hyphen"),
    ]
    """Unique among the tenant's agents."""
    role: Annotated[str, StringConstraints(min_length=1)] | None = None
    """What the agent is for; every custom agent has one (FC-097)."""
    soul_path: Annotated[str, StringConstraints(min_length=1)] | None = None
    """File with the agent's instructions; every custom agent has one (FC-097)."""
    model: str | None = None
    """Model that the agent runs on; the product's own by default."""
    tools: Tools = Tools()
    """exec, ssh and deploy can't be granted: they require a security review (FC-098)."""

    def problem(self) -> str | None:
        """What breaks the enterprise rules, in the words of FC-097 and FC-098; None when nothing does."""
        if self.role is None or self.soul_path is None:
            return "Agent must have role and soulPath"
        if DANGEROUS_TOOLS.intersection(self.tools.allow):
            return "Dangerous tools require security review"
        return None


class Overrides(Model):
    """Single fields of the plan that a contract changes; what isn't given stays as the plan says."""

    monthly_price_cents: Annotated[int, Field(ge=0)] | None = None
    """Price by contract, in cents a month (FC-318)."""
    requests_per_minute: Positive | None = None
    """At the gateway; required where the plan has no limit of its own (FC-070)."""
    tasks_per_month: Positive | None = None
    """Tasks included in each calendar month."""
    tasks_per_hour: Positive | None = None
    """Tasks in any hour."""
    concurrent_tasks: Positive | None = None
    """Tasks at the same time."""
    max_replicas: Positive | None = None
    """Upper bound of the autoscaler (FC-306)."""
    requests: Resources | None = None
    """CPU and memory set aside for each pod's main container."""
    limits: Resources | None = None
    """CPU and memory that each pod's main container may use."""


class Agents(Model):
    """Agent configuration of an enterprise tenant (FC-094)."""

    disabled: tuple[str, ...] = ()
    """Ids of agents that are switched off."""
    models: dict[str, str] = {}
    """Model by agent id."""
    tools: dict[str, Tools] = {}
    """Granted and denied tools by agent id."""
    custom: tuple[CustomAgent, ...] = ()
    """Agents of the tenant's own."""


class Discord(Model):
    """The tenant's Discord server; its bot token is the secret ``discord_token`` (FC-304)."""

    guild_id: str | None = None
    """The server's id, in quotes."""
    channel_id: str | None = None
    """The id of the channel that gets a thread for each task (FC-106), in quotes."""


class Integrations(Model):
    """Services of other companies that the tenant uses."""

    discord: Discord = Discord()
    """Where tasks are talked about."""


class FinalBackup(Model):
    """Proof of the backup taken before a deleted tenant's file may be removed."""

    taken_at: datetime
    """When, with the time zone."""
    location: Annotated[str, StringConstraints(min_length=1)]
    """Where the backup lies: a path or an address."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$"), explained("must be 64 hexadecimal digits")]
    """Digest of the backup's file."""


class Tenant(Model):
    """One tenant, as its file in ``tenants/<environment>/`` says."""

    api_version: Literal["foundation/v1"] = "foundation/v1"
    product: str = "foundation-cloud"
    """The product that the tenant uses."""
    slug: Slug
    """Part of every name: it can't be changed later."""
    id: UUID
    """Identity of the tenant in data and claims; never reused, never changed."""
    display_name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    """The tenant's name as people write it."""
    plan: str
    """A plan of the product."""
    status: Status = Status.ACTIVE
    """What is wanted (FC-270): active, suspended, inactive or deleted; provisioning and failed tell of a birth."""
    region: str | None = None
    """Location of the data; None is the environment's own."""
    admin_email: Annotated[
        str,
        StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.?[^@\s]*$", max_length=255),
        explained("must be an e-mail address"),
    ]
    """Where notices to the tenant go."""
    domains: tuple[DnsName, ...] = ()
    """Custom domains beside {slug}.{domain} (FC-219)."""
    ip_allow_list: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks that the tenant's hosts may be reached from (FC-166, FC-218); empty: from everywhere."""
    image_tag: ImageTag | None = None
    """Tag or digest of the product's image for this tenant; None is the product's own."""
    overrides: Overrides = Overrides()
    """Single fields of the plan that a contract changes."""
    features: tuple[str, ...] = ()
    """Features on top of the plan's."""
    agents: Agents = Agents()
    """Changes to the product's agents, on plans with custom agents."""
    integrations: Integrations = Integrations()
    """Services of other companies."""
    secrets: dict[str, SecretRef] = {}
    """References by key of the tenant's Secret, such as anthropic_key (BYOK)."""
    final_backup: FinalBackup | None = None
    """Recorded by `foundation tenants remove`; only for deleted tenants."""
