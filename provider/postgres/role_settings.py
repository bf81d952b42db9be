"""``foundation:postgres:RoleSettings``: what a role's sessions start with, in every database or in one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from psycopg import sql

from provider.plugin import (
    UNKNOWN,
    CheckFailure,
    CheckResult,
    Context,
    Diff,
    Kind,
    Properties,
    ResourceType,
    State,
    Value,
    contains_unknown,
    reveal,
)
from provider.postgres.server import Connection, Server, identifier, server_of, statement

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)*")
# Settings that are lists of names: PostgreSQL takes 'a, b' as one name unless each is given by itself.
LIST_SETTINGS = frozenset(
    {"search_path", "temp_tablespaces", "session_preload_libraries", "local_preload_libraries", "datestyle"}
)


class RoleSettings(ResourceType[Server]):
    """``ALTER ROLE role [IN DATABASE database] SET name = value``; settings it wasn't given are left alone."""

    def check(self, context: Context[Server], old: Properties | None, new: Properties, seed: bytes) -> CheckResult:
        new = reveal(new)
        failures = [
            CheckFailure(key, "unknown input; there are: role, settings, database")
            for key in new
            if key not in ("role", "settings", "database")
        ]
        for key in ("role", "database"):
            value = new.get(key)
            if value is not UNKNOWN and not (isinstance(value, str) and value) and (key == "role" or value is not None):
                failures.append(CheckFailure(key, "must be a name"))
        inputs = {key: new[key] for key in ("role", "settings", "database") if new.get(key) is not None}
        if isinstance(new.get("settings"), Mapping):
            inputs["settings"] = {name: _canonical(name, value) for name, value in new["settings"].items()}
        return CheckResult(inputs, [*failures, *_setting_failures(new.get("settings"))])

    def diff(self, context: Context[Server], old: State, new: Properties, ignore: Sequence[str]) -> Diff:
        detailed = {}
        for key in ("role", "database"):
            if old.inputs.get(key) != new.get(key):
                detailed[key] = Kind.UPDATE_REPLACE
        before, now = old.outputs["settings"], new["settings"]
        if now is UNKNOWN:
            detailed["settings"] = Kind.UPDATE
        elif before != now:
            detailed |= {f'settings["{name}"]': Kind.DELETE for name in before if name not in now}
            detailed |= {f'settings["{name}"]': Kind.ADD for name in now if name not in before}
            detailed |= {
                f'settings["{name}"]': Kind.UPDATE
                for name in before.keys() & now.keys()
                if now[name] is UNKNOWN or before[name] != now[name]
            }
        return Diff(detailed)

    def create(self, context: Context[Server], inputs: Properties) -> State:
        self._alter(context, inputs, inputs["settings"], ())
        return State(_id_of(inputs), inputs, inputs)

    def read(self, context: Context[Server], state: State) -> State | None:
        role, database = _parse(state.id)

        def look(connection: Connection) -> State | None:
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is None:
                return None
            now = _settings_of(connection, role, database)
            if state.inputs:
                # Only those asked for: others are somebody else's business.
                now = {name: value for name, value in now.items() if name in state.inputs["settings"]}
            found: Properties = {"role": role, "settings": now}
            if database:
                found["database"] = database
            return State(state.id, state.inputs or found, found) if now else None

        return server_of(context).run(server_of(context).database, context.cancelled, look)

    def update(self, context: Context[Server], old: State, new: Properties) -> Properties:
        gone = [name for name in old.outputs["settings"] if name not in new["settings"]]
        self._alter(context, new, new["settings"], gone)
        return new

    def delete(self, context: Context[Server], state: State) -> None:
        role, database = _parse(state.id)

        def reset(connection: Connection) -> None:
            for catalogue, column, name in (("pg_roles", "rolname", role), ("pg_database", "datname", database)):
                query = statement(
                    "SELECT 1 FROM {catalogue} WHERE {column} = {name}",
                    catalogue=identifier(catalogue),
                    column=identifier(column),
                    name=sql.Literal(name),
                )
                if name and connection.execute(query).fetchone() is None:
                    return  # gone, and its settings with it
            _alter_role(connection, role, database, {}, list(state.outputs["settings"]))

        server_of(context).run(server_of(context).database, context.cancelled, reset)

    def _alter(
        self, context: Context[Server], inputs: Properties, settings: Mapping[str, str], gone: Sequence[str]
    ) -> None:
        def alter(connection: Connection) -> None:
            _alter_role(connection, inputs["role"], inputs.get("database"), settings, gone)

        server_of(context).run(server_of(context).database, context.cancelled, alter)


def _alter_role(
    connection: Connection, role: str, database: str | None, settings: Mapping[str, str], gone: Sequence[str]
) -> None:
    target = statement("ALTER ROLE {role}", role=identifier(role))
    if database:
        target += statement(" IN DATABASE {database}", database=identifier(database))
    for name in gone:
        connection.execute(target + statement(" RESET {name}", name=_setting(name)))
    for name, value in sorted(settings.items()):
        items = [part.strip() for part in value.split(",")] if name.lower() in LIST_SETTINGS else [value]
        values = sql.SQL(", ").join(sql.Literal(item) for item in items)
        connection.execute(target + statement(" SET {name} TO {values}", name=_setting(name), values=values))


def _settings_of(connection: Connection, role: str, database: str | None) -> dict[str, str]:
    rows = connection.execute(
        """
        SELECT split_part(entry, '=', 1), substr(entry, strpos(entry, '=') + 1)
          FROM pg_db_role_setting, unnest(setconfig) AS entry
         WHERE setrole = (SELECT oid FROM pg_roles WHERE rolname = %s)
           AND setdatabase = coalesce((SELECT oid FROM pg_database WHERE datname = %s), 0)
        """,
        (role, database),
    ).fetchall()
    return {name: _canonical(name, value) for name, value in rows}


def _canonical(name: str, value: Value) -> Value:
    """A list setting as names without quotes, "a, $user": the server shows quotes round those that need them."""
    if name.lower() not in LIST_SETTINGS or not isinstance(value, str):
        return value
    return ", ".join(part.strip().removeprefix('"').removesuffix('"') for part in value.split(","))


def _setting(name: str) -> sql.Composable:
    return identifier(*name.split("."))


def _setting_failures(settings: Value) -> list[CheckFailure]:
    if settings is UNKNOWN:
        return []
    if not isinstance(settings, Mapping) or not settings:
        return [CheckFailure("settings", "must hold at least one setting and its value")]
    failures = []
    for name, value in settings.items():
        if not NAME.fullmatch(name):
            failures.append(CheckFailure(f'settings["{name}"]', "is no setting's name, such as app.current_tenant"))
        if not contains_unknown(value) and not isinstance(value, str):
            failures.append(CheckFailure(f'settings["{name}"]', f'must be a string: "{value}"'))
    return failures


def _id_of(inputs: Properties) -> str:
    # A role's name may hold anything but not "@" first, a database's likewise; ROLE or ROLE@DATABASE.
    database = inputs.get("database")
    return f"{inputs['role']}@{database}" if database else str(inputs["role"])


def _parse(resource_id: str) -> tuple[str, str | None]:
    role, separator, database = resource_id.rpartition("@")
    return (role, database) if separator else (resource_id, None)
