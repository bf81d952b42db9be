"""An update that waits says for what and why, and goes on when the reason is gone."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest
from kubernetes import client

from local.kubernetes.nodes import enterprise_node
from local.sandbox import Sandbox
from tests.scratch import ScratchProject

Projects = Callable[..., ScratchProject]

# Long ones have groups: those begin first.
pytestmark = pytest.mark.xdist_group("waiting")


def test_a_job_without_a_terminal_says_why_it_waits(project: Projects) -> None:
    scratch = project()
    scratch.add_tenant(
        "acme",
        "enterprise",
        overrides={"requests_per_minute": 1000},
        secrets={"anthropic_key": {"generate": 48}},
    )
    own = enterprise_node(scratch.slug("acme"))
    Sandbox(scratch.directory).start(nodes=[own])
    with scratch.kubernetes() as api:
        core = client.CoreV1Api(api)
        # The tenant's own node: nobody else's pods want it.
        core.patch_node(own.name, {"spec": {"unschedulable": True}})
        running = subprocess.Popen(
            scratch.command("up"),
            cwd=scratch.folder,
            env=scratch.variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert running.stderr is not None
        said = []
        try:
            for line in running.stderr:
                said.append(line)
                if "nodes are available" in line:
                    break
        finally:
            core.patch_node(own.name, {"spec": {"unschedulable": None}})
    said += running.stderr.readlines()
    assert running.wait() == 0, said
    reason = next(line for line in said if "nodes are available" in line)
    assert f"{scratch.slug('acme')}-seldon-deployment" in reason
    assert "unschedulable" in reason
