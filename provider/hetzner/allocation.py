"""Addresses by name, pure: who has one keeps it, whoever else comes or goes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network


class NoAddressLeft(ValueError):
    """The network has fewer addresses than there are names."""


@dataclass(frozen=True)
class Allotment:
    """``addresses`` by name; ``released`` are those of names that left, the one that left first first."""

    addresses: Mapping[str, str] = field(default_factory=dict)
    released: tuple[tuple[str, str], ...] = ()


def allot(cidr: str, names: Collection[str], before: Allotment) -> Allotment:
    """An address of the network ``cidr`` for each name.

    Names that hold one keep it. A name that comes back gets the one it had: an update that was to remove a server may
    have failed to, and the server has its address still. Others get the lowest that nobody ever had, and when these
    run out the one that was released longest ago, but none that is released now: it is attached while the update
    runs. Raises :class:`NoAddressLeft`.
    """
    network = IPv4Network(cidr)
    kept = {name: address for name, address in before.addresses.items() if name in names}
    leaving = [(name, address) for name, address in sorted(before.addresses.items()) if name not in names]
    remembered = dict(before.released)
    for name in sorted(set(names) - kept.keys()):
        if name in remembered and IPv4Address(remembered[name]) in network:
            kept[name] = remembered.pop(name)
    known = {*kept.values(), *remembered.values(), *(address for _, address in leaving)}
    # Without the network's own address and its last one: the vendor gives neither away.
    fresh = (str(address) for address in network.hosts() if str(address) not in known)
    for name in sorted(set(names) - kept.keys()):
        kept[name] = next(fresh, None) or _oldest(network, remembered, name)
    return Allotment(dict(sorted(kept.items())), (*remembered.items(), *leaving))


def outside(cidr: str, held: Mapping[str, str]) -> dict[str, str]:
    """Those of ``held`` whose address doesn't lie in ``cidr``."""
    network = IPv4Network(cidr)
    return {name: address for name, address in held.items() if IPv4Address(address) not in network}


def _oldest(network: IPv4Network, remembered: dict[str, str], name: str) -> str:
    for former, address in remembered.items():
        if IPv4Address(address) in network:
            return remembered.pop(former)
    raise NoAddressLeft(f"{network} has no address left for {name}")
