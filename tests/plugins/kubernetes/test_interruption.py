"""Ctrl-C and kill -9 in the middle of a create, and what the next update makes of it."""

from __future__ import annotations

import signal
import subprocess

import psutil
import pytest

from tests.plugins.kubernetes.world import STACK, World, eventually

# It waits for ever while the value is one that never comes.
PROGRAM = """
import pulumi
import pulumi_kubernetes as k8s

provider = k8s.Provider("cluster", kubeconfig={kubeconfig!r}, upsert_existing_objects=True, enable_patch_force=True)
metadata = {{"name": "config", "namespace": {namespace!r}, "annotations": {{"pulumi.com/waitFor": {expression!r}}}}}
k8s.core.v1.ConfigMap("config", metadata=metadata, data={{"a": "1"}}, opts=pulumi.ResourceOptions(provider=provider))
"""
NEVER, AT_ONCE = "jsonpath={.data.never}", "jsonpath={.data.a}"


@pytest.fixture
def waiting(world: World) -> subprocess.Popen[str]:
    """An update that made the object and waits for it, as a shell starts it."""
    temporary = world.folder / "temporary"
    temporary.mkdir()
    world.environment["TMPDIR"] = str(temporary)
    world.kubectl("create", "namespace", world.namespace)
    write(world, NEVER)
    pulumi(world, "stack", "init", STACK)
    running = subprocess.Popen(
        ["pulumi", "--non-interactive", "up", "--yes", "--skip-preview", "--stack", STACK],
        cwd=world.folder,
        env=world.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    )
    eventually(lambda: world.live("configmap", "config"))
    return running


def write(world: World, expression: str) -> None:
    text = PROGRAM.format(kubeconfig=str(world.kubeconfig), namespace=world.namespace, expression=expression)
    (world.folder / "__main__.py").write_text(text)


def pulumi(world: World, *arguments: str) -> str:
    done = subprocess.run(
        ["pulumi", "--non-interactive", *arguments],
        cwd=world.folder,
        env=world.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def plugins(engine: int) -> list[psutil.Process]:
    children = psutil.Process(engine).children(recursive=True)
    return [child for child in children if "toolchain.plugins.kubernetes" in " ".join(child.cmdline())]


def test_cancelling_ends_the_wait_and_loses_nothing(world: World, waiting: subprocess.Popen[str]) -> None:
    waiting.send_signal(signal.SIGINT)
    output, _ = waiting.communicate()
    assert waiting.returncode != 0
    assert "Resource operation was cancelled for 'config'" in output
    # It was made and is recorded, with what is left to do.
    assert world.resources()["config"]["id"] == f"{world.namespace}/config"
    assert world.resources()["config"]["initErrors"]
    write(world, AT_ONCE)
    assert "1 updated" in pulumi(world, "up", "--yes", "--stack", STACK)
    world.destroy()


def test_after_a_kill_the_next_update_takes_the_object_over(world: World, waiting: subprocess.Popen[str]) -> None:
    serving = plugins(waiting.pid)
    assert serving
    waiting.kill()
    waiting.communicate()
    # A plugin ends with its engine, in the middle of whatever it does.
    eventually(lambda: not any(plugin.is_running() for plugin in serving))
    assert "config" not in world.resources()
    # Nor does it leave the kubeconfig's certificates and keys behind.
    left = [file for file in (world.folder / "temporary").rglob("*") if file.is_file()]
    assert not [file for file in left if b"-----BEGIN" in file.read_bytes()]
    write(world, AT_ONCE)
    pulumi(world, "cancel", "--yes", "--stack", STACK)
    assert "1 created" in pulumi(world, "up", "--yes", "--stack", STACK)
    assert world.resources()["config"]["id"] == f"{world.namespace}/config"
    world.destroy()
