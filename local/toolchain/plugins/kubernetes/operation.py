"""What one operation on a resource works with, once its cluster is known to answer."""

from __future__ import annotations

from dataclasses import dataclass

from local.toolchain.plugins.kubernetes import apply, awaiting
from local.toolchain.plugins.kubernetes.apply import Target, find_api
from local.toolchain.plugins.kubernetes.client import Client
from local.toolchain.plugins.kubernetes.objects import (
    FIELD_MANAGER,
    INITIAL_API_VERSION,
    PATCH_FIELD_MANAGER,
    TIMEOUT_SECONDS,
    Object,
    annotation,
    checkpoint,
    from_properties,
    id_of,
    name_of,
    namespace_of,
)
from local.toolchain.plugins.kubernetes.settings import Cluster
from provider.plugin import Context, InitFailed, PluginError, Properties

Ctx = Context[Cluster]


@dataclass(frozen=True)
class Operation:
    """One operation. ``marked`` are the inputs (they say what is secret), ``recorded`` the outputs of last time."""

    context: Ctx
    cluster: Cluster
    client: Client
    marked: Properties
    recorded: Properties
    field_manager: str

    @classmethod
    def begin(cls, context: Ctx, marked: Properties, recorded: Properties) -> Operation:
        """Raises :class:`PluginError` when the cluster can't be reached."""
        cluster = context.config
        assert cluster is not None
        if cluster.client is None:
            raise PluginError(f"configured Kubernetes cluster is unreachable: {cluster.unreachable}")
        chosen = annotation(from_properties(marked), PATCH_FIELD_MANAGER) or recorded.get(FIELD_MANAGER)
        manager = str(chosen) if chosen else apply.new_field_manager()
        return cls(context, cluster, cluster.client, marked, recorded, manager)

    def target(self, *, dry_run: bool = False, field_manager: str | None = None) -> Target:
        return Target(
            client=self.client,
            field_manager=field_manager or self.field_manager,
            upsert=self.cluster.settings.upsert,
            force=self.cluster.settings.patch_force,
            dry_run=dry_run,
            cancelled=self.context.cancelled,
            log=self.context.log,
        )

    def checkpoint(self, inputs: Object, live: Object) -> Properties:
        """What is recorded of the object."""
        initial = self.recorded.get(INITIAL_API_VERSION) or inputs.get("apiVersion")
        return checkpoint(inputs, live, self.marked, initial_api_version=str(initial), field_manager=self.field_manager)

    def watched(self, inputs: Object, live: Object) -> awaiting.Watched:
        seconds = annotation(inputs, TIMEOUT_SECONDS)
        return awaiting.Watched(
            client=self.client,
            api=find_api(self.client, live),
            namespace=namespace_of(live),
            name=name_of(live),
            timeout=self.context.timeout or (float(seconds) if seconds.isdigit() else 0),
            cancelled=self.context.cancelled,
            log=self.context.log,
        )

    def await_ready(self, inputs: Object, made: Object, before: Object | None) -> Object:
        """The object once it's ready. Raises :class:`InitFailed` with what was last seen of it."""
        try:
            return awaiting.await_ready(self.watched(inputs, made), inputs, made, before)
        except PluginError as error:
            live = error.live if isinstance(error, awaiting.NotReady) else made
            reasons = error.reasons if isinstance(error, awaiting.NotReady) else []
            what = "created" if before is None else "updated"
            message = (
                f"resource {id_of(live)!r} was successfully {what}, but the Kubernetes API server reported that it "
                f"failed to fully initialize or become live: {error}"
            )
            raise InitFailed(id_of(live), self.checkpoint(inputs, live), [message, *reasons]) from error
