"""Node pools: what their servers are, how many, and what Kubernetes is told of them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from models.base import Model, explained
from models.hetzner import names

ZONES = {
    "fsn1": "eu-central",
    "nbg1": "eu-central",
    "hel1": "eu-central",
    "ash": "us-east",
    "hil": "us-west",
    "sin": "ap-southeast",
}
"""Network zone of each location (vendor documentation)."""

SCARCE = ("cx", "cax")
"""Families that were sold out everywhere in 2026: a pool that has nothing else can't be relied on."""

# Vendor OpenAPI: volumes have 10 GB to 10 TB.
SMALLEST_VOLUME = 10
LARGEST_VOLUME = 10240
VOLUMES_PER_SERVER = 16
"""How many can be attached to one server (vendor's CSI driver)."""


def _may_be_set(key: str) -> str:
    domain = key.rpartition("/")[0]
    reserved = any(domain == name or domain.endswith(f".{name}") for name in ("kubernetes.io", "k8s.io"))
    own = any(domain == name or domain.endswith(f".{name}") for name in ("kubelet.kubernetes.io", "node.kubernetes.io"))
    if reserved and not own:
        raise ValueError("can't be set by a node itself: use a label without kubernetes.io or k8s.io in it")
    if domain == "hetzner.cloud" or domain.endswith(".hetzner.cloud"):
        raise ValueError("is reserved for the vendor: use a label without hetzner.cloud in it")
    return key


LabelKey = Annotated[
    str,
    StringConstraints(
        max_length=253, pattern=r"^([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$"
    ),
    AfterValidator(_may_be_set),
    explained("must be a Kubernetes label key, such as pool or example.com/zone"),
]
LabelValue = Annotated[
    str,
    StringConstraints(pattern=r"^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$"),
    explained("must be a Kubernetes label value: at most 63 letters, digits, '-', '_' and '.'"),
]
Taint = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]{0,252}(=[A-Za-z0-9_.-]{0,63})?:(NoSchedule|PreferNoSchedule|NoExecute)$"
    ),
    explained("must be a taint such as tier=shared:NoSchedule"),
]
"""``key=value:effect``, as k3s' ``node-taint`` takes it."""

PoolName = Annotated[
    str,
    StringConstraints(max_length=30, pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$"),
    explained("must be at most 30 of a-z, 0-9 and hyphen, start with a letter and not end with a hyphen"),
]
Generation = Annotated[int, Field(ge=1, le=names.LARGEST_GENERATION)]
Slot = Annotated[int, Field(ge=1, le=names.LARGEST_SLOT)]


class Candidate(Model):
    """A server type in a location."""

    server_type: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,4}[0-9]{2}$")]
    """Such as cpx22 or ccx13."""
    location: Literal["fsn1", "nbg1", "hel1", "ash", "hil", "sin"]
    """Where it is ordered."""

    @property
    def scarce(self) -> bool:
        """Whether its family can't be relied on."""
        return self.server_type.rstrip("0123456789") in SCARCE


def candidates(*server_types: str) -> tuple[Candidate, ...]:
    """The server types in order, each in both German locations (FC-287): another place before another type."""
    return tuple(
        Candidate(server_type=server_type, location=location)
        for server_type in server_types
        for location in ("fsn1", "nbg1")
    )


