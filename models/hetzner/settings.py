"""A cluster at Hetzner, as an environment's settings describe it under ``hetzner``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Self

from pydantic import Field, StringConstraints, model_validator

from models.base import DnsName, Model, explained
from models.hetzner import names
from models.hetzner.network import AdminCidrs, Dns, LoadBalancer, Nat, Network, in_zone
from models.hetzner.pool import ZONES, Pool, PoolName, PoolTemplate, candidates, longest_name
from models.secrets import SecretRef

LONGEST_SLUG: Final = "x" * 32
"""A tenant's slug has 32 characters at most (FC-277)."""

# Sizes as the requirements state them (FC-132, FC-136, FC-137). The types named there are gone in Europe and never
# had these sizes (FC-285): defaults are the types of today that do.
ROLES: Final[Mapping[str, Mapping[str, Any]]] = {
    # FC-132, FC-133, FC-284, FC-288
    "shared": {
        "candidates": candidates("cpx62", "ccx43"),
        "memory": 32,
        "count": 3,
        "autoscale": {"min": 3, "max": 6},
        "labels": {"pool": "shared", "tier": "shared"},
        "taints": ("tier=shared:NoSchedule",),
    },
    # FC-136, FC-283
    "database": {
        "candidates": candidates("cpx42", "ccx33"),
        "memory": 16,
        "count": 2,
        "protect": True,
        "labels": {"pool": "database", "workload": "database"},
        "taints": ("workload=database:NoSchedule",),
    },
    # FC-137, FC-289
    "infra": {
        "candidates": candidates("cpx32", "ccx23"),
        "memory": 8,
        "count": 1,
        "labels": {"pool": "infra"},
    },
}
"""What the pools that the platform needs have where the settings don't say otherwise."""

# FC-286. k3s' own taint would not keep tenants away: this is Kubernetes' usual one.
CONTROL_PLANE_ROLE: Final[Mapping[str, Any]] = {
    "candidates": candidates("cpx22", "cpx32", "ccx13"),
    "memory": 4,
    "count": 3,
    "protect": True,
    "labels": {"pool": names.CONTROL_PLANE},
    "taints": ("node-role.kubernetes.io/control-plane:NoSchedule",),
}
# FC-135
ENTERPRISE_ROLE: Final[Mapping[str, Any]] = {"candidates": candidates("cpx62", "ccx43"), "memory": 32}


class Backup(Model):
    """Where etcd snapshots go: a bucket of an S3-compatible store, best of another provider or account."""

    endpoint: DnsName
    """Host of the S3 API, such as fsn1.your-objectstorage.com."""
    bucket: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    """Its bucket."""
    region: Annotated[str, StringConstraints(min_length=1)]
    """As the store has it."""
    folder: str = "etcd"
    """Prefix of the snapshots' names."""
    access_key: SecretRef
    """Key that may write to the bucket."""
    secret_key: SecretRef
    """Its secret."""
    encryption_key: SecretRef
    """Snapshots are encrypted with it. Keep a copy elsewhere: without it no snapshot can be restored."""
    schedule: Annotated[str, StringConstraints(pattern=r"^\S+( \S+){4}$")] = "0 */6 * * *"
    """When snapshots are taken, in cron's notation, UTC."""
    retention: Annotated[int, Field(ge=1, le=1000)] = 28
    """Snapshots that are kept: a week of four a day."""


class Addons(Model):
    """What the cluster installs into itself."""

    cloud_controller_manager: bool = True
    """Tells Kubernetes of servers: node addresses, zones, deleted nodes."""
    csi: bool = True
    """Volumes, with an encrypted storage class."""
    cluster_autoscaler: bool = True
    """Adds and removes nodes of pools with ``autoscale`` (FC-143)."""
    metrics_server: bool = True
    """CPU and memory use, for autoscalers of pods (FC-142)."""
    crds: bool = True
    """The kinds that the platform makes objects of: Traefik's routes and the Prometheus operator's monitors. Off where
    something else installs them."""
    cert_manager: bool = True
    """Certificates (FC-056)."""
    external_secrets: bool = True
    """Secrets from an outside store."""
    descheduler: bool = True
    """Moves pods off nodes that they wouldn't be placed on today."""


