"""Commands on the parts: prepare, env, doctor, schema, sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from automation.cli.app import Json, app, options_of

sandbox = typer.Typer(no_args_is_help=True, help="The sandbox's servers: start, stop, status, destroy.")
app.add_typer(sandbox, name="sandbox")

Context = Annotated[
    str | None, typer.Option("--context", help="Use this context of your kubeconfig instead of a cluster of its own.")
]


@app.command()
def prepare(ctx: typer.Context, json: Json = False) -> None:
    """Build or fetch every tool that `up` needs; start nothing."""
    from concurrent.futures import ThreadPoolExecutor

    from local.kubernetes.programs import get_programs
    from local.toolchain import ensure

    project = options_of(ctx).find()
    # Both builds share Go's caches; side by side they take what the longer one takes.
    with ThreadPoolExecutor() as pool:
        toolchain = pool.submit(ensure, project.directory)
        kubernetes = pool.submit(get_programs)
    parts: list[tuple[str, ...]] = [(part.name, part.source, part.version) for part in toolchain.result().describe()]
    programs = kubernetes.result()
    parts.append(("kubernetes", programs.source, programs.version))
    _print_parts(json, "tools", ("part", "source", "version"), parts)


@app.command()
def env(ctx: typer.Context, json: Json = False) -> None:
    """Print the variables that make plain `pulumi` work: source <(foundation env)."""
    from automation.engine import engine_environment
    from automation.operations import as_json
    from local.toolchain import shell_exports

    variables = engine_environment(options_of(ctx).find())
    print(as_json(variables) if json else shell_exports(variables))


@app.command()
def doctor(ctx: typer.Context, json: Json = False) -> None:
    """What is installed, which parts are in use, what is missing and how to get it."""
    from automation import doctor as examination
    from automation.cli.view import print_table
    from automation.errors import BadInput

    try:
        project = options_of(ctx).find()
    except BadInput:
        project = None
    findings = examination.examine(project)
    if json:
        print(examination.as_json(findings))
    else:
        rows = [(found.part, found.state, found.detail, found.next_step) for found in findings]
        print_table("doctor", ("part", "state", "found", "next step"), rows)
    if any(found.state == "missing" for found in findings):
        raise typer.Exit(1)


@app.command()
def schema(
    ctx: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit code 1 when one is stale.")] = False,
    json: Json = False,
) -> None:
    """Write the JSON Schemas that editors check tenants' files with."""
    from models.schemas import stale, write

    folder = options_of(ctx).find().folder / "schemas"
    names = stale(folder)
    if not check:
        write(folder)
    title = "stale schemas" if check else "schemas written anew"
    _print_parts(json, title, ("file",), [(f"schemas/{name}",) for name in names])
    if check and names:
        raise typer.Exit(1)


@sandbox.command()
def start(ctx: typer.Context, context: Context = None, json: Json = False) -> None:
    """Start the servers that don't run, and wait until they answer."""
    from automation.cli.view import say
    from local.sandbox import Sandbox

    chosen = Sandbox(options_of(ctx).find().directory, context=context)
    _print_sandbox(json, chosen.start(progress=say))


@sandbox.command()
def stop(ctx: typer.Context, json: Json = False) -> None:
    """Stop the servers; their data is kept."""
    from local.sandbox import Sandbox

    chosen = Sandbox(options_of(ctx).find().directory)
    chosen.stop()
    _print_sandbox(json, chosen.status())


@sandbox.command()
def status(ctx: typer.Context, json: Json = False) -> None:
    """What the servers are doing."""
    from local.sandbox import Sandbox

    _print_sandbox(json, Sandbox(options_of(ctx).find().directory).status())


@sandbox.command()
def destroy(
    ctx: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    json: Json = False,
) -> None:
    """Stop the servers and delete their data. The stack's state stays: use `down` for all of it."""
    from local.sandbox import Sandbox

    chosen = Sandbox(options_of(ctx).find().directory)
    if not yes:
        typer.confirm("This deletes the sandbox's databases and cluster. Go on?", abort=True)
    chosen.destroy()
    _print_sandbox(json, chosen.status())


def _print_sandbox(as_json: bool, parts: Sequence[object]) -> None:
    columns = ("name", "state", "endpoint", "version", "pid")
    rows = [
        tuple("" if getattr(part, name) is None else str(getattr(part, name)) for name in columns) for part in parts
    ]
    _print_parts(as_json, "sandbox", columns, rows)


def _print_parts(as_json: bool, title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    if as_json:
        import json

        print(json.dumps({title.replace(" ", "_"): [dict(zip(columns, row, strict=True)) for row in rows]}, indent=2))
        return
    from automation.cli.view import print_table

    print_table(title, columns, rows)
