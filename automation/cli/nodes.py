"""Commands on nodes: list, roll, unprotect, remove."""

from __future__ import annotations

from typing import Annotated

import typer

from automation.cli.app import Json, app, options_of

nodes = typer.Typer(no_args_is_help=True, help="Nodes at Hetzner: list, roll, unprotect, remove.")
app.add_typer(nodes, name="nodes")

Name = Annotated[str, typer.Argument(help="The node's name.")]
COLUMNS = ("name", "pool", "type", "location", "status", "node", "made_by", "in_state", "protected", "created")


@nodes.command("list")
def list_nodes(ctx: typer.Context, json: Json = False) -> None:
    """The cluster's servers, as Hetzner and Kubernetes see them."""
    from automation.cli.view import print_table
    from automation.node_list import listed
    from automation.operations import as_json

    project = options_of(ctx).find()
    found = listed(project)
    if json:
        print(as_json({"environment": project.environment, "nodes": [vars(node) for node in found]}))
        return
    rows = [[str(getattr(node, column)) for column in COLUMNS] for node in found]
    print_table(f"nodes of {project.environment}", [column.replace("_", " ") for column in COLUMNS], rows)


@nodes.command()
def roll(
    ctx: typer.Context,
    pool: Annotated[str, typer.Argument(help="The pool: control-plane, shared, ..., enterprise, or t-SLUG.")],
    json: Json = False,
) -> None:
    """Replace a pool's servers by new ones, one by one. Interrupted, the same command goes on."""
    from automation import nodes as life
    from automation.cli.view import Progress

    progress = Progress()
    with progress.shown():
        replaced = life.roll(options_of(ctx).find(), pool, progress.tell)
    _done(json, {"pool": pool, "replaced": replaced}, f"{replaced} servers of {pool} are new")


@nodes.command()
def unprotect(ctx: typer.Context, name: Name, json: Json = False) -> None:
    """Let a protected server go: the first step of its removal. `up` lifts the protection."""
    from automation import nodes as life

    life.unprotect(options_of(ctx).find(), name)
    _done(json, {"name": name, "needs_up": True}, f"{name} may go now\nnext: foundation up")


@nodes.command()
def remove(
    ctx: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    json: Json = False,
) -> None:
    """Move a node's pods off it and remove its server: a pool's last one, or one of the cluster autoscaler."""
    from automation import nodes as life
    from automation.cli.view import Progress

    project = options_of(ctx).find()
    if not yes:
        typer.confirm(f"This removes {name} from {project.environment}. Go on?", abort=True)
    progress = Progress()
    with progress.shown():
        life.take_away(project, name, progress.tell)
    _done(json, {"name": name, "removed": True}, f"{name} is gone")


def _done(as_json: bool, data: dict[str, object], line: str) -> None:
    if as_json:
        import json

        print(json.dumps(data, indent=2))
    else:
        print(line)
