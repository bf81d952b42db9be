"""Load balancers."""

from __future__ import annotations

from typing import Any

from local.hetzner.actions import Effect, effect
from local.hetzner.catalogue import find
from local.hetzner.context import Context
from local.hetzner.errors import ApiError, invalid
from local.hetzner.listing import Record
from local.hetzner.resources.addresses import DnsPtr, change_dns_ptr
from local.hetzner.resources.assignment import (
    FAMILIES,
    LOAD_BALANCER,
    give_address,
    primary_ips_of,
    release_addresses,
)
from local.hetzner.resources.base import Empty, Protected, command, referenced
from local.hetzner.resources.load_balancers.bodies import (
    Algorithm,
    AttachToNetwork,
    ChangeType,
    Creation,
    LoadBalancerChange,
    NetworkId,
)
from local.hetzner.resources.load_balancers.services import (
    ListenPort,
    Service,
    ServiceUpdate,
    add_service,
    find_service,
    new_service,
    require_certificates_fit,
    updated_service,
)
from local.hetzner.resources.load_balancers.targets import Target, add_target, find_target, target_view
from local.hetzner.resources.private_network import (
    attach,
    attachment,
    confirm,
    confirm_network,
    release_network,
)


class LoadBalancers(Protected):
    """Load balancers."""

    kind = "load_balancers"
    singular = "load_balancer"
    creation = Creation
    change = LoadBalancerChange

    def view(self, context: Context, record: Record) -> Record:
        """With its location, type and the health of its targets."""
        balancer_type = _type(context, record["load_balancer_type"])
        traffic = (
            price["included_traffic"] for price in balancer_type["prices"] if price["location"] == record["location"]
        )
        return {
            **record,
            "location": context.world.catalogue.location(record["location"]),
            "load_balancer_type": balancer_type,
            "public_net": _public_net(context, record),
            "private_net": [
                {"network": place["network"], "ip": place["ip"]}
                for place in record["private_net"]
                if not place["pending"]
            ],
            "targets": [target_view(context, record, target) for target in record["targets"]],
            "included_traffic": next(traffic, 0),
            "ingoing_traffic": 0,
            "outgoing_traffic": 0,
        }

    def create(self, context: Context, body: Creation) -> Record:
        """Make one, with its services, targets and network."""
        balancer_type = _type(context, body.load_balancer_type)
        location = _location(context, body)
        record: Record = {
            "name": body.name,
            "location": location["name"],
            "load_balancer_type": balancer_type["name"],
            "algorithm": body.algorithm.model_dump(),
            "services": [],
            "targets": [],
            "labels": body.labels,
            "protection": {"delete": False},
            "public_net": {"enabled": body.public_interface},
            "private_net": [],
        }
        if body.network is not None:
            network = referenced(context, "networks", body.network, "network")
            attach(context, record, location["network_zone"], network)
            confirm(record, network["id"])
        for service in body.services:
            add_service(record["services"], new_service(context, service), balancer_type)
        for target in body.targets:
            add_target(context, record, balancer_type, target)
        record = self.add(context, record)
        for family in FAMILIES:
            give_address(context, LOAD_BALANCER, record, family, getattr(body.public_net, family))
        action = context.actions.begin("create_load_balancer", [("load_balancer", record["id"])])
        return {"load_balancer": self.view(context, record), "action": context.actions.view(action)}

    def delete(self, context: Context, record: Record) -> Record:
        """Remove it, by an action (vendor changelog, 2026-10-05)."""
        return context.actions.begin(
            "delete_load_balancer",
            [("load_balancer", record["id"])],
            drop_load_balancer,
            load_balancer=record["id"],
        )

    @command("add_service", Service)
    def add_service(self, context: Context, record: Record, body: Service) -> Record:
        """Listen on another port."""
        services = [*record["services"]]
        add_service(services, new_service(context, body), _type(context, record["load_balancer_type"]))
        return self._begin(context, "add_service", record, services=services)

    @command("update_service", ServiceUpdate)
    def update_service(self, context: Context, record: Record, body: ServiceUpdate) -> Record:
        """Change the service of a port."""
        present = find_service(record["services"], body.listen_port)
        changed = updated_service(context, present, body)
        services = [changed if service is present else service for service in record["services"]]
        require_certificates_fit(services, _type(context, record["load_balancer_type"]))
        return self._begin(context, "update_service", record, services=services)

    @command("delete_service", ListenPort)
    def delete_service(self, context: Context, record: Record, body: ListenPort) -> Record:
        """Stop listening on a port."""
        present = find_service(record["services"], body.listen_port)
        services = [service for service in record["services"] if service is not present]
        return self._begin(context, "delete_service", record, services=services)

    @command("add_target", Target)
    def add_target(self, context: Context, record: Record, body: Target) -> Record:
        """Send requests there too."""
        changed = {**record, "targets": [*record["targets"]]}
        add_target(context, changed, _type(context, record["load_balancer_type"]), body)
        return self._begin(context, "add_target", record, targets=changed["targets"])

    @command("remove_target", Target)
    def remove_target(self, context: Context, record: Record, body: Target) -> Record:
        """Send no more requests there."""
        present = find_target(record, body)
        if present is None:
            raise ApiError("not_found", "load balancer target not found")
        targets = [target for target in record["targets"] if target is not present]
        return self._begin(context, "remove_target", record, targets=targets)

    @command("attach_to_network", AttachToNetwork)
    def attach_to_network(self, context: Context, record: Record, body: AttachToNetwork) -> Record:
        """A private interface; there can be one."""
        network = referenced(context, "networks", body.network, "network")
        if record["private_net"]:
            raise ApiError("load_balancer_already_attached", "load balancer is already attached to a network")
        zone = context.world.catalogue.location(record["location"])["network_zone"]
        attach(context, record, zone, network, body.ip, body.ip_range)
        action = self._network_action(context, "attach_to_network", record, network["id"], confirm_network)
        context.objects.put(self.kind, record)
        return action

    @command("detach_from_network", NetworkId)
    def detach_from_network(self, context: Context, record: Record, body: NetworkId) -> Record:
        """No private interface any more."""
        if not attachment(record, body.network):
            raise ApiError("not_found", "load balancer is not attached to the network")
        return self._network_action(context, "detach_from_network", record, body.network, release_network)

    @command("change_algorithm", Algorithm)
    def change_algorithm(self, context: Context, record: Record, body: Algorithm) -> Record:
        """Choose targets otherwise."""
        return self._begin(context, "change_algorithm", record, algorithm=body.model_dump())

    @command("change_type", ChangeType)
    def change_type(self, context: Context, record: Record, body: ChangeType) -> Record:
        """Another size, which must be large enough for what there is."""
        wanted = _type(context, body.load_balancer_type)
        if len(record["services"]) > wanted["max_services"] or len(record["targets"]) > wanted["max_targets"]:
            raise ApiError("invalid_load_balancer_type", "load balancer type is too small")
        return self._begin(context, "change_load_balancer_type", record, load_balancer_type=wanted["name"])

    @command("change_dns_ptr", DnsPtr)
    def change_dns_ptr(self, context: Context, record: Record, body: DnsPtr) -> Record:
        """Name one of its addresses."""
        address = primary_ips_of(context, record["id"], LOAD_BALANCER)["ipv6" if ":" in body.ip else "ipv4"]
        change_dns_ptr(address, body)
        action = self._begin(context, "change_dns_ptr", record)
        context.objects.put("primary_ips", address)
        return action

    @command("enable_public_interface")
    def enable_public_interface(self, context: Context, record: Record, body: Empty) -> Record:
        """Reachable from the internet."""
        return self._begin(
            context, "enable_public_interface", record, public_net={**record["public_net"], "enabled": True}
        )

    @command("disable_public_interface")
    def disable_public_interface(self, context: Context, record: Record, body: Empty) -> Record:
        """Reachable from its network only."""
        if not record["private_net"]:
            raise ApiError("load_balancer_not_attached_to_network", "load balancer is not attached to a network")
        if any(not target.get("use_private_ip", True) for target in record["targets"]):
            raise ApiError("targets_without_use_private_ip", "there are targets that use the public IP")
        return self._begin(
            context, "disable_public_interface", record, public_net={**record["public_net"], "enabled": False}
        )

    def _begin(self, context: Context, name: str, record: Record, **fields: Any) -> Record:
        return context.actions.begin(
            name, [("load_balancer", record["id"])], set_load_balancer, load_balancer=record["id"], **fields
        )

    def _network_action(self, context: Context, name: str, record: Record, network: int, then: Effect) -> Record:
        targets = [("load_balancer", record["id"]), ("network", network)]
        return context.actions.begin(
            name, targets, then, release_network, kind=self.kind, member=record["id"], network=network
        )


