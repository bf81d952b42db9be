"""Programs run by the real engine in a namespace of their own, and kubectl to look at what came of them."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pulumi import automation
from pulumi.automation._stack import StackInitMode  # Stack's own parameter, which the package forgets to export
from tenacity import Retrying, stop_after_delay, wait_fixed

from local.toolchain import Toolchain

Program = Callable[[], None]
Options = pulumi.ResourceOptions

KUBECTL = Path(sys.executable).with_name("kubectl")
STACK = "local-test"


class _Stack(automation.Stack):
    """Without the three further runs of the CLI that ask for outputs and history after every operation."""

    def outputs(self) -> automation.OutputMap:
        return {}

    def info(self, show_secrets: bool = True) -> automation.UpdateSummary:
        return automation.UpdateSummary("", datetime.now(UTC), "", {}, {}, "")


def _changes(operation: Callable[..., object], **options: Any) -> dict[str, int]:
    """What the operation's own summary counts."""
    found: dict[str, int] = {}

    def record(event: Any) -> None:
        if event.summary_event is not None:
            found.update(
                {str(getattr(key, "value", key)): n for key, n in event.summary_event.resource_changes.items()}
            )

    operation(color="never", on_event=record, **options)
    return found


@dataclass
class World:
    """A scratch project with a stack ``local-test``, and a namespace that programs put their objects in."""

    folder: Path
    toolchain: Toolchain
    kubeconfig: Path
    namespace: str = field(default_factory=lambda: f"test-{uuid.uuid4().hex[:8]}")
    _stacks: dict[str, automation.Stack] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.folder / "state").mkdir(parents=True)
        (self.folder / "Pulumi.yaml").write_text("name: foundation\nruntime: python\n")
        # As any program of these tests would be run: nothing of the user's own cluster settings.
        self.environment = self.toolchain.environment() | {
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "KUBECONFIG": "/nonexistent",
        }

    # -- programs

    def provider(self, name: str = "cluster", **settings: Any) -> k8s.Provider:
        """The provider of a program, with mutable ConfigMaps and Secrets unless the settings say otherwise."""
        mutable = {"enable_config_map_mutable": True, "enable_secret_mutable": True}
        return k8s.Provider(name, **{"kubeconfig": str(self.kubeconfig), **mutable, **settings})

    def inside(self, body: Callable[[Options], None], **settings: Any) -> Program:
        """A program with the namespace and, in it, what ``body`` makes with the options given to it."""

        def program() -> None:
            provider = self.provider(**settings)
            namespace = k8s.core.v1.Namespace(
                "namespace", metadata={"name": self.namespace}, opts=Options(provider=provider)
            )
            body(Options(provider=provider, depends_on=[namespace]))

        return program

    def meta(self, name: str | None = None, **more: Any) -> Any:
        """Metadata in the namespace."""
        named = {} if name is None else {"name": name}
        return {"namespace": self.namespace, **named, **more}

    # -- the engine

    def stack(self, program: Program, name: str = STACK) -> automation.Stack:
        if name not in self._stacks:
            workspace = automation.LocalWorkspace(
                work_dir=str(self.folder),
                env_vars=self.environment,
                pulumi_command=automation.PulumiCommand(root=str(self.toolchain.directory.root)),
            )
            self._stacks[name] = _Stack(name, workspace, StackInitMode.CREATE_OR_SELECT)
        self._stacks[name].workspace.program = program
        return self._stacks[name]

    def up(self, program: Program, **options: Any) -> dict[str, int]:
        """Updates; how many resources were created, updated and so on. Raises ``CommandError`` with the output."""
        return _changes(self.stack(program).up, **options)

    def preview(self, program: Program) -> tuple[dict[str, int], str]:
        """What an update would do, and what the user sees of it."""
        result = self.stack(program).preview(color="never", diff=True)
        return {str(key): count for key, count in result.change_summary.items()}, result.stdout

    def refresh(self, program: Program) -> dict[str, int]:
        return _changes(self.stack(program).refresh)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        outputs = automation.Stack.outputs(self.stack(lambda: None))
        return {name: output.value for name, output in outputs.items()}

    def destroy(self, program: Program = lambda: None, **options: Any) -> None:
        self.stack(program).destroy(color="never", **options)

    def failure(self, program: Program, *, preview: bool = False, stack: str = STACK) -> str:
        """What the user sees of an update (or preview) that fails."""
        try:
            made = self.stack(program, stack)
            made.preview(color="never") if preview else made.up(color="never")
        except automation.CommandError as error:
            message = str(error)
        else:
            raise AssertionError("it succeeded")
        # A program that the engine left in the lurch leaves coroutines behind. CPython 3.11 must not come to collect
        # them while it parses, as pytest does (SystemError: AST constructor recursion depth mismatch).
        gc.collect()
        return message

    def resources(self) -> dict[str, Any]:
        """The recorded resources by name."""
        deployment = self.stack(lambda: None).export_stack().deployment
        return {resource["urn"].rpartition("::")[2]: resource for resource in (deployment or {}).get("resources", [])}

    def state_text(self) -> str:
        """Everything the file backend holds, current state and history."""
        return "\n".join(file.read_text() for file in (self.folder / "state").rglob("*.json*") if file.is_file())

    # -- the cluster

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """What kubectl prints. Raises ``CalledProcessError``."""
        command = [str(KUBECTL), "--kubeconfig", str(self.kubeconfig), "--namespace", self.namespace, *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, env=os.environ)
        if done.returncode != 0:
            raise subprocess.CalledProcessError(done.returncode, arguments, done.stdout, done.stderr)
        return done.stdout

    def live(self, kind: str, name: str) -> Any:
        """The live object, None when there is none."""
        text = self.kubectl("get", kind, name, "--ignore-not-found", "--output=json")
        return json.loads(text) if text else None

    def patch(self, kind: str, name: str, patch: Any, manager: str = "kubectl-patch") -> None:
        """Somebody else's change (a JSON merge patch)."""
        self.kubectl("patch", kind, name, "--type=merge", "--patch", json.dumps(patch), f"--field-manager={manager}")


def eventually(condition: Callable[[], object]) -> None:
    """Waits until ``condition()`` holds."""
    for attempt in Retrying(stop=stop_after_delay(60), wait=wait_fixed(0.1), reraise=True):
        with attempt:
            assert condition()


def container(**more: Any) -> Any:
    """A container that any cluster accepts."""
    return {"name": "app", "image": "registry.test/app:1", **more}


def workload(labels: dict[str, str], *containers: Any, **spec: Any) -> Any:
    """The selector and template that workloads share."""
    template = {"metadata": {"labels": labels}, "spec": {"containers": list(containers) or [container()], **spec}}
    return {"selector": {"matchLabels": labels}, "template": template}
