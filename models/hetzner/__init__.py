"""Settings of a cluster at Hetzner."""

from models.hetzner.network import Dns, LoadBalancer, Nat, Network
from models.hetzner.pool import Autoscale, Candidate, Pool, PoolSettings, PoolTemplate, Volume, longest_name, node_names
from models.hetzner.settings import Addons, Backup, Hetzner

__all__ = [
    "Addons",
    "Autoscale",
    "Backup",
    "Candidate",
    "Dns",
    "Hetzner",
    "LoadBalancer",
    "Nat",
    "Network",
    "Pool",
    "PoolSettings",
    "PoolTemplate",
    "Volume",
    "longest_name",
    "node_names",
]
