"""Load balancers and certificates, by the vendor's client."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hcloud.actions import ActionFailedException
from hcloud.load_balancer_types import LoadBalancerType
from hcloud.load_balancers import (
    LoadBalancerAlgorithm,
    LoadBalancerService,
    LoadBalancerTarget,
    LoadBalancerTargetIP,
    LoadBalancerTargetLabelSelector,
)
from hcloud.load_balancers.client import BoundLoadBalancer
from hcloud.locations import Location
from hcloud.networks import BoundNetwork

from tests.hetzner_emulator.conftest import Project, finish


def balancer(project: Project, network: BoundNetwork | None = None) -> BoundLoadBalancer:
    made = project.client.load_balancers.create(
        "edge", LoadBalancerType("lb11"), location=Location("fsn1"), network=network
    )
    finish(made.action)
    return made.load_balancer


def service(port: int, **changes: object) -> dict[str, object]:
    return {"protocol": "tcp", "listen_port": port, "destination_port": port, "proxyprotocol": True, **changes}


def test_services_and_targets(project: Project) -> None:
    network = project.network()
    edge = balancer(project, network)
    server = project.server("web-1", labels={"pool": "shared"}, networks=[network])
    finish(edge.add_service(LoadBalancerService(protocol="tcp", listen_port=443, destination_port=30443)))
    finish(edge.add_target(LoadBalancerTarget(type="server", server=server, use_private_ip=True)))
    selector = LoadBalancerTargetLabelSelector("pool=shared")
    finish(edge.add_target(LoadBalancerTarget(type="label_selector", label_selector=selector, use_private_ip=True)))
    finish(edge.add_target(LoadBalancerTarget(type="ip", ip=LoadBalancerTargetIP("203.0.113.9"))))
    edge.reload()
    assert edge.services[0].health_check.port == 30443
    assert [target.type for target in edge.targets] == ["server", "label_selector", "ip"]
    assert edge.targets[0].health_status[0].status == "healthy"
    assert edge.targets[1].targets[0].server.id == server.id
    server.reload()
    assert project.request("GET", f"/servers/{server.id}").json()["server"]["load_balancers"] == [edge.id]
    # What is not said stays as it is.
    finish(edge.update_service(LoadBalancerService(listen_port=443, destination_port=31443)))
    finish(edge.change_algorithm(LoadBalancerAlgorithm("least_connections")))
    finish(edge.change_type(LoadBalancerType("lb21")))
    finish(edge.change_dns_ptr(edge.public_net.ipv4.ip, "edge.example.com"))
    edge.reload()
    changed = edge.services[0]
    assert (changed.destination_port, changed.protocol, changed.health_check.port) == (31443, "tcp", 30443)
    assert (edge.algorithm.type, edge.load_balancer_type.name) == ("least_connections", "lb21")
    finish(edge.disable_public_interface())
    finish(edge.enable_public_interface())
    finish(edge.remove_target(edge.targets[2]))
    finish(edge.delete_service(edge.services[0]))
    finish(server.delete())
    edge.reload()
    assert [target.type for target in edge.targets] == ["label_selector"]
    finish(edge.detach_from_network(network))
    finish(edge.change_protection(delete=True))
    assert project.error("DELETE", f"/load_balancers/{edge.id}") == (423, "protected")
    finish(edge.change_protection(delete=False))
    edge.update(name="other", labels={"a": "b"})
    finish(edge.delete().action)
    network.delete()
    assert project.leftovers() == []


def test_targets_that_can_not_be_reached(project: Project) -> None:
    network, other = project.network(), project.network("other", "192.168.0.0/16")
    edge, server = balancer(project), project.server("web-1")
    path = f"/load_balancers/{edge.id}/actions"
    private = {"type": "server", "server": {"id": server.id}, "use_private_ip": True}
    public = {**private, "use_private_ip": False}
    assert project.error("POST", f"{path}/add_target", private) == (422, "load_balancer_not_attached_to_network")
    assert project.error("POST", f"{path}/disable_public_interface") == (422, "load_balancer_not_attached_to_network")
    finish(edge.attach_to_network(network))
    again = {"network": other.id}
    assert project.error("POST", f"{path}/attach_to_network", again) == (422, "load_balancer_already_attached")
    assert project.error("POST", f"{path}/add_target", private) == (422, "resolve_cloud_private_targets_error")
    project.post(f"{path}/add_target", public)
    assert project.error("POST", f"{path}/add_target", public) == (422, "target_already_defined")
    assert project.error("POST", f"{path}/disable_public_interface") == (422, "targets_without_use_private_ip")
    finish(server.power_off())
    address = server.public_net.primary_ipv4
    assert project.error("POST", f"/primary_ips/{address.id}/actions/unassign") == (
        422,
        "server_is_load_balancer_target",
    )
    project.post(f"{path}/remove_target", public)
    assert project.error("POST", f"{path}/remove_target", public) == (404, "not_found")
    project.post(f"{path}/disable_public_interface")
    assert project.error("POST", f"{path}/add_target", public) == (422, "load_balancer_public_interface_disabled")
    finish(address.unassign())
    project.post(f"{path}/enable_public_interface")
    assert project.error("POST", f"{path}/add_target", public) == (422, "resolve_cloud_public_targets_error")


def test_as_many_as_the_type_allows(project: Project) -> None:
    edge = balancer(project)
    path = f"/load_balancers/{edge.id}/actions"
    for port in range(1001, 1006):
        project.post(f"{path}/add_service", service(port))
    assert project.error("POST", f"{path}/add_service", service(1001)) == (412, "source_port_already_used")
    assert project.error("POST", f"{path}/add_service", service(1006)) == (403, "resource_limit_exceeded")
    for number in range(25):
        project.post(f"{path}/add_target", {"type": "ip", "ip": {"ip": f"203.0.113.{number}"}})
    one_more = {"type": "ip", "ip": {"ip": "203.0.113.99"}}
    assert project.error("POST", f"{path}/add_target", one_more) == (403, "resource_limit_exceeded")
    project.post(f"{path}/change_type", {"load_balancer_type": "lb21"})
    project.post(f"{path}/add_target", one_more)
    small = {"load_balancer_type": "lb11"}
    assert project.error("POST", f"{path}/change_type", small) == (422, "invalid_load_balancer_type")


@pytest.mark.parametrize(
    "wrong",
    [
        service(0), service(65536), service(80, protocol="udp"), service(80, destination_port=None),
        service(443, protocol="https"), service(443, protocol="https", http={"certificates": [1]}),
        service(80, health_check={"protocol": "tcp", "interval": 2}),
    ],
)  # fmt: skip
def test_services_that_are_refused(project: Project, wrong: dict[str, object]) -> None:
    body = {"name": "edge", "load_balancer_type": "lb11", "location": "fsn1", "services": [wrong]}
    assert project.error("POST", "/load_balancers", body) == (422, "invalid_input")
    assert project.leftovers() == []


def pem(domain: str) -> tuple[str, str]:
    """A certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domain)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def test_uploaded_certificates(project: Project) -> None:
    certificate, key = pem("example.com")
    made = project.client.certificates.create("web", certificate=certificate, private_key=key)
    assert made.domain_names == ["example.com"]
    _, other_key = pem("example.com")
    for wrong in ({"private_key": other_key}, {"private_key": "none"}, {"certificate": "none"}):
        body = {"name": "other", "certificate": certificate, "private_key": key, **wrong}
        assert project.error("POST", "/certificates", body) == (422, "invalid_input")
    https = service(443, protocol="https", http={"certificates": [made.id], "redirect_http": True})
    edge = project.post(
        "/load_balancers",
        {"name": "edge", "load_balancer_type": "lb11", "location": "fsn1", "services": [https]},
    )["load_balancer"]
    path = f"/load_balancers/{edge['id']}/actions/add_service"
    # Redirects take port 80.
    assert project.error("POST", path, service(80, protocol="http")) == (412, "source_port_already_used")
    assert project.error("DELETE", f"/certificates/{made.id}") == (422, "resource_in_use")
    finish(project.client.load_balancers.get_by_id(edge["id"]).delete().action)
    made.update(name="renamed")
    made.delete()
    assert project.leftovers() == []


