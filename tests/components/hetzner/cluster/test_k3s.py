"""k3s' configuration, its join tokens, versions and add-ons."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from components.hetzner.cluster import addons, autoscaler
from components.hetzner.cluster.token import agent_token, server_token
from components.hetzner.cluster.versions import FILE, Versions, load, numbers
from local.kubernetes.manifests import CRD_FILES
from models.hetzner import Addons, Hetzner, Network
from tests.components.hetzner.cluster import samples

# k3s' own parser comes only with k3s: its documentation stands in for it.
OPTIONS = yaml.safe_load(Path(__file__).with_name("k3s_options.yaml").read_text())
# The packaged parts that --disable knows.
PARTS = {"coredns", "servicelb", "traefik", "local-storage", "metrics-server", "runtimes"}


def test_k3s_knows_every_option() -> None:
    assert set(samples.agent_k3s()) <= set(OPTIONS["agent"])
    assert set(samples.server_k3s()) <= {*OPTIONS["agent"], *OPTIONS["server"]}
    assert set(samples.server_k3s(metrics_server=False)["disable"]) <= PARTS


def test_what_the_requirements_ask_of_the_control_plane() -> None:
    config = samples.server_k3s()
    assert config["secrets-encryption"] is True
    assert config["protect-kernel-defaults"] is True
    assert config["disable-cloud-controller"] is True
    assert {"traefik", "servicelb", "local-storage"} <= set(config["disable"])
    # Network policies are k3s' own to enforce.
    assert "disable-network-policy" not in config
    assert config["flannel-backend"] == "wireguard-native"
    assert "cloud-provider=external" in config["kubelet-arg"]
    assert config["etcd-snapshot-schedule-cron"] == "0 */6 * * *"
    assert config["write-kubeconfig-mode"] == "0600"
    assert config["tls-san"] == ["api.example.com"]


@pytest.mark.parametrize(("service_cidr", "dns"), [("10.43.0.0/16", "10.43.0.10"), ("10.96.0.0/20", "10.96.0.10")])
def test_the_clusters_dns_lies_in_its_services(service_cidr: str, dns: str) -> None:
    assert samples.server_k3s(network=Network(service_cidr=service_cidr))["cluster-dns"] == dns


def test_tokens_name_the_authority_as_k3s_does(tmp_path: Path) -> None:
    pem = samples.authority("server-ca").certificate
    file = tmp_path / "server-ca.crt"
    file.write_text(pem)
    # docs.k3s.io, "k3s token": of a self-signed authority, the SHA-256 sum of the file.
    digest = subprocess.run(["sha256sum", file], capture_output=True, text=True, check=True).stdout.split()[0]
    assert server_token(pem, "secret") == f"K10{digest}::server:secret"
    assert agent_token(pem, "secret") == f"K10{digest}::node:secret"


def test_the_authority_lies_on_servers_byte_for_byte_as_the_token_says() -> None:
    files = samples.Files.of(samples.server()).content
    on_disk = files["/var/lib/rancher/k3s/server/tls/server-ca.crt"]
    token = yaml.safe_load(files["/etc/rancher/k3s/config.yaml"])["token"]
    assert token.startswith(f"K10{hashlib.sha256(on_disk.encode()).hexdigest()}::server:")


def test_versions_stand_above_their_floors() -> None:
    versions = load()
    assert numbers(versions.charts["hcloud-cloud-controller-manager"].version) >= (1, 30, 1)
    assert set(versions.charts) == {chart.name for chart in every_chart()}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": "1.30.0"}, "is 1.30.0, below the floor 1.30.1: older ones panic"),
        ({"version": "latest"}, "'latest' is no released version"),
        ({"repository": "http://charts.hetzner.cloud"}, "repository"),
    ],
)
def test_a_version_that_will_not_do_is_refused(change: dict[str, str], message: str) -> None:
    content = yaml.safe_load(FILE.read_text())
    content["charts"]["hcloud-cloud-controller-manager"] |= change
    with pytest.raises(ValidationError, match=message):
        Versions.model_validate(content)


def test_a_program_without_every_checksum_is_refused() -> None:
    content = yaml.safe_load(FILE.read_text())
    del content["k3s"]["sha256"]["arm64"]
    with pytest.raises(ValidationError, match="checksum for amd64 and for arm64"):
        Versions.model_validate(content)


def hetzner(**changes: Any) -> Hetzner:
    return Hetzner.model_validate(
        {"cluster": "alpha", "token": {"config": "t"}, "admin_cidrs": ["203.0.113.0/24"], **changes}
    )


def every_chart(switches: Addons | None = None) -> list[addons.Chart]:
    """With what certificates by DNS need."""
    return addons.charts(
        switches or Addons(),
        cluster="test",
        cluster_cidr="10.42.0.0/16",
        location="fsn1",
        autoscaler=autoscaler.values(hetzner()),
        dns_webhook="acme.example.com",
    )


def test_charts_are_pinned_and_wait_for_a_person_when_they_fail() -> None:
    for chart in every_chart():
        spec = chart.spec(load())
        assert spec["repo"].startswith("https://")
        assert spec["version"] == load().charts[chart.name].version
        assert spec["failurePolicy"] == "abort"
        assert isinstance(yaml.safe_load(spec["valuesContent"]), dict)


def test_only_what_nodes_need_installs_before_they_are_ready() -> None:
    assert [chart.name for chart in every_chart() if chart.bootstrap] == ["hcloud-cloud-controller-manager"]


def test_switched_off_is_not_there() -> None:
    off = Addons(**dict.fromkeys(Addons.model_fields, False))
    assert every_chart(off) == []
    assert "cluster-autoscaler" not in {
        chart.name
        for chart in addons.charts(
            Addons(), cluster="test", cluster_cidr="10.42.0.0/16", location="fsn1", autoscaler=None
        )
    }


def test_each_kind_that_is_waited_for_has_a_chart_that_brings_it() -> None:
    assert {"traefik-crds", "prometheus-operator-crds", "cert-manager"} <= {chart.name for chart in every_chart()}
    assert {name.partition(".")[2] for name in addons.crds(Addons())} == {
        "traefik.io",
        "monitoring.coreos.com",
        "cert-manager.io",
    }
    # The sandbox has them all: waiting for them there ends at once.
    installed = {
        ".".join(reversed(name.removesuffix(".yaml").split("_"))) for _, names in CRD_FILES.values() for name in names
    }
    assert set(addons.crds(Addons())) <= installed
    assert addons.crds(Addons(crds=False, cert_manager=False)) == []


def test_cert_manager_asks_for_dns_records_by_the_settings_group_where_it_is_asked_for() -> None:
    (webhook,) = [chart for chart in every_chart() if chart.name == "cert-manager-webhook-hetzner"]
    assert webhook.values["groupName"] == "acme.example.com"
    assert webhook.namespace == "cert-manager"
    assert "cert-manager-webhook-hetzner" not in {chart.name for chart in every_chart(Addons(cert_manager=False))}


def test_volumes_are_labelled_with_their_cluster() -> None:
    (csi,) = [chart for chart in every_chart() if chart.name == "hcloud-csi"]
    assert csi.values["controller"]["volumeExtraLabels"] == {"cluster": "test"}


def test_volumes_are_encrypted_by_default() -> None:
    (csi,) = [chart for chart in every_chart() if chart.name == "hcloud-csi"]
    (storage,) = csi.values["storageClasses"]
    assert storage["defaultStorageClass"] is True
    assert storage["extraParameters"]["csi.storage.k8s.io/node-publish-secret-name"] == addons.STORAGE_KEY
    # It asks the server's metadata, which pods are kept from.
    assert csi.values["node"]["hostNetwork"] is True


def test_no_service_opens_a_door_of_its_own() -> None:
    (manager,) = [chart for chart in every_chart() if chart.name == "hcloud-cloud-controller-manager"]
    assert manager.values["env"]["HCLOUD_LOAD_BALANCERS_ENABLED"] == {"value": "false"}


def test_the_autoscaler_has_the_pools_bounds_and_times() -> None:
    values = autoscaler.values(hetzner(pools={"shared": {"count": 3, "autoscale": {"min": 4, "max": 6}}}))
    assert values["autoscalingGroups"] == [
        {"name": "alpha-shared", "instanceType": "cpx62", "region": "fsn1", "minSize": 1, "maxSize": 3}
    ]
    # FC-143
    assert values["extraArgs"]["scale-down-utilization-threshold"] == "0.5"
    assert values["extraArgs"]["scale-down-unneeded-time"] == "10m"


def test_the_autoscaler_knows_what_its_nodes_will_be() -> None:
    config = json.loads(autoscaler.configuration(hetzner(), {"shared": "#cloud-config\n"}))
    assert config["nodeConfigs"] == {
        "alpha-shared": {
            "cloudInit": "#cloud-config\n",
            "labels": {"pool": "shared", "tier": "shared"},
            "taints": [{"key": "tier", "value": "shared", "effect": "NoSchedule"}],
        }
    }
    assert config["imagesForArch"]["amd64"] == "ubuntu-24.04"


def test_a_pool_that_cannot_grow_has_no_group() -> None:
    assert autoscaler.growing(hetzner(pools={"shared": {"count": 3, "autoscale": {"min": 3, "max": 3}}}).pools) == {}
