"""``foundation:postgres:SchemaMigrations``: the SQL migrations of one schema, in order, each in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from provider.plugin import (
    CheckResult,
    Context,
    Diff,
    Kind,
    PluginError,
    Properties,
    ResourceType,
    State,
    Value,
)
from provider.postgres import history
from provider.postgres.history import Version
from provider.postgres.migrate import Migrator
from provider.postgres.row_level_security import RowLevelSecurity
from provider.postgres.schema_migrations_inputs import check_inputs
from provider.postgres.server import Connection, Server, server_of


class SchemaMigrations(ResourceType[Server]):
    """State holds names and checksums of the migrations, never their SQL: a thousand tenants of one product would
    else hold a thousand copies of it. The SQL stays in this process by its checksum, from Check (which comes first
    in every update) to Create or Update."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def check(self, context: Context[Server], old: Properties | None, new: Properties, seed: bytes) -> CheckResult:
        return check_inputs(old, new, self._texts)

    def diff(self, context: Context[Server], old: State, new: Properties, ignore: Sequence[str]) -> Diff:
        detailed = {key: Kind.UPDATE for key in ("owner", "rowLevelSecurity") if old.inputs.get(key) != new.get(key)}
        if old.outputs.get("unprotected"):
            detailed["rowLevelSecurity"] = Kind.UPDATE
        # What is applied counts, not what was asked for last time: a row that has gone is applied again.
        before, wanted = old.outputs.get("applied") or [], new["migrations"]
        for index in range(max(len(before), len(wanted))):
            if index >= len(before):
                detailed[f"migrations[{index}]"] = Kind.ADD
            elif index >= len(wanted):
                detailed[f"migrations[{index}]"] = Kind.DELETE
            elif before[index] != wanted[index]:
                detailed[f"migrations[{index}]"] = Kind.UPDATE
        return Diff(detailed)

    def preview_create(self, context: Context[Server], inputs: Properties) -> Properties:
        return _outputs(inputs, inputs["migrations"])

    def create(self, context: Context[Server], inputs: Properties) -> State:
        self._migrate(context, inputs, recorded=[])
        resource_id = f"{inputs['database']}.{inputs['schema']}"
        return State(resource_id, inputs, _outputs(inputs, inputs["migrations"]))

    def preview_update(self, context: Context[Server], old: State, new: Properties) -> Properties:
        return _outputs(new, new["migrations"])

    def update(self, context: Context[Server], old: State, new: Properties) -> Properties:
        self._migrate(context, new, recorded=_versions(old.inputs))
        return _outputs(new, new["migrations"])

    def read(self, context: Context[Server], state: State) -> State | None:
        database, _, schema = state.id.partition(".")

        def look(connection: Connection) -> State | None:
            owner = history.owner_of(connection, schema)
            if owner is None:
                return None
            applied = [row.properties() for row in history.applied(connection, schema)]
            imported = {"schema": schema, "database": database, "owner": owner, "migrations": applied}
            inputs = state.inputs or imported
            security = _security(inputs)
            unprotected = security.unprotected(connection, schema) if security else []
            return State(state.id, inputs, _outputs(inputs, applied, unprotected))

        return server_of(context).run(database, context.cancelled, look)

    def delete(self, context: Context[Server], state: State) -> None:
        """Leaves the schema, its data and its history; only the history of a schema that has gone is removed."""
        database, _, schema = state.id.partition(".")

        def forget(connection: Connection) -> None:
            if history.owner_of(connection, schema) is None:
                history.forget(connection, schema)

        server_of(context).run(database, context.cancelled, forget)

    def _migrate(self, context: Context[Server], inputs: Properties, recorded: Sequence[Version]) -> None:
        Migrator(
            server=server_of(context),
            database=inputs["database"],
            schema=inputs["schema"],
            owner=inputs["owner"],
            wanted=_versions(inputs),
            recorded=recorded,
            security=_security(inputs),
            text_of=self._text_of,
            log=context.log,
            warn=context.warn,
            cancelled=context.cancelled,
        ).run()

    def _text_of(self, migration: Version) -> str:
        try:
            return self._texts[migration.checksum]
        except KeyError:
            raise PluginError(
                f"the SQL of version {migration.version} ({migration.name}) isn't known to this process: run the "
                "update from the program that holds it"
            ) from None


def _versions(inputs: Properties) -> list[Version]:
    return [Version.from_properties(migration) for migration in inputs["migrations"]]


def _security(inputs: Properties) -> RowLevelSecurity | None:
    properties = inputs.get("rowLevelSecurity")
    return RowLevelSecurity.from_properties(properties, inputs["owner"]) if properties else None


def _outputs(inputs: Properties, applied: Value, unprotected: Sequence[str] = ()) -> Properties:
    """What state shows beside the inputs; in a preview the same, since it is known which versions will run."""
    last = applied[-1]["version"] if applied else 0
    return {**inputs, "version": last, "applied": applied, "unprotected": list(unprotected)}
