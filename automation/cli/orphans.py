"""Command on what was left behind at Hetzner: orphans."""

from __future__ import annotations

from typing import Annotated

import typer

from automation.cli.app import Environment, Json, app, chosen, options_of


@app.command()
def orphans(
    ctx: typer.Context,
    environment: Environment = None,
    remove: Annotated[bool, typer.Option("--remove", help="Delete them.")] = False,
    unprotect: Annotated[bool, typer.Option("--unprotect", help="With --remove: delete protected ones too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    json: Json = False,
) -> None:
    """List what Hetzner has of the cluster and no state knows; --remove deletes it. Exit code 1 when some are left."""
    from automation import orphans as search
    from automation.cli.view import print_table, say
    from automation.operations import as_json

    project = chosen(options_of(ctx), environment).find()
    found = search.find(project)
    rows = [search.describe(item) | {"certain": True} for item in found.certain]
    rows += [search.describe(item) | {"certain": False} for item in found.perhaps]
    if rows and not json:
        cells = [(*(str(row[key]) for key in ("kind", "id", "name", "made_by", "for")), _note(row)) for row in rows]
        print_table(
            f"what is left of {project.environment} at Hetzner", ("kind", "id", "name", "made by", "for", ""), cells
        )
    if remove and rows:
        if found.certain and not yes:
            typer.confirm(f"This deletes {len(found.certain)} objects at Hetzner. Go on?", abort=True)
        search.take_away(found, say, unprotect=unprotect)
    if json:
        print(as_json({"environment": project.environment, "orphans": rows, "removed": remove}))
    elif not rows:
        print(f"nothing is left of {project.environment} at Hetzner that no state knows")
    if rows and not remove:
        raise typer.Exit(1)


def _note(row: dict[str, object]) -> str:
    if not row["certain"]:
        return "perhaps in use: the cluster doesn't answer"
    return "protected" if row["protected"] else ""
