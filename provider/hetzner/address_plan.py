"""``foundation:hetzner:AddressPlan``: private addresses by node name. Its whole work is arithmetic on the state."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

from provider.hetzner.allocation import Allotment, NoAddressLeft, allot, outside
from provider.plugin import (
    CheckFailure,
    CheckResult,
    Context,
    Diff,
    Kind,
    PluginError,
    Properties,
    ResourceType,
    State,
    contains_unknown,
)


class AddressPlan(ResourceType[Any]):
    """Inputs ``cidr`` and ``names``; outputs ``addresses``, known in previews too, and ``released``: what names that
    left had."""

    def check(self, context: Context[Any], old: Properties | None, new: Properties, seed: bytes) -> CheckResult:
        names, cidr = new.get("names"), new.get("cidr")
        failures = [
            CheckFailure(key, "must be known beforehand") for key in ("cidr", "names") if contains_unknown(new.get(key))
        ]
        if failures:
            return CheckResult(new, failures)
        if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
            failures.append(CheckFailure("names", "must list the names that get an address"))
        elif len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            failures.append(CheckFailure("names", f"names {', '.join(twice)} twice: each name has one address"))
        try:
            IPv4Network(str(cidr))
        except ValueError as error:
            failures.append(CheckFailure("cidr", f"must be an IPv4 network such as 10.0.0.128/25: {error}"))
        if failures:
            return CheckResult(new, failures)
        return CheckResult({"cidr": cidr, "names": sorted(names or ())})

    def diff(self, context: Context[Any], old: State, new: Properties, ignore: Any) -> Diff:
        detailed = {}
        if old.inputs.get("cidr") != new["cidr"]:
            detailed["cidr"] = Kind.UPDATE
        if set(old.inputs.get("names") or ()) != set(new["names"]):
            detailed["names"] = Kind.UPDATE
        return Diff(detailed)

    def create(self, context: Context[Any], inputs: Properties) -> State:
        return State(context.resource.name, inputs, _planned(inputs, Allotment()))

    def preview_create(self, context: Context[Any], inputs: Properties) -> Properties:
        return _planned(inputs, Allotment())

    def read(self, context: Context[Any], state: State) -> State | None:
        return state

    def update(self, context: Context[Any], old: State, new: Properties) -> Properties:
        return _planned(new, _held(old.outputs))

    def preview_update(self, context: Context[Any], old: State, new: Properties) -> Properties:
        return self.update(context, old, new)

    def delete(self, context: Context[Any], state: State) -> None:
        """Nothing to remove: an address is free when nobody is attached to it."""


def _held(outputs: Properties) -> Allotment:
    released = tuple((entry["name"], entry["address"]) for entry in outputs.get("released") or ())
    return Allotment(outputs.get("addresses") or {}, released)


def _planned(inputs: Properties, before: Allotment) -> Properties:
    """The outputs. Raises :class:`PluginError` when a node would have to move, or there is no room."""
    lost = outside(inputs["cidr"], before.addresses)
    moved = {name: address for name, address in lost.items() if name in inputs["names"]}
    if moved:
        named = ", ".join(f"{name} ({address})" for name, address in sorted(moved.items()))
        raise PluginError(
            f"network {inputs['cidr']} leaves out nodes that run: {named}. A node never changes its address: give a "
            "network that holds them, or remove them first"
        )
    try:
        found = allot(inputs["cidr"], inputs["names"], before)
    except NoAddressLeft as error:
        raise PluginError(f"{error}; give a wider network or fewer nodes") from None
    released = [{"name": name, "address": address} for name, address in found.released]
    return {**inputs, "addresses": dict(found.addresses), "released": released}