def test_managed_certificates_need_the_zone(project: Project) -> None:
    made = project.client.certificates.create_managed("web", domain_names=["www.example.com"])
    with pytest.raises(ActionFailedException, match="dns_zone_not_found"):
        finish(made.action)
    certificate = project.client.certificates.get_by_id(made.certificate.id)
    assert certificate.status.issuance == "failed"
    project.post("/zones", {"name": "example.com", "mode": "primary"})
    finish(certificate.retry_issuance())
    certificate.reload()
    assert (certificate.status.issuance, certificate.domain_names) == ("completed", ["www.example.com"])
    assert project.error("POST", f"/certificates/{certificate.id}/actions/retry") == (422, "unsupported_error")


def test_a_primary_ip_outlives_its_load_balancer(project: Project) -> None:
    address = project.client.primary_ips.create("ipv4", "entrance", location=Location("fsn1")).primary_ip
    body = {"name": "edge", "load_balancer_type": "lb11", "location": "fsn1", "public_net": {"ipv4": address.id}}
    made = project.post("/load_balancers", body)["load_balancer"]
    assert made["public_net"]["ipv4"]["ip"] == address.ip
    address.reload()
    assert (address.assignee_type, address.assignee_id) == ("load_balancer", made["id"])
    assert project.error("POST", "/load_balancers", {**body, "name": "other"}) == (422, "primary_ip_assigned")
    assert project.error("DELETE", f"/primary_ips/{address.id}") == (422, "must_be_unassigned")
    assert project.error("POST", f"/primary_ips/{address.id}/actions/unassign") == (422, "unsupported_error")
    finish(project.client.load_balancers.get_by_id(made["id"]).delete().action)
    # The IPv6 network was made for the load balancer and went with it.
    assert [left.assignee_type for left in project.client.primary_ips.get_all()] == ["unassigned"]
