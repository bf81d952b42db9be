"""What a Hetzner project holds of one cluster, and taking it away; another cluster's objects are never touched.

A cluster's objects carry the label ``cluster`` with its name. What controllers make carries labels of their own, which
name no cluster: such an object is the cluster's only where it hangs on something that is, its network or its servers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from hcloud import APIException, Client
from hcloud.actions import ActionException, BoundAction
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential

from automation.errors import FoundationError, Refused
from automation.running import Tell, silent

CLUSTER: Final = "cluster"
# hcloud-cloud-controller-manager: internal/hcops/load_balancer.go, cluster-autoscaler: cloudprovider/hetzner,
# csi-driver: docs/kubernetes/explanation/volume-labels.md.
SERVICE_UID: Final = "hcloud-ccm/service-uid"
NODE_GROUP: Final = "hcloud/node-group"
BY_CSI: Final = ("managed-by", "csi-driver")

FOUNDATION: Final = "foundation"
CLOUD_CONTROLLER: Final = "cloud controller manager"
AUTOSCALER: Final = "cluster autoscaler"
CSI_DRIVER: Final = "CSI driver"

# Pass when what is under way on the object, or hangs on it, has ended.
PASSING: Final = frozenset(
    {
        "conflict",
        "locked",
        "must_be_unassigned",
        "rate_limit_exceeded",
        "resource_already_detaching",
        "resource_in_use",
        "server_error",
        "timeout",
        "unavailable",
    }
)
# Seconds that an object may refuse to go: a detachment takes a few, a load balancer's targets up to a minute.
PATIENCE: Final = 180.0


@dataclass(frozen=True)
class Kind:
    """A kind of object, and the client's part for it."""

    name: str
    """As people say it."""
    type: str
    """Pulumi's type of it."""
    part: str
    """Attribute of the vendor's client."""
    made: bool = False
    """Whether controllers make such objects too."""

    def all(self, client: Client, **only: Any) -> list[Any]:
        """Those in the project."""
        found: list[Any] = getattr(client, self.part).get_all(**only)
        return found


LOAD_BALANCER = Kind("load balancer", "hcloud:index/loadBalancer:LoadBalancer", "load_balancers", made=True)
SERVER = Kind("server", "hcloud:index/server:Server", "servers", made=True)
VOLUME = Kind("volume", "hcloud:index/volume:Volume", "volumes", made=True)
NETWORK = Kind("network", "hcloud:index/network:Network", "networks")
KINDS: Final = (
    # In the order in which they can be deleted.
    LOAD_BALANCER,
    SERVER,
    VOLUME,
    Kind("primary IP", "hcloud:index/primaryIp:PrimaryIp", "primary_ips"),
    Kind("floating IP", "hcloud:index/floatingIp:FloatingIp", "floating_ips"),
    Kind("certificate", "hcloud:index/managedCertificate:ManagedCertificate", "certificates"),
    Kind("firewall", "hcloud:index/firewall:Firewall", "firewalls"),
    Kind("placement group", "hcloud:index/placementGroup:PlacementGroup", "placement_groups"),
    NETWORK,
    Kind("SSH key", "hcloud:index/sshKey:SshKey", "ssh_keys"),
    Kind("DNS zone", "hcloud:index/zone:Zone", "zones"),
)


@dataclass(frozen=True)
class CloudObject:
    """One object of the cluster."""

    kind: str
    id: int
    name: str
    maker: str
    """Who made it: foundation, or a controller in the cluster."""
    protected: bool
    """Hetzner refuses to delete it."""
    of: str = ""
    """What a controller made it for: a Service's UID, a node group, a PersistentVolume's name."""
    bound: Any = field(default=None, repr=False, compare=False, kw_only=True)
    """The vendor's client's object."""


def of_cluster(
    client: Client, cluster: str, *, networks: Collection[int] = (), groups: Collection[str] = ()
) -> list[CloudObject]:
    """Everything in the project that is of ``cluster``, in the order in which it can be deleted.

    ``networks`` are the ids of networks known to be the cluster's, whatever their labels; ``groups`` the names of its
    autoscaler's node groups, which tell whose a server is that hangs on no network any more.
    """
    labelled = {kind: kind.all(client, label_selector=f"{CLUSTER}={cluster}") for kind in KINDS if not kind.made}
    home = {network.id for network in labelled[NETWORK]} | set(networks)
    servers = [server for server in SERVER.all(client) if _is_server_of(server, cluster, home, groups)]
    ids = {server.id for server in servers}
    labelled[SERVER] = servers
    labelled[LOAD_BALANCER] = [
        balancer for balancer in LOAD_BALANCER.all(client) if _is_balancer_of(balancer, cluster, home, ids)
    ]
    labelled[VOLUME] = [volume for volume in VOLUME.all(client) if _is_volume_of(volume, cluster, ids)]
    return [_described(kind, bound) for kind in KINDS for bound in labelled[kind]]


def _owner(bound: Any, cluster: str) -> bool | None:
    """Whether the label says that it is the cluster's; None when there is no such label."""
    named = bound.labels.get(CLUSTER)
    return None if named is None else named == cluster


