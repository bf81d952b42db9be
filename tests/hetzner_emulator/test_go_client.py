"""The vendor's Go client: what Terraform's provider, the cloud controller manager and the autoscaler are built on."""

from __future__ import annotations

import subprocess
from pathlib import Path

from local.toolchain.golang import build_go
from tests.hetzner_emulator.conftest import Project

MODULE = Path(__file__).parent / "client"


def test_the_life_of_a_server(project: Project) -> None:
    client = build_go(MODULE, ".", "hetzner-client", "-s -w", first_time="half a minute")
    run = subprocess.run(
        [str(client)],
        env={"HCLOUD_ENDPOINT": project.emulator.endpoint, "HCLOUD_TOKEN": project.token},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == ["running 10.0.1.5 fsn1 cpx22", "refused uniqueness_error", "left 0"]
    assert project.leftovers() == []
