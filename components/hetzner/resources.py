"""Resources of our own provider plugin (``provider/``) that concern Hetzner, as Pulumi classes."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from models.hetzner import Candidate


class AddressPlan(pulumi.CustomResource):
    """A private address for each name. Who has one keeps it, whoever else is added or removed; outputs are known in
    previews. An address that is given up can be allotted again from the next update on.

    Args:
        cidr: the network to allot from, such as 10.0.0.128/25. It may grow; leaving out who is there is refused.
        names: all names, in any order.
    """

    addresses: pulumi.Output[dict[str, str]]
    """The addresses by name."""

    def __init__(
        self, name: str, *, cidr: str, names: Sequence[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(
            "foundation:hetzner:AddressPlan", name, {"cidr": cidr, "names": list(names), "addresses": None}, opts
        )

    def of(self, name: str) -> pulumi.Output[str]:
        """The address of ``name``."""
        return self.addresses.apply(lambda addresses: addresses[name])


class FoundingServer(pulumi.CustomResource):
    """Remembers which server a cluster began with, for as long as the cluster is in the state.

    Args:
        server: who begins it, when this is made; later values change nothing.
    """

    founder: pulumi.Output[str]
    """Name of the server that may begin the cluster; known in previews."""

    def __init__(self, name: str, *, server: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:hetzner:FoundingServer", name, {"server": server, "founder": None}, opts)


class ServerTypeChoice(pulumi.CustomResource):
    """Which server type in which location a server is ordered as: the first candidate that can be had when it is
    made. The choice stays for as long as the server lives. Where the order came to nothing, the next update takes the
    candidate behind it.

    Args:
        server: the server's name.
        candidates: server types and locations in order of preference.
        memory: GB that the server should have; less is warned of. None for no warning.
        token: API token of the project; None for HCLOUD_TOKEN's.
        endpoint: the API's address; None for HCLOUD_ENDPOINT's, or the vendor's.
    """

    server_type: pulumi.Output[str]
    """Such as cpx22."""
    location: pulumi.Output[str]
    """Such as fsn1."""

    def __init__(
        self,
        name: str,
        *,
        server: str,
        candidates: Sequence[Candidate],
        memory: int | None = None,
        token: pulumi.Input[str] | None = None,
        endpoint: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "foundation:hetzner:ServerTypeChoice",
            name,
            {
                "server": server,
                "candidates": [
                    {"serverType": candidate.server_type, "location": candidate.location} for candidate in candidates
                ],
                "memory": memory,
                "token": None if token is None else pulumi.Output.secret(token),
                "endpoint": endpoint,
                "server_type": None,
                "location": None,
            },
            opts,
        )

    def translate_input_property(self, prop: str) -> str:
        return {"server_type": "serverType"}.get(prop, prop)

    def translate_output_property(self, prop: str) -> str:
        return {"serverType": "server_type"}.get(prop, prop)
