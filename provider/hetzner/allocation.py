"""Addresses by name, pure: who has one keeps it, whoever else comes or goes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network


class NoAddressLeft(ValueError):
    """The network has fewer addresses than there are names."""


def allot(cidr: str, names: Collection[str], held: Mapping[str, str]) -> dict[str, str]:
    """An address of the network ``cidr`` for each name.

    Names that hold one keep it. New names get the lowest that nobody held before: what is given up now is still
    attached while the update runs, and is free from the next one on. Raises :class:`NoAddressLeft`.
    """
    kept = {name: held[name] for name in names if name in held}
    free = _free(IPv4Network(cidr), set(held.values()))
    for name in sorted(set(names) - kept.keys()):
        address = next(free, None)
        if address is None:
            raise NoAddressLeft(
                f"{cidr} has no address left for {name}: {len(held)} are held and {len(set(names) - held.keys())} "
                "more are asked for"
            )
        kept[name] = str(address)
    return dict(sorted(kept.items()))


def outside(cidr: str, held: Mapping[str, str]) -> dict[str, str]:
    """Those of ``held`` whose address doesn't lie in ``cidr``."""
    network = IPv4Network(cidr)
    return {name: address for name, address in held.items() if IPv4Address(address) not in network}


def _free(network: IPv4Network, taken: Collection[str]) -> Iterator[IPv4Address]:
    """Without the network's own address and its last one: the vendor gives neither away."""
    return (address for address in network.hosts() if str(address) not in taken)
