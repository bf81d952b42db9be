"""User data of servers, judged by cloud-init's own schema, the emulator, systemd and what the field has learnt."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft4Validator

from components.hetzner.cluster import cloud_init
from components.hetzner.cluster.cloud_init import NodeNetwork, environment_file
from components.hetzner.cluster.versions import load
from components.hetzner.limits import USER_DATA
from local.hetzner.boot.k3s import node_config
from tests.components.hetzner.cluster import samples
from tests.components.hetzner.cluster.published import cloud_init_schema
from tests.components.hetzner.cluster.samples import Files

NAT = NodeNetwork(subnet="10.0.0.0/24", gateway="10.0.0.1", mtu=1450, egress="nat")
ALL = {
    "first server": lambda: samples.server(),
    "other server": lambda: samples.server(first=False),
    "server without snapshots": lambda: samples.server(store=None),
    "agent": lambda: samples.agent(),
    "agent behind NAT": lambda: samples.agent(NAT),
}


@pytest.fixture(params=ALL)
def user_data(request: pytest.FixtureRequest) -> str:
    return ALL[request.param]()


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    file = cloud_init_schema()
    if file is None:
        pytest.skip("cloud-init isn't installed, and no package repository that has it answers")
    loaded: dict[str, Any] = json.loads(file.read_text())
    return loaded


def test_cloud_init_takes_it(user_data: str, schema: dict[str, Any]) -> None:
    assert user_data.startswith("#cloud-config\n")
    Draft4Validator.check_schema(schema)
    errors = [error.message for error in Draft4Validator(schema).iter_errors(yaml.safe_load(user_data))]
    assert not errors


def test_the_schema_refuses_nonsense(schema: dict[str, Any]) -> None:
    document = yaml.safe_load(samples.agent()) | {"write_files": [{"content": "no path"}]}
    assert list(Draft4Validator(schema).iter_errors(document))


def test_it_has_room_to_grow(user_data: str) -> None:
    # A quarter of what Hetzner takes is left for labels, taints and longer keys.
    assert len(user_data.encode()) < USER_DATA.most * 3 / 4


def test_the_same_settings_give_the_same_user_data() -> None:
    assert samples.server() == samples.server()
    assert samples.agent() == samples.agent()


def test_the_emulator_makes_the_right_node_of_it() -> None:
    node = node_config(samples.agent(), "alpha-t-charlie-01-g1")
    assert node is not None
    assert node.name == "alpha-t-charlie-01-g1"
    assert node.labels == {"pool": "enterprise", "tenant": "charlie"}
    assert node.taints == [("tenant", "charlie", "NoSchedule")]
    control_plane = node_config(samples.server(), "alpha-control-plane-01-g1")
    assert control_plane is not None
    assert control_plane.taints == [("node-role.kubernetes.io/control-plane", "", "NoSchedule")]


def test_secrets_are_for_root_alone(user_data: str) -> None:
    files = Files.of(user_data)
    for path, content in files.content.items():
        if "planted" in content or "PRIVATE KEY" in content:
            assert files.permissions[path] == "0600", path
    assert files.permissions["/etc/rancher/k3s/config.yaml"] == "0600"


def test_only_who_may_begin_a_cluster_has_its_keys() -> None:
    first, other, agent = (
        Files.of(text).content for text in (samples.server(), samples.server(first=False), samples.agent())
    )
    tls = "/var/lib/rancher/k3s/server/tls"
    # docs.k3s.io, "k3s certificate": the files of custom authorities.
    wanted = {f"{tls}/{name}.{suffix}" for name in samples.AUTHORITY_FILES for suffix in ("crt", "key")}
    wanted.add(f"{tls}/service.key")
    assert {path for path in first if path.startswith(tls)} == wanted
    assert not [path for path in other if path.startswith(tls)]
    assert not [path for path in agent if path.startswith(tls)]
    assert 'INITIALISES="yes"' in first["/etc/foundation/node.env"]
    assert 'INITIALISES="no"' in other["/etc/foundation/node.env"]


def test_agents_know_no_password_of_servers() -> None:
    text = "\n".join(Files.of(samples.agent()).content.values())
    assert samples.AGENT_PASSWORD in text
    assert samples.SERVER_PASSWORD not in text
    assert "planted-secret" not in text
    assert "PRIVATE KEY" not in text


def test_programs_come_pinned_and_checked(user_data: str) -> None:
    environment = Files.of(user_data).content["/etc/foundation/node.env"]
    versions = load()
    assert f"/{versions.k3s.version.replace('+', '%2B')}" in environment
    for program in (versions.k3s, versions.restic):
        assert program.sha256["amd64"] in environment
        assert program.sha256["arm64"] in environment


def test_nothing_upgrades_or_reboots_by_itself(user_data: str) -> None:
    document = yaml.safe_load(user_data)
    assert document["package_upgrade"] is False
    apt = Files.of(user_data).content["/etc/apt/apt.conf.d/99-foundation"]
    assert 'APT::Periodic::Unattended-Upgrade "0";' in apt
    assert 'Unattended-Upgrade::Automatic-Reboot "false";' in apt


def test_pods_are_kept_from_metadata(user_data: str) -> None:
    files = Files.of(user_data).content
    guard = files["/etc/foundation/metadata-guard.nft"]
    assert "hook forward" in guard
    assert "ip daddr 169.254.169.254 counter drop" in guard
    # k3s, and with it every pod, starts only behind it.
    assert (
        "Requires=foundation-network.service foundation-metadata-guard.service"
        in files["/etc/systemd/system/k3s.service"]
    )


def test_shell_and_systemd_read_the_environment_alike(tmp_path: Path, user_data: str) -> None:
    file = tmp_path / "node.env"
    file.write_text(Files.of(user_data).content["/etc/foundation/node.env"])
    names = [line.partition("=")[0] for line in file.read_text().splitlines()]
    script = f". {file}; " + "; ".join(f'echo "{name}=${name}"' for name in names)
    shell = subprocess.run(["sh", "-eu", "-c", script], capture_output=True, text=True, check=True).stdout
    # As systemd.exec(5) has it for values in double quotes without escapes.
    systemd = "".join(line.replace('"', "") + "\n" for line in file.read_text().splitlines())
    assert shell == systemd


@pytest.mark.parametrize("value", ['a"b', "a$b", "a`b", "a\\b", "a\nb"])
def test_an_environment_file_refuses_what_is_read_apart_without_showing_it(value: str) -> None:
    with pytest.raises(ValueError, match="RESTIC_PASSWORD holds a quote") as error:
        environment_file({"RESTIC_PASSWORD": f"planted{value}"})
    assert "planted" not in str(error.value)


def test_secrets_are_not_shown_by_accident() -> None:
    assert "planted" not in repr(samples.STORE)
    assert "PRIVATE" not in repr(samples.authorities())


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd isn't here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    files = Files.of(samples.server()).content
    units = [path for path in files if path.startswith(cloud_init.UNITS)]
    for path in units:
        # The programs aren't here; something that is takes their place.
        text = "\n".join(
            f"{line.partition('=')[0]}=/bin/true" if line.startswith("ExecStart") else line
            for line in files[path].splitlines()
        )
        (tmp_path / Path(path).name).write_text(text.replace("EnvironmentFile=/", "EnvironmentFile=-/"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / Path(path).name) for path in units)],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )
    ours = [line for line in done.stderr.splitlines() if "foundation-" in line or "k3s.service" in line]
    assert not ours, done.stderr
    assert len(units) == 6