@effect
def set_load_balancer(context: Context, load_balancer: int, **fields: Any) -> None:
    """Something of it is different."""
    record = context.objects.get("load_balancers", load_balancer)
    if record is not None:
        context.objects.put("load_balancers", {**record, **fields})


@effect
def drop_load_balancer(context: Context, load_balancer: int) -> None:
    """It is gone."""
    release_addresses(context, load_balancer, LOAD_BALANCER)
    context.objects.delete("load_balancers", load_balancer)


def _public_net(context: Context, record: Record) -> Record:
    addresses = primary_ips_of(context, record["id"], LOAD_BALANCER)
    return {
        **record["public_net"],
        **{
            family: {
                "id": address["id"],
                # Of an IPv6 network the first address.
                "ip": address["ip"].replace("::/64", "::1"),
                "blocked": address["blocked"],
                "dns_ptr": next((entry["dns_ptr"] for entry in address["dns_ptr"]), ""),
            }
            for family, address in addresses.items()
        },
    }


def _type(context: Context, key: str) -> Record:
    found = find(context.world.catalogue.load_balancer_types, key)
    if found is None:
        raise invalid("load_balancer_type", f"load balancer type {key!r} not found")
    return found


def _location(context: Context, body: Creation) -> Record:
    locations = context.world.catalogue.locations
    if (body.location is None) == (body.network_zone is None):
        raise invalid("location", "either location or network_zone must be given")
    if body.location is not None:
        found = find(locations, body.location)
    else:
        found = next((location for location in locations if location["network_zone"] == body.network_zone), None)
    if found is None:
        raise invalid("location" if body.location else "network_zone", "not found")
    return found
