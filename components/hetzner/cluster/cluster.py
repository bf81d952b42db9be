"""The cluster: everything at Hetzner that it stands on, and its API once it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pulumi

from components.hetzner import budget, limits
from components.hetzner.addresses import address_plan
from components.hetzner.api import HetznerApi, hcloud_provider
from components.hetzner.cluster import autoscaler, versions
from components.hetzner.cluster import kubeconfig as kubeconfigs
from components.hetzner.cluster.identity import ClusterIdentity
from components.hetzner.cluster.resources import ApiReady
from components.hetzner.cluster.snapshots import snapshot_store
from components.hetzner.cluster.user_data import API_PORT, UserData
from components.hetzner.dns_zone import DnsZone, DnsZoneArgs
from components.hetzner.firewall import ClusterFirewall, ClusterFirewallArgs
from components.hetzner.links import links
from components.hetzner.load_balancer import LoadBalancer, LoadBalancerArgs
from components.hetzner.nat_gateway import NatGateway, NatGatewayArgs
from components.hetzner.node_pool import NodePool, NodePoolArgs
from components.hetzner.private_network import PrivateNetwork, PrivateNetworkArgs
from components.hetzner.ssh_keys import SshKeys, SshKeysArgs
from models.hetzner import Hetzner, names, node_names


@dataclass(frozen=True, kw_only=True)
class HetznerClusterArgs:
    """What the cluster is and how it is reached."""

    settings: Hetzner
    """The environment's settings under ``hetzner``."""
    domain: str
    """The environment's: tenants are served at {slug}.{domain} (FC-052)."""
    enterprise: Sequence[str] = ()
    """Slugs of the tenants that have nodes of their own (FC-135)."""
    api: HetznerApi
    """The API of the cluster's project."""
    secret: Callable[[str], pulumi.Output[str]]
    """The value of a secret by its key, for what the settings name by ``config: KEY``."""
    kubeconfig: pulumi.Input[str] | None = None
    """Path or content of a kubeconfig for a cluster whose API is somewhere else than on its servers: on one machine
    the emulated servers join the sandbox's Kubernetes. None: made of what the graph knows."""
    context: str | None = None
    """Context of ``kubeconfig``; None for its current one."""
    protect: bool = True
    """Refuse to delete network, load balancer, zone, and the servers of protected pools."""
    timeout_seconds: int = 900
    """How long to wait for the API, and for each pool's nodes."""


