"""``foundation:gateway:DomainProof``: a domain's owner has said, in DNS, that a tenant may be served there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import dns.exception
import dns.resolver

from provider.plugin import (
    UNKNOWN,
    CheckFailure,
    CheckResult,
    Context,
    Diff,
    Kind,
    PluginError,
    Properties,
    ResourceType,
    State,
)

PREFIX: Final = "_foundation"
"""Below it the record lies: a name of its own, so that a domain that is a CNAME can have it (RFC 8552)."""
KEY: Final = "foundation-tenant"
LOOKUP_SECONDS: Final = 10.0


def record(domain: str, tenant_id: str) -> tuple[str, str]:
    """Name and text of the TXT record that proves the domain.

    The text is no secret: what counts is that only the domain's owner can set it, and that it names one tenant alone.
    """
    return f"{PREFIX}.{domain}", f"{KEY}={tenant_id}"


def texts(name: str, nameserver: str | None = None) -> list[str]:
    """The TXT records at a name, as the resolver says; none where there is none. Raises ``PluginError``.

    ``nameserver``: ``host:port`` of the resolver to ask in place of the machine's own.
    """
    resolver = dns.resolver.Resolver(configure=nameserver is None)
    if nameserver is not None:
        host, _, port = nameserver.rpartition(":")
        resolver.nameservers, resolver.port = [host], int(port)
    try:
        answer = resolver.resolve(name, "TXT", lifetime=LOOKUP_SECONDS)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except dns.exception.DNSException as error:
        raise PluginError(f"asking DNS for {name} failed: {error}; run the update again") from None
    return [b"".join(entry.strings).decode(errors="replace") for entry in answer]


class DomainProof(ResourceType[Any]):
    """Looks once, when it is made. What was proven stays so until the domain or the tenant is another: a resolver's bad
    hour takes no customer off the air."""

    def check(self, context: Context[Any], old: Properties | None, new: Properties, seed: bytes) -> CheckResult:
        given = {key: value for key, value in new.items() if value is not None}
        failures = [
            CheckFailure(name, "must be given")
            for name in ("domain", "tenantId")
            if given.get(name) is not UNKNOWN and not given.get(name)
        ]
        return CheckResult(given, failures)

    def diff(self, context: Context[Any], old: State, new: Properties, ignore: Sequence[str]) -> Diff:
        watched = ("domain", "tenantId")
        return Diff({name: Kind.UPDATE_REPLACE for name in watched if old.inputs.get(name) != new.get(name)})

    def create(self, context: Context[Any], inputs: Properties) -> State:
        name, text = record(inputs["domain"], inputs["tenantId"])
        found = texts(name, inputs.get("nameserver"))
        if text not in found:
            has = f"it has {', '.join(map(repr, found))}" if found else "there is none"
            raise PluginError(
                f"{inputs['domain']} isn't proven to be the tenant's: its owner sets the TXT record {name} to "
                f"{text!r} ({has}), then run the update again"
            )
        return State(inputs["domain"], inputs, inputs)

    def update(self, context: Context[Any], old: State, new: Properties) -> Properties:
        return new

    def read(self, context: Context[Any], state: State) -> State | None:
        return state

    def delete(self, context: Context[Any], state: State) -> None:
        """Nothing was made."""
