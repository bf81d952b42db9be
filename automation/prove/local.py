"""Proof ``local``: Foundation Cloud end to end on one machine."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from automation.prove.clone import Clone, clean_clone
from automation.prove.frame import Figure, at_most, equal, not_run, proof
from automation.prove.suites import by_group, run_tests, tests_left_out

COLD_SECONDS, WARM_SECONDS, SECOND_UP_SECONDS = 900, 60, 15
TEST_SECONDS = 600
REGISTRY = "foundation:tenancy:Registry"
# Shorter texts turn up by chance.
SECRET_LENGTH = 12
MADE_BY_KUBERNETES = re.compile(r"^(events|pods|replicasets|endpoints|endpointslices|controllerrevisions)(\.|$)")

TEST_GROUPS = {
    "tests/models": "models: YAML in, every problem at once",
    "tests/provider": "our provider plugin: migrations, role settings, register",
    "tests/plugins": "stand-in plugins",
    "tests/toolchain": "toolchain",
    "tests/sandbox": "sandbox",
    "tests/policies": "policies",
    "tests/components": "components",
    "tests/products": "products",
    "tests/isolation": "isolation of tenants: rows, network flows, pods, quotas",
    "tests/automation": "commands: life cycle, interruption, drift, refusals",
    "tests/safety": "data: ways past the register of tenants",
    "tests/upgrade": "upgrade: today's components on stored states",
    "tests/secrets": "planted secrets: output, state, logs, process arguments",
    "tests/docs": "commands of the documentation",
}


@proof("local")
def local() -> Iterator[Figure]:
    """On a clean clone, `make up` brings environment local up on a real PostgreSQL and a real Kubernetes API, with
    three tenants of Foundation Cloud; a second one changes nothing; tenants are added and changed without touching
    others; what is killed or changed by hand is mended; `make down` leaves nothing; the tests pass."""
    cold = os.environ.get("COLD") == "1"
    with clean_clone(cold=cold) as clone:
        yield from _comes_up(clone, cold)
        yield from _objects(clone)
        yield from _one_more_tenant(clone)
        yield from _drift(clone)
        yield from _killed(clone)
        yield from _refusals(clone)
        yield from _secrets(clone)
        yield from _leaves_nothing(clone)
    yield from _tests()
    yield from _reference()


def _comes_up(clone: Clone, cold: bool) -> Iterator[Figure]:
    first = clone.timed("make", "up")
    if cold:
        yield at_most("first up without caches", "`make up` on a clean clone, every cache empty", first, COLD_SECONDS)
    else:
        yield at_most("first up with caches", "`make up` on a clean clone", first, WARM_SECONDS)
        yield not_run("first up without caches", "", f"at most {COLD_SECONDS} s", "takes long: `make prove COLD=1`")
    began, before = time.monotonic(), os.times()
    report = clone.json("up")
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    how = f"`foundation up` again; {used:.1f} s of CPU, load of the machine {os.getloadavg()[0]:.1f}"
    yield at_most("second up", how, time.monotonic() - began, SECOND_UP_SECONDS)
    yield equal("second up's changes", "changes it reports", len(report["changes"]), 0)
    yield equal("tenants", "`foundation tenants list`", len(clone.json("tenants", "list")["tenants"]), 3)
    clone.shell("pulumi preview --stack local --policy-pack policies --expect-no-changes --non-interactive")
    yield Figure("plain pulumi", "`pulumi preview --expect-no-changes` in a sourced shell", "agrees", "agrees", ok=True)


def _objects(clone: Clone) -> Iterator[Figure]:
    counts = Counter(resource["type"].partition(":")[0] for resource in _state(clone)["resources"])
    told = ", ".join(f"{number} {kind}" for kind, number in sorted(counts.items()))
    yield Figure("resources in the state", "by provider", "more than 100", told, sum(counts.values()) > 100)
    labelled = _labelled(clone)
    for slug in ("alice", "bob", "charlie"):
        found = labelled.get(slug, 0)
        yield Figure(f"objects of {slug}", "Kubernetes objects with its label", "at least 15", str(found), found >= 15)
    deployments = _objects_with_label(clone, "deployments")
    available = sum(item["status"].get("availableReplicas", 0) >= 1 for item in deployments)
    yield equal("available Deployments of tenants", "status.availableReplicas", available, len(deployments))


def _one_more_tenant(clone: Clone) -> Iterator[Figure]:
    clone.foundation("tenants", "add", "acme", "--plan", "starter")
    report = clone.json("up")
    added = [change for change in report["changes"] if change["tenant"] == "acme"]
    others = [change for change in report["changes"] if change["tenant"] != "acme" and change["type"] != REGISTRY]
    yield Figure("one YAML file more", "resources that up creates", "at least 20", str(len(added)), len(added) >= 20)
    yield equal("other resources touched by it", "by the engine's events", len(others), 0)
    clone.foundation("tenants", "set-plan", "acme", "pro")
    report = clone.json("up")
    lost = [change for change in report["changes"] if change["action"] in ("delete", "replace")]
    yield Figure(
        "change of plan", "changes in place", "at least 3", str(len(report["changes"])), len(report["changes"]) >= 3
    )
    yield equal("deleted or replaced by it", "by the engine's events", len(lost), 0)


def _drift(clone: Clone) -> Iterator[Figure]:
    quota = json.loads(_kubectl(clone, "get", "quota", "-n", "tenant-acme", "-o", "json"))["items"][0]["metadata"][
        "name"
    ]
    _kubectl(clone, "patch", "quota", quota, "-n", "tenant-acme", "-p", '{"spec":{"hard":{"pods":"999"}}}')
    found = clone.json("refresh")["changes"]
    yield equal("drift found", "a quota changed by hand, then `foundation refresh`", len(found), 1)
    clone.json("up")
    pods = _kubectl(clone, "get", "quota", quota, "-n", "tenant-acme", "-o", "jsonpath={.spec.hard.pods}")
    yield equal("drift mended", "the quota after `foundation up`", pods != "999", goal=True)


def _killed(clone: Clone) -> Iterator[Figure]:
    for number, victim in enumerate(("engine", "provider", "command")):
        slug = f"killed-{number}"
        clone.foundation("tenants", "add", slug, "--plan", "starter")
        running = clone.start("up")
        assert running.stdout is not None
        for line in running.stdout:
            if slug in line:
                break
        _kill(running.pid, victim)
        running.stdout.read()
        running.wait()
        clone.foundation("up")
        again = clone.json("up")
        left = (_state(clone).get("pending_operations") or []) + again["changes"]
        yield equal(f"kill -9 of the {victim} during up", "what the next up but one has to do", len(left), 0)


def _kill(pid: int, victim: str) -> None:
    command = psutil.Process(pid)
    if victim == "command":
        command.kill()
        return
    for process in command.children(recursive=True):
        words = " ".join(process.cmdline())
        engine = Path(words.split(" ")[0]).name == "pulumi"
        if (victim == "engine" and engine) or (victim == "provider" and "plugins.kubernetes" in words):
            process.send_signal(signal.SIGKILL)
            return
    raise RuntimeError(f"there is no {victim} to kill")


def _refusals(clone: Clone) -> Iterator[Figure]:
    file = clone.folder / "tenants" / "local" / "acme.yaml"
    kept = file.read_text()
    file.unlink()
    clone.foundation("up", expect=4)
    yield Figure("a file with data deleted", "`foundation up`", "exit code 4", "exit code 4", ok=True)
    file.write_text(kept.replace("plan: pro", "plan: proo") + "\nunknown: 1\n")
    clone.foundation("up", expect=2)
    yield Figure("wrong YAML", "`foundation up`", "exit code 2", "exit code 2", ok=True)
    file.write_text(kept)
    clone.foundation("tenants", "remove", "acme", "--yes")
    gone = _labelled(clone).get("acme", 0)
    yield equal("objects of a removed tenant", "after `foundation tenants remove acme --yes`", gone, 0)


def _secrets(clone: Clone) -> Iterator[Figure]:
    """Every secret of the stack, looked for in clear in the state, the logs and all that commands printed."""
    clear = json.loads(clone.shell("pulumi stack export --stack local --show-secrets", secret=True))
    secrets = set(_plaintexts(clear))
    places = [path for path in clone.foundation_directory.rglob("*") if path.is_file() and _may_hold_state(path)]
    texts = [path.read_text(errors="replace") for path in places] + clone.outputs
    found = {secret for secret in secrets if any(secret in text for text in texts)}
    how = f"{len(secrets)} secrets sought in {len(places)} files of state and logs, and in all output"
    yield equal("secrets in clear", how, len(found), 0)


def _may_hold_state(path: Path) -> bool:
    return "state" in path.parts or "logs" in path.parts


def _plaintexts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if "plaintext" in value:
            yield from _strings(json.loads(value["plaintext"]))
        for inner in value.values():
            yield from _plaintexts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _plaintexts(inner)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str) and len(value) >= SECRET_LENGTH:
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def _leaves_nothing(clone: Clone) -> Iterator[Figure]:
    clone.run("make", "down")
    yield equal("files after down", "`.foundation/`", clone.foundation_directory.exists(), goal=False)
    left = [process.name() for process in clone.processes()]
    yield equal("processes after down", "that name the folder", len(left), 0)
    changed = clone.run("git", "status", "--porcelain", "--", ".", ":!tenants").strip()
    yield equal("the clone's files after down", "`git status`", changed or "as committed", "as committed")


def _tests() -> Iterator[Figure]:
    """`make test`, counted by group."""
    if tests_left_out():
        yield not_run("tests", "", "all pass", "left out: TESTS=0")
        return
    ran = run_tests("make", "test")
    yield equal("make test", "exit code", ran.code, 0)
    yield at_most("make test with caches", "wall time", ran.seconds, TEST_SECONDS)
    yield from by_group(ran, TEST_GROUPS)


def _reference() -> Iterator[Figure]:
    goal = "same URNs and objects; no replace or delete on a state of the stand-ins"
    if not os.environ.get("FOUNDATION_REFERENCE_PLUGINS"):
        why = "no genuine plugins on this machine: set FOUNDATION_REFERENCE_PLUGINS to a folder that holds them"
        yield not_run("genuine plugins", "`make test-reference`", goal, why)
        return
    code = subprocess.run(["make", "test-reference"], check=False).returncode
    yield equal("genuine plugins", "`make test-reference`", code, 0)


def _state(clone: Clone) -> dict[str, list[dict[str, str]]]:
    file = clone.foundation_directory / "state" / ".pulumi" / "stacks" / "foundation" / "local.json"
    return dict(json.loads(file.read_text())["checkpoint"]["latest"])


def _labelled(clone: Clone) -> Counter[str]:
    """Tenant -> number of Kubernetes objects with its label, of every kind that the program makes."""
    kinds = _kubectl(clone, "api-resources", "--verbs=list,create", "-o", "name").split()
    # ReplicaSets, Pods and endpoints are made by Kubernetes itself.
    made = [kind for kind in kinds if not MADE_BY_KUBERNETES.match(kind)]
    return Counter(item["metadata"]["labels"]["tenant"] for item in _objects_with_label(clone, ",".join(made)))


def _objects_with_label(clone: Clone, kinds: str) -> list[dict[str, Any]]:
    return list(json.loads(_kubectl(clone, "get", kinds, "-A", "-l", "tenant", "-o", "json"))["items"])


def _kubectl(clone: Clone, *arguments: str) -> str:
    # Secrets are among the objects that it lists.
    kubeconfig = str(clone.foundation_directory / "kubeconfig")
    return clone.run(".venv/bin/kubectl", "--kubeconfig", kubeconfig, *arguments, secret=True)