def _dependable(given: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    if all(candidate.scarce for candidate in given):
        raise ValueError(
            "has only CX and CAX types, which are sold out for months: add one that isn't, such as "
            "{server_type: cpx22, location: fsn1}, at least as the last one"
        )
    if len(set(given)) < len(given):
        raise ValueError("has the same type and location twice: leave one of them out")
    zones = sorted({ZONES[candidate.location] for candidate in given})
    if len(zones) > 1:
        raise ValueError(f"spans the network zones {', '.join(zones)}: a private network lies in one, so give one's")
    return given


Candidates = Annotated[tuple[Candidate, ...], Field(min_length=1), AfterValidator(_dependable)]
"""In order of preference. The first that can be had when the server is made is taken, and kept for its life."""


class Autoscale(Model):
    """Bounds of the cluster autoscaler, both for all nodes of the pool together."""

    min: Annotated[int, Field(ge=0, le=names.LARGEST_SLOT)]
    """Never fewer nodes; at least the pool's ``count``."""
    max: Annotated[int, Field(ge=1, le=names.LARGEST_SLOT)]
    """Never more nodes."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max < self.min:
            raise ValueError(f"max is {self.max}, below min {self.min}: give at least {self.min}")
        return self


class Volume(Model):
    """A network volume, in the location of its server."""

    size: Annotated[int, Field(ge=SMALLEST_VOLUME, le=LARGEST_VOLUME)]
    """In GB. It can grow, never shrink."""
    format: Literal["ext4", "xfs"] = "ext4"
    """File system."""


class PoolSettings(Model):
    """What each node pool has."""

    candidates: Candidates = candidates("cpx22", "cpx32", "ccx13")
    """Server types and locations in order of preference."""
    memory: Annotated[int, Field(gt=0)] | None = None
    """GB that a node should have: a candidate with less is taken with a warning (FC-285)."""
    egress: Literal["public", "nat"] = "public"
    """How nodes reach the Internet: by public addresses of their own, or through the NAT gateway. A change reaches
    a node with its next generation."""
    labels: dict[LabelKey, LabelValue] = {}
    """Labels of the nodes, beside those that follow from the pool."""
    taints: tuple[Taint, ...] = ()
    """Taints of the nodes, beside those that follow from the pool."""
    volumes: Annotated[dict[PoolName, Volume], Field(max_length=VOLUMES_PER_SERVER)] = {}
    """Volumes of each server by name; they outlive the generations of the server. Those that pods claim on the same
    node count towards the limit of 16 too."""
    protect: bool = False
    """Refuse to delete or replace the servers: by Pulumi and by the Hetzner API. Removal takes two steps: an update
    with this off, then the one that removes."""
    generation: Generation = 1
    """Raised by one to make every node anew: all that only takes effect on a new server, such as its image."""

    @model_validator(mode="after")
    def _volumes_stay(self) -> Self:
        places = sorted({candidate.location for candidate in self.candidates})
        if self.volumes and len(places) > 1:
            raise ValueError(
                f"has volumes, and candidates in {' and '.join(places)}: a volume can't leave its location, so give "
                "candidates of one"
            )
        return self


class Pool(PoolSettings):
    """Servers of one kind."""

    count: Annotated[int, Field(ge=0, le=names.LARGEST_SLOT)] = 1
    """Servers that an update makes, in slots 1 to ``count``."""
    autoscale: Autoscale | None = None
    """Further nodes that come and go with the load (FC-143); None for none."""
    generations: dict[Slot, Generation] = {}
    """Generation of single slots during a roll; other slots have ``generation``."""
    retiring: dict[Slot, Generation] = {}
    """Old servers of slots during a roll: each stands beside its slot's new one until its pods have moved, and is not
    protected any more. `foundation nodes roll` writes and removes them."""
    unprotected: tuple[Slot, ...] = ()
    """Slots of a protected pool whose servers may go: the first of the two steps that remove or roll one of them."""

    @model_validator(mode="after")
    def _slots(self) -> Self:
        fields = {"generations": self.generations, "retiring": self.retiring, "unprotected": self.unprotected}
        for field, slots in fields.items():
            outside = [slot for slot in slots if slot > self.count]
            if outside:
                raise ValueError(
                    f"{field} names slot {outside[0]}, but count is {self.count}: "
                    + (f"slots are 1 to {self.count}" if self.count else "there is no slot")
                )
        for slot, generation in self.retiring.items():
            if generation == self.generation_of(slot):
                raise ValueError(
                    f"retiring names generation {generation} of slot {slot}, which is its current one: raise that first"
                )
        if self.autoscale is not None and self.autoscale.min < self.count:
            raise ValueError(f"autoscale.min is {self.autoscale.min}, below count {self.count}: give {self.count}")
        return self

    def generation_of(self, slot: int) -> int:
        """The generation of the server in ``slot``."""
        return self.generations.get(slot, self.generation)

    def protected(self, slot: int) -> bool:
        """Whether the server in ``slot`` must stay."""
        return self.protect and slot not in self.unprotected

    @property
    def servers(self) -> tuple[tuple[int, int], ...]:
        """Slot and generation of every server that an update makes; a slot's retiring one comes first."""
        return tuple(
            (slot, generation)
            for slot in self.slots
            for generation in (self.retiring.get(slot), self.generation_of(slot))
            if generation is not None
        )

    @property
    def slots(self) -> range:
        """Numbers of the servers that an update makes."""
        return range(1, self.count + 1)

    @property
    def largest(self) -> int:
        """Nodes when the autoscaler has added all it may; those of a roll included."""
        return max(self.count, self.autoscale.max if self.autoscale else 0) + len(self.retiring)


class PoolTemplate(PoolSettings):
    """The pools of Enterprise tenants: one server for each of them (FC-135)."""

    generations: dict[str, Generation] = {}
    """Generation of single tenants' nodes, by slug; others have ``generation``."""
    retiring: dict[str, Generation] = {}
    """Old nodes of tenants during a roll, by slug."""

    def pool(self, slug: str) -> Pool:
        """The tenant's pool: label and taint ``tenant={slug}`` keep everything else away."""
        common = {name: getattr(self, name) for name in PoolSettings.model_fields}
        common["generation"] = self.generations.get(slug, self.generation)
        common["labels"] = {**self.labels, "pool": "enterprise", "tenant": slug}
        common["taints"] = (*self.taints, f"tenant={slug}:NoSchedule")
        retiring = {1: self.retiring[slug]} if slug in self.retiring else {}
        return Pool(**common, count=1, retiring=retiring)


def node_names(cluster: str, pool_name: str, pool: Pool) -> tuple[str, ...]:
    """Names of the pool's servers, by slot."""
    return tuple(names.server(cluster, pool_name, slot, generation) for slot, generation in pool.servers)


def longest_name(cluster: str, pool_name: str, pool: Pool) -> str:
    """The longest name that a server of the pool gets, its autoscaled ones included."""
    found = list(node_names(cluster, pool_name, pool)) or [names.server(cluster, pool_name, 1, pool.generation)]
    if pool.autoscale is not None:
        found.append(names.node_group(cluster, pool_name) + "x" * names.NAME_RANDOM)
    return max(found, key=len)