class Hetzner(Model):
    """A cluster in one Hetzner Cloud project."""

    cluster: Annotated[
        str,
        StringConstraints(max_length=20, pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$"),
        explained("must be at most 20 of a-z, 0-9 and hyphen, start with a letter and not end with a hyphen"),
    ]
    """Name of the cluster: every object's name begins with it and every object has it as label ``cluster``."""
    token: SecretRef | None = None
    """API token of the project, with read and write access."""
    credentials_file: str | None = None
    """Or: a JSON file ``{"endpoint": URL, "token": TOKEN}``; below ``.foundation/`` it follows FOUNDATION_DIR."""
    admin_cidrs: AdminCidrs
    """Networks that SSH and the Kubernetes API can be reached from. There is no default: nothing is open to all."""
    ssh_keys: dict[
        PoolName,
        Annotated[
            str,
            StringConstraints(pattern=r"^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|ssh-rsa|sk-\S+) \S+( .*)?$"),
            explained("must be a public key in OpenSSH's format, such as ssh-ed25519 AAAA... name"),
        ],
    ] = {}
    """Public keys by name. Without any, port 22 is shut: nothing here needs it."""
    image: Annotated[str, StringConstraints(pattern=r"^[a-z]+-[0-9.]+$")] = "ubuntu-24.04"
    """Stock image that servers start from, by name."""
    network: Network = Network()
    """Addresses."""
    dns: Dns | None = None
    """Records of the domain; None to keep them elsewhere."""
    load_balancer: LoadBalancer = LoadBalancer()
    """The way in."""
    nat: Nat | None = None
    """The way out of pools with ``egress: nat``."""
    control_plane: Pool = Pool(**CONTROL_PLANE_ROLE)
    """Servers of the Kubernetes API and etcd: 1 or 3 (FC-286)."""
    pools: dict[PoolName, Pool] = {name: Pool(**role) for name, role in ROLES.items()}
    """Pools by name. ``shared``, ``database`` and ``infra`` always exist: what isn't said of them is as required
    (FC-132 to FC-137)."""
    enterprise: PoolTemplate = PoolTemplate(**ENTERPRISE_ROLE)
    """Pools of Enterprise tenants (FC-135)."""
    backup: Backup | None = None
    """etcd snapshots; None for none outside of the servers."""
    addons: Addons = Addons()
    """What is installed."""
    budget: Annotated[int, Field(gt=0)] | None = None
    """EUR a month, net, that servers, load balancers and volumes may cost by the price file; an update past it is
    refused. Without it, or past it, so is one in whose course a server loses an old price and costs twice as much."""

    @model_validator(mode="before")
    @classmethod
    def _roles(cls, given: Any) -> Any:
        """Fills up what the settings don't say of the pools that the platform needs."""
        if not isinstance(given, Mapping):
            return given
        filled = {key: _as_python(value) for key, value in given.items()}
        if "load_balancer" in filled and filled["load_balancer"] is None:
            raise ValueError("load_balancer is null: visitors would have no way in; leave it out, or give its settings")
        if "control_plane" in filled:
            filled["control_plane"] = _filled(CONTROL_PLANE_ROLE, filled["control_plane"])
        if "enterprise" in filled:
            filled["enterprise"] = _filled(ENTERPRISE_ROLE, filled["enterprise"])
        pools = filled.get("pools")
        if isinstance(pools, Mapping):
            roles = {name: _filled(role, pools.get(name, {})) for name, role in ROLES.items()}
            others = {name: _filled({"labels": {"pool": name}}, pool) for name, pool in pools.items()}
            filled["pools"] = {**others, **roles}
        return filled

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if (self.token is None) == (self.credentials_file is None):
            raise ValueError("give either `token` (a secret configuration key) or `credentials_file` (a path)")
        self._check_pools()
        self._check_way_in()
        self._check_places()
        return self

    def _check_pools(self) -> None:
        if self.control_plane.count not in (1, 3):
            raise ValueError(
                f"control_plane.count is {self.control_plane.count}: give 1 or 3, since etcd needs a majority (FC-286)"
            )
        if self.control_plane.autoscale is not None:
            raise ValueError("control_plane.autoscale: the control plane has a fixed number of servers; leave it out")
        if self.control_plane.egress != "public":
            raise ValueError("control_plane.egress is nat: the API is reached by its servers' public addresses")
        for name in self.pools:
            if name in (names.CONTROL_PLANE, names.NAT) or name.startswith(names.ENTERPRISE_PREFIX):
                raise ValueError(
                    f"pools.{name}: {names.CONTROL_PLANE}, {names.NAT} and names that begin with "
                    f"{names.ENTERPRISE_PREFIX} have other meanings; give another name"
                )
        for name, pool in self.all_pools((LONGEST_SLUG,)).items():
            longest = longest_name(self.cluster, name, pool)
            if len(longest) > names.SERVER_NAME_LENGTH:
                raise ValueError(
                    f"cluster {self.cluster!r} and pool {name!r} make server names of {len(longest)} characters, such "
                    f"as {longest}: shorten them by {len(longest) - names.SERVER_NAME_LENGTH}"
                )
            if pool.egress == "nat" and self.nat is None:
                raise ValueError(f"pool {name} has egress nat, but there is no `nat`: give one, or egress public")

    def _check_way_in(self) -> None:
        if self.load_balancer.pool != "infra":
            raise ValueError(f"load_balancer.pool is {self.load_balancer.pool!r}: give infra, where the ingress runs")

    def _check_places(self) -> None:
        found = {f"pool {name}": pool.candidates for name, pool in self.all_pools((LONGEST_SLUG,)).items()}
        if self.nat is not None:
            found["nat"] = self.nat.candidates
        for what, given in found.items():
            outside = in_zone(self.network.zone, given)
            if outside is not None:
                raise ValueError(f"{what} has location {outside}, which isn't in network zone {self.network.zone}")
        location = self.load_balancer.location
        if ZONES[location] != self.network.zone:
            raise ValueError(f"load_balancer.location is {location}, which isn't in network zone {self.network.zone}")

    def all_pools(self, enterprise: Iterable[str] = ()) -> dict[str, Pool]:
        """Every pool by name: the control plane first, then the others, then those of the Enterprise tenants."""
        return {
            names.CONTROL_PLANE: self.control_plane,
            **self.pools,
            **{names.enterprise_pool(slug): self.enterprise.pool(slug) for slug in sorted(enterprise)},
        }


def _as_python(value: Any) -> Any:
    """Lists as tuples and slots as numbers: what went through a validator of ours is strictly validated as Python's
    data, not as the JSON that it was."""
    if isinstance(value, Mapping):
        return {int(key) if str(key).isdigit() else key: _as_python(item) for key, item in value.items()}
    return tuple(_as_python(item) for item in value) if isinstance(value, list) else value


def _filled(role: Mapping[str, Any], given: Any) -> Any:
    """``given`` over the role's defaults; labels and taints of the role stay."""
    if isinstance(given, Model):
        return given
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        return given
    filled = {**role, **given}
    if isinstance(given.get("labels"), Mapping):
        filled["labels"] = {**given["labels"], **role.get("labels", {})}
    if isinstance(given.get("taints"), list | tuple):
        filled["taints"] = tuple(dict.fromkeys((*role.get("taints", ()), *given["taints"])))
    # Fewer or more servers than usual move the autoscaler's usual bounds along.
    count, usual = given.get("count"), role.get("autoscale")
    if isinstance(count, int) and usual is not None and "autoscale" not in given:
        filled["autoscale"] = {"min": count, "max": max(count, usual["max"])}
    return filled
