"""The sandbox: a real PostgreSQL and a real Kubernetes API on this machine, for environment ``local``."""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

from filelock import FileLock

from local.directory import FoundationDirectory
from local.files import write_private
from local.kubernetes.api import ClusterApi, ClusterError
from local.kubernetes.context import export_context
from local.kubernetes.nodes import DEFAULT_NODES, Node
from local.kubernetes.server import KubernetesServer
from local.kubernetes.setup import add_nodes, add_storage, install_crds
from local.parts import Server, make
from local.ports import choose_port, is_free
from local.postgres.server import PostgresServer
from local.processes import ServerError
from local.toolchain.progress import note

# A port can be taken between the moment it was found free and the moment the server listens.
ATTEMPTS = 3


class ContextConflict(RuntimeError):
    """The sandbox exists and uses another cluster than the one that was asked for."""


@dataclass(frozen=True)
class Part:
    """A server of the sandbox. ``state`` is running, starting (the process runs and doesn't answer) or stopped;
    ``endpoint`` is empty when it has none; ``pid`` is None when it isn't a process of the sandbox's."""

    name: str
    state: str
    endpoint: str
    version: str
    pid: int | None


@dataclass
class Settings:
    """What ``sandbox.json`` remembers: each server's port, the user's context where one is used instead of the
    sandbox's own cluster, and which further parts there are."""

    ports: dict[str, int] = field(default_factory=dict)
    context: str | None = None
    parts: list[str] = field(default_factory=list)