class HetznerCluster(pulumi.ComponentResource):
    """A k3s cluster: network, firewalls, load balancer, names, and servers that make themselves nodes.

    Authorities, join passwords and the administrator's certificate are made in the graph, so the kubeconfig is known
    without asking a server. No server is special for ever: the first one begins the cluster when no other answers,
    every other joins through any of them.

    Adding or removing a pool, a tenant's too, touches no other pool. Give it the provider for random values in
    ``opts.providers``; it makes its own for Hetzner.

    Raises ``LimitExceeded`` for more than Hetzner gives, ``ValueError`` for what can't work together.
    """

    kubeconfig: pulumi.Output[str]
    """Of the administrator (a secret). Known when the API answers and the control plane's nodes are Ready."""
    ready: ApiReady
    """What ``kubeconfig`` waits for."""
    pools_ready: dict[str, ApiReady]
    """Waits for the nodes of each other pool."""
    node_names: dict[str, tuple[str, ...]]
    """Names of the nodes that an update makes, by pool."""
    ingress_ipv4: pulumi.Output[list[str]]
    """Where visitors come in."""
    api_server: pulumi.Output[str]
    """URL of the Kubernetes API."""
    nameservers: pulumi.Output[list[str]] | None
    """Of a DNS zone that is made here, for the registrar."""
    scaled_user_data: pulumi.Output[dict[str, str]]
    """User data of the servers that the cluster autoscaler makes, by pool (a secret)."""

    def __init__(self, name: str, args: HetznerClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:hetzner:HetznerCluster", name, {}, opts)
        self._name, self._args = name, args
        settings = args.settings
        self._pools = {
            pool: found if args.protect else found.model_copy(update={"protect": False})
            for pool, found in settings.all_pools(args.enterprise).items()
        }
        self._check()
        self._links = links(settings, self._pools)
        self._provider = hcloud_provider(f"{name}-hcloud", args.api, self._servers, self._options())
        self._here = self._options(providers=[self._provider])

        self._plan = address_plan(f"{name}-addresses", settings, self._pools, self._here)
        self._keys = SshKeys(f"{name}-ssh", SshKeysArgs(cluster=settings.cluster, keys=settings.ssh_keys), self._here)
        self._firewall = ClusterFirewall(
            name,
            ClusterFirewallArgs(
                cluster=settings.cluster,
                admin_cidrs=settings.admin_cidrs,
                ssh=bool(settings.ssh_keys),
            ),
            self._here,
        )
        gateway = names.nat_gateway(settings.cluster, settings.nat.generation) if settings.nat is not None else None
        self._network = PrivateNetwork(
            name,
            PrivateNetworkArgs(
                cluster=settings.cluster,
                network=settings.network,
                nat_address=None if gateway is None else self._plan.of(gateway),
                protect=args.protect,
            ),
            self._here,
        )
        self._nat = self._nat_gateway()
        self._identity = ClusterIdentity(
            f"{name}-identity",
            settings.cluster,
            # In a roll that is the retiring one, which others join.
            node_names(settings.cluster, names.CONTROL_PLANE, settings.control_plane)[0],
            self._here,
        )
        self._user_data = UserData(
            settings=settings,
            identity=self._identity,
            links=self._links,
            addresses=self._plan.addresses,
            api_names=[] if settings.dns is None else [names.api_host(args.domain)],
            snapshots=snapshot_store(f"{name}-snapshots", settings, args.secret, self._options(protect=args.protect)),
            versions=versions.load(),
        )
        control_plane = self._pool(names.CONTROL_PLANE, primary_ips=True)
        others = {pool: self._pool(pool) for pool in self._pools if pool != names.CONTROL_PLANE}
        balancer = self._load_balancer()
        self.ingress_ipv4 = pulumi.Output.all(balancer.ipv4)
        zone = self._dns(control_plane, balancer)
        self.nameservers = None if zone is None else zone.nameservers
        first = self._current(names.CONTROL_PLANE)[0]
        host: pulumi.Input[str] = control_plane.public_addresses[first] if zone is None else zone.api_host
        self.api_server = pulumi.Output.concat("https://", host, f":{API_PORT}")
        self._wait(control_plane, others, zone)
        self.node_names = {pool: node_names(settings.cluster, pool, found) for pool, found in self._pools.items()}
        self.scaled_user_data = self._scaled_user_data()
        self.register_outputs(
            {
                "kubeconfig": self.kubeconfig,
                "api_server": self.api_server,
                "ingress_ipv4": self.ingress_ipv4,
                "node_names": {pool: list(found) for pool, found in self.node_names.items()},
            }
        )

    def _current(self, pool: str) -> list[str]:
        """The pool's nodes without those that are about to go in a roll."""
        cluster, found = self._args.settings.cluster, self._pools[pool]
        return [names.server(cluster, pool, slot, found.generation_of(slot)) for slot in found.slots]

    @property
    def _servers(self) -> int:
        return sum(pool.count for pool in self._pools.values())

    def _options(self, **more: object) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(pulumi.ResourceOptions(parent=self), pulumi.ResourceOptions(**more))  # type: ignore[arg-type]

    def _check(self) -> None:
        limits.check_cluster(self._args.settings, self._pools)
        requests = budget.estimate(self._pools, with_primary_ips=frozenset({names.CONTROL_PLANE}))
        verdict, why = budget.judge(requests)
        if verdict == "refuse":
            raise limits.LimitExceeded(why)
        if verdict == "warn":
            pulumi.log.warn(why, self)

    def _nat_gateway(self) -> NatGateway | None:
        settings = self._args.settings
        if settings.nat is None:
            return None
        gateway = names.nat_gateway(settings.cluster, settings.nat.generation)
        return NatGateway(
            f"{self._name}-nat",
            NatGatewayArgs(
                cluster=settings.cluster,
                nat=settings.nat,
                api=self._args.api,
                image=settings.image,
                ip_range=settings.network.ip_range,
                subnet_id=self._network.subnet_id,
                address=self._plan.of(gateway),
                firewall_ids=[self._firewall.nodes],
                ssh_keys=self._keys.ids,
            ),
            self._here,
        )

    def _pool(self, pool: str, *, primary_ips: bool = False) -> NodePool:
        settings, found = self._args.settings, self._pools[pool]
        subnet_id = self._network.subnet_id
        if found.egress == "nat" and self._nat is not None:
            # Its nodes come after the gateway: without it they could fetch nothing.
            subnet_id = pulumi.Output.all(subnet_id, self._nat.server).apply(lambda parts: str(parts[0]))
        return NodePool(
            f"{self._name}-{pool}",
            NodePoolArgs(
                cluster=settings.cluster,
                pool=pool,
                settings=found,
                api=self._args.api,
                image=settings.image,
                subnet_id=subnet_id,
                addresses=self._plan.addresses,
                firewall_ids=self._firewall.of(pool),
                ssh_keys=self._keys.ids,
                user_data=(
                    self._user_data.of_server
                    if pool == names.CONTROL_PLANE
                    else lambda node: self._user_data.of_agent(pool, found, node)
                ),
                primary_ips=primary_ips,
            ),
            self._here,
        )

    def _load_balancer(self) -> LoadBalancer:
        settings = self._args.settings
        return LoadBalancer(
            f"{self._name}-ingress",
            LoadBalancerArgs(
                cluster=settings.cluster,
                settings=settings.load_balancer,
                subnet_id=self._network.subnet_id,
                address=self._plan.of(names.load_balancer(settings.cluster)),
                protect=self._args.protect,
            ),
            self._here,
        )

    def _dns(self, control_plane: NodePool, balancer: LoadBalancer) -> DnsZone | None:
        settings, args = self._args.settings, self._args
        if settings.dns is None:
            return None
        provider = self._provider
        if settings.dns.token is not None:
            assert settings.dns.token.config is not None, "a token is issued, not generated"
            api = HetznerApi(token=args.secret(settings.dns.token.config), endpoint=args.api.endpoint)
            provider = hcloud_provider(f"{self._name}-dns", api, 0, self._options())
        return DnsZone(
            f"{self._name}-dns",
            DnsZoneArgs(
                cluster=settings.cluster,
                dns=settings.dns,
                domain=args.domain,
                ingress_ipv4=[balancer.ipv4],
                ingress_ipv6=[balancer.ipv6],
                api_ipv4=[control_plane.public_addresses[server] for server in self._current(names.CONTROL_PLANE)],
                protect=args.protect,
            ),
            self._options(providers=[provider]),
        )

    def _wait(self, control_plane: NodePool, others: Mapping[str, NodePool], zone: DnsZone | None) -> None:
        args = self._args
        made = pulumi.Output.all(
            cluster=args.settings.cluster,
            server=self.api_server,
            authority_pem=self._identity.authority_pem,
            certificate_pem=self._identity.administrator.certificate_pem,
            private_key_pem=self._identity.administrator.private_key_pem,
        ).apply(lambda parts: kubeconfigs.kubeconfig(**parts))
        reached = pulumi.Output.secret(made if args.kubeconfig is None else args.kubeconfig)

        def wait(pool: NodePool, name: str, *more: pulumi.Resource) -> ApiReady:
            return ApiReady(
                f"{self._name}-{name}-ready",
                kubeconfig=reached,
                nodes=self._current(name) if args.api.nodes_join else [],
                context=args.context,
                timeout_seconds=args.timeout_seconds,
                opts=self._options(depends_on=[pool, *more]),
            )

        self.ready = wait(control_plane, names.CONTROL_PLANE, *([] if zone is None else [zone]))
        # Each on its own: the nodes of one tenant that don't come hold up nobody else.
        self.pools_ready = {pool: wait(found, pool, self.ready) for pool, found in others.items() if found.servers}
        # Whoever uses it waits for the API with it.
        self.kubeconfig = pulumi.Output.all(reached, self.ready.id).apply(lambda parts: str(parts[0]))

    def _scaled_user_data(self) -> pulumi.Output[dict[str, str]]:
        texts = {
            name: self._user_data.of_agent(name, pool).apply(partial(limits.check_user_data, name))
            for name, pool in autoscaler.growing(self._pools).items()
        }
        return pulumi.Output.all(**texts).apply(lambda known: {name: str(text) for name, text in known.items()})
