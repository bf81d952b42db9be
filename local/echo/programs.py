"""Pods whose program is part of this project: they do run, one process for each Deployment."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from local.files import write_private
from local.kubernetes.api import ClusterApi
from local.ports import LOOPBACK, choose_port

MODULES: Final[Mapping[str, str]] = {"auth-service": "services.auth"}
"""App -> the module that its image runs."""
_PROJECT = Path(__file__).parents[2]
START_TIMEOUT = 30.0
STOP_TIMEOUT = 10.0


class NotRunning(ConnectionError):
    """The cluster has no such Deployment, or its program ended."""


@dataclass
class _Program:
    process: subprocess.Popen[bytes]
    port: int
    made_from: str
    """Versions of the Deployment and the Secret; others mean another pod."""


class Programs:
    """Runs what the cluster's Deployments say, as a kubelet does: environment and Secret come from there.

    A program is started by the first connection to it and again when its Deployment or its Secret changes.
    """

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        self._kubeconfig = kubeconfig
        self._folder = folder
        self._running: dict[tuple[str, str], _Program] = {}
        self._lock = threading.Lock()

    def address(self, app: str, namespace: str) -> tuple[str, int]:
        """Where the app of a namespace listens. Raises ``NotRunning`` and ``ClusterError``."""
        with self._lock:
            deployment, secret = self._read(app, namespace)
            wanted = "-".join(found["metadata"]["uid"] + str(_version(found)) for found in (deployment, secret))
            known = self._running.get((app, namespace))
            if known is None or known.process.poll() is not None or known.made_from != wanted:
                if known is not None:
                    _end(known)
                known = self._start(app, namespace, deployment, secret, wanted)
                self._running[app, namespace] = known
            return LOOPBACK, known.port

    def stop(self) -> None:
        """End all of them."""
        with self._lock:
            for program in self._running.values():
                _end(program)
            shutil.rmtree(self._folder, ignore_errors=True)

    def _read(self, app: str, namespace: str) -> tuple[Any, Any]:
        api = ClusterApi(self._kubeconfig)
        try:
            deployment = api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{app}")
            secret = api.get(f"/api/v1/namespaces/{namespace}/secrets/{app}")
        finally:
            api.close()
        if deployment is None or secret is None:
            raise NotRunning(f"namespace {namespace} has no Deployment {app} with its Secret")
        return deployment, secret

    def _start(self, app: str, namespace: str, deployment: Any, secret: Any, made_from: str) -> _Program:
        folder = self._folder / namespace / app
        for key, value in secret["data"].items():
            write_private(folder / key, base64.b64decode(value).decode())
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        port = choose_port(None)
        given = {entry["name"]: entry["value"] for entry in container.get("env", []) if "value" in entry}
        prefix = app.partition("-")[0].upper()
        own = {f"{prefix}_SECRETS_DIR": str(folder), f"{prefix}_HOST": LOOPBACK, f"{prefix}_PORT": str(port)}
        process = subprocess.Popen(
            [sys.executable, "-m", MODULES[app], *container.get("args", [])],
            cwd=_PROJECT,
            env={"PATH": os.environ.get("PATH", ""), **given, **own},
            stdin=subprocess.DEVNULL,
        )
        program = _Program(process, port, made_from)
        try:
            Retrying(
                retry=retry_if_result(lambda up: not up), stop=stop_after_delay(START_TIMEOUT), wait=wait_fixed(0.05)
            )(lambda: process.poll() is not None or _listens(port))
        except RetryError:
            _end(program)
        if process.poll() is not None:
            raise NotRunning(f"{app} of {namespace} ended; the pods' log says why")
        return program


def _version(found: Any) -> int:
    # A Deployment's status changes all the time, its generation with what is wanted.
    metadata = found["metadata"]
    return int(metadata.get("generation") or metadata["resourceVersion"])


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
        return True
    return False


def _end(program: _Program) -> None:
    program.process.terminate()
    try:
        program.process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        program.process.kill()
        program.process.wait()