class Sandbox:
    """The servers of one environment, everything of them in one folder.

    ``context`` names a context of the user's own kubeconfig to use instead of the sandbox's cluster; None means what
    the sandbox was started with before, else its own cluster. Asking for another one than before raises
    ``ContextConflict``. In the user's cluster only the CRDs are installed; they stay when the sandbox is destroyed,
    since other things may use them by then. ``parts`` names further servers of ``local.parts``; those that the
    sandbox was started with before stay with it.

    Every method may be called at any time and finishes what an earlier, killed call left half-done.
    """

    def __init__(self, directory: FoundationDirectory, context: str | None = None, parts: Sequence[str] = ()) -> None:
        self.directory = directory
        folder = directory.sandbox.resolve()
        self.kubernetes = KubernetesServer(folder, directory.kubeconfig)
        self.postgres = PostgresServer(folder, directory.pg_service_file)
        self._wanted_context = context
        self._wanted_parts = parts
        self._changing = threading.Lock()  # the servers start on threads of their own
        self._settings = self._load()

    @property
    def context(self) -> str | None:
        """The context of the user's kubeconfig that is used; None: a cluster of the sandbox's own."""
        return self._load().context

    @property
    def parts(self) -> list[Server]:
        """The further servers."""
        settings = self._load()
        return [make(name, self.directory, own_cluster=settings.context is None) for name in settings.parts]

    def start(self, progress: Callable[[str], None] = note, nodes: Sequence[Node] = DEFAULT_NODES) -> list[Part]:
        """Start what isn't running, side by side, and wait until all of it answers.

        Builds the Kubernetes server first where the machine has none (about 8 minutes, once). Raises ``ServerError``,
        ``BuildError`` or ``ClusterError``; what did start keeps running.
        """
        with self._locked(), ThreadPoolExecutor() as pool:
            progress("starting PostgreSQL and Kubernetes")
            self._settings.parts = sorted({*self._settings.parts, *self._wanted_parts})
            self._save()
            started = [pool.submit(self._run, server) for server in (self.postgres, *self.parts)]
            started.append(pool.submit(self._start_kubernetes, nodes))
        for part in started:
            part.result()
        return self.status()

    def stop(self) -> None:
        """Stop the servers. Data and ports are kept for the next start."""
        with self._locked(), ThreadPoolExecutor() as pool:
            stopped = [pool.submit(server.stop) for server in (*self.parts, self.kubernetes, self.postgres)]
        for part in stopped:
            part.result()

    def destroy(self) -> None:
        """Stop the servers and delete their data, logs and credentials: nothing is left."""
        with self._locked():
            for server in (*self.parts, self.kubernetes, self.postgres):
                server.destroy()
            shutil.rmtree(self.directory.sandbox, ignore_errors=True)
            self.directory.sandbox_file.unlink(missing_ok=True)
        self._lock_file.unlink(missing_ok=True)

    def status(self) -> list[Part]:
        """What each server is doing now."""
        self._settings = self._load()
        cluster = self._part(self.kubernetes) if self._settings.context is None else self._context_part()
        return [self._part(self.postgres), cluster, *(self._part(part) for part in self.parts)]

    def add_node(self, node: Node) -> None:
        """Add a node, such as ``enterprise_node(slug)``: no autoscaler does it here. Idempotent.

        Raises ``ClusterError``, also when the cluster is the user's own.
        """
        self._settings = self._load()
        if self._settings.context is not None:
            raise ClusterError(f"the cluster of context {self._settings.context!r} has its own nodes")
        with self._api() as api:
            add_nodes(api, [node])

    def _load(self) -> Settings:
        """What is remembered, with the context that was asked for. Raises ``ContextConflict``."""
        file = self.directory.sandbox_file
        if not file.exists():
            return Settings(context=self._wanted_context)
        try:
            settings = Settings(**json.loads(file.read_text()))
        except (ValueError, TypeError) as error:
            raise ServerError(f"{file} was changed and can't be read ({error}); delete it and start again") from error
        if self._wanted_context not in (None, settings.context):
            used = f"context {settings.context!r}" if settings.context else "a cluster of its own"
            raise ContextConflict(
                f"the sandbox in {self.directory.root} uses {used}, not context {self._wanted_context!r}; "
                "destroy it first (foundation down)"
            )
        return settings

    def _run(self, server: Server) -> None:
        known = self._settings.ports.get(server.name)
        if known is not None and server.resume(known):
            return
        server.stop()
        for attempt in range(ATTEMPTS):
            port = choose_port(self._settings.ports.get(server.name))
            self._remember_port(server.name, port)
            try:
                server.start(port)
                break
            except ServerError:
                server.stop()
                if attempt == ATTEMPTS - 1 or is_free(port):
                    raise

    def _start_kubernetes(self, nodes: Sequence[Node]) -> None:
        context = self._settings.context
        if context is not None:
            self._save()
            export_context(context, self.directory.kubeconfig)
        else:
            self._run(self.kubernetes)
        with self._api() as api:
            if context is None:
                add_storage(api)
                add_nodes(api, nodes)
            install_crds(api)

    def _part(self, server: Server) -> Part:
        process = server.process.find()
        port = self._settings.ports.get(server.name)
        state = "stopped" if process is None else "running" if server.answers() else "starting"
        pid = process.pid if process else None
        return Part(server.name, state, server.endpoint(port) if port else "", server.version, pid)

    def _context_part(self) -> Part:
        state = "running" if self.kubernetes.answers() else "stopped"
        return Part(self.kubernetes.name, state, f"context {self._settings.context}", "", None)

    @contextlib.contextmanager
    def _api(self) -> Iterator[ClusterApi]:
        api = ClusterApi(self.directory.kubeconfig)
        try:
            yield api
        finally:
            api.close()

    @property
    def _lock_file(self) -> Path:
        return self.directory.root / "sandbox.lock"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        # One start, stop or destroy at a time; the kernel frees the lock of a process that dies.
        with FileLock(self._lock_file, mode=0o600):
            # What a call that had the lock before has changed.
            self._settings = self._load()
            yield

    def _remember_port(self, server: str, port: int) -> None:
        with self._changing:
            self._settings.ports[server] = port
            self._save()

    def _save(self) -> None:
        write_private(self.directory.sandbox_file, json.dumps(asdict(self._settings), indent=2) + "\n")