def _is_server_of(server: Any, cluster: str, home: set[int], groups: Collection[str]) -> bool:
    labelled = _owner(server, cluster)
    if labelled is not None:
        return labelled
    if NODE_GROUP not in server.labels:
        return False
    attached = {net.network.id for net in server.private_net}
    return bool(attached & home) if attached else server.labels[NODE_GROUP] in groups


def _is_balancer_of(balancer: Any, cluster: str, home: set[int], servers: set[int]) -> bool:
    labelled = _owner(balancer, cluster)
    if labelled is not None:
        return labelled
    if SERVICE_UID not in balancer.labels:
        return False
    targets = {target.server.id for target in balancer.targets if target.type == "server"}
    return bool(targets & servers) or any(net.network.id in home for net in balancer.private_net)


def _is_volume_of(volume: Any, cluster: str, servers: set[int]) -> bool:
    labelled = _owner(volume, cluster)
    if labelled is not None:
        return labelled
    return BY_CSI in volume.labels.items() and volume.server is not None and volume.server.id in servers


def _described(kind: Kind, bound: Any) -> CloudObject:
    labels = bound.labels
    maker, of = FOUNDATION, ""
    if SERVICE_UID in labels:
        maker, of = CLOUD_CONTROLLER, labels[SERVICE_UID]
    elif NODE_GROUP in labels:
        maker, of = AUTOSCALER, labels[NODE_GROUP]
    elif BY_CSI in labels.items():
        maker, of = CSI_DRIVER, labels.get("pv-name", "")
    protected = bool((getattr(bound, "protection", None) or {}).get("delete"))
    return CloudObject(kind.name, bound.id, bound.name or "", maker, protected, of, bound=bound)


def remove(
    objects: Sequence[CloudObject], tell: Tell = silent, *, unprotect: bool = False, patience: float = PATIENCE
) -> None:
    """Delete the objects one after the other, in the order in which that works.

    What is gone already is no error, so an interrupted removal is finished by the same call. Raises ``Refused``, with
    nothing deleted, when some are protected and ``unprotect`` isn't set; ``FoundationError`` for one that still
    refuses to go after ``patience`` seconds.
    """
    held = [item for item in objects if item.protected]
    if held and not unprotect:
        raise Refused(
            f"{len(held)} objects are protected from deletion at Hetzner",
            problems=[f"{item.kind} {item.name} ({item.id})" for item in held],
            next_step="make sure that nobody needs them, then run the same command with --unprotect",
        )
    order = [kind.name for kind in KINDS]
    for item in sorted(objects, key=lambda item: order.index(item.kind)):
        tell(f"removing {item.kind} {item.name}")
        _remove(item, patience)


def _remove(item: CloudObject, patience: float) -> None:
    try:
        for step in _before(item):
            _patiently(step, patience)
        _patiently(item.bound.delete, patience)
    except (APIException, ActionException) as error:
        if isinstance(error, APIException) and error.code == "not_found":
            return
        raise FoundationError(
            f"Hetzner doesn't delete {item.kind} {item.name} ({item.id})",
            problems=[str(error)],
            next_step="run the same command again",
        ) from error


def _before(item: CloudObject) -> Iterator[Callable[[], Any]]:
    """What has to happen before the object can be deleted."""
    if item.protected:
        yield partial(_unprotect, item.bound)
    # Seen when the objects were listed: a server that went meanwhile has let go of them.
    if item.kind in (VOLUME.name, "primary IP", "floating IP", "firewall"):
        item.bound.reload()
    if item.kind == VOLUME.name and item.bound.server is not None:
        yield item.bound.detach
    if item.kind in ("primary IP", "floating IP") and _assigned(item.bound):
        yield item.bound.unassign
    if item.kind == "firewall" and item.bound.applied_to:
        yield partial(item.bound.remove_from_resources, item.bound.applied_to)


def _assigned(bound: Any) -> bool:
    return getattr(bound, "assignee_id", None) is not None or getattr(bound, "server", None) is not None


def _unprotect(bound: Any) -> Any:
    """Both protections of a server must be equal."""
    both = {"rebuild": False} if "rebuild" in (bound.protection or {}) else {}
    return bound.change_protection(delete=False, **both)


def unprotect(objects: Iterable[CloudObject], tell: Tell = silent) -> None:
    """Lift Hetzner's protection from deletion, for the engine never does."""
    for item in objects:
        if item.protected:
            tell(f"lifting the protection of {item.kind} {item.name}")
            _patiently(partial(_unprotect, item.bound), PATIENCE)


def _patiently(step: Callable[[], Any], patience: float) -> None:
    """Do it, again while the object is busy, and wait for the actions that it begins."""
    for attempt in Retrying(
        retry=retry_if_exception(_passes),
        wait=wait_exponential(multiplier=0.2, max=5),
        stop=stop_after_delay(patience),
        reraise=True,
    ):
        with attempt:
            _finish(step())


def _passes(error: BaseException) -> bool:
    if isinstance(error, ActionException):
        failure: Any = error.action.error or {}
        return failure.get("code") in PASSING
    return isinstance(error, APIException) and error.code in PASSING


def _finish(result: Any) -> None:
    """Wait for the action, or the actions, that a request began."""
    for begun in result if isinstance(result, list) else [result]:
        action = getattr(begun, "action", begun)
        if isinstance(action, BoundAction):
            action.wait_until_finished()
