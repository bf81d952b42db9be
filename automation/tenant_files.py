"""Writing tenants' YAML files: comments and order are kept, a file is checked before it takes its place."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

from ruamel.yaml import YAML

from automation.errors import BadInput
from automation.project import Project
from models.names import check_slug

# Where editors find the schema, seen from tenants/<environment>/.
SCHEMA = "../../schemas/tenant.schema.json"


def tenant_file(project: Project, slug: str) -> Path:
    """The tenant's file; ``BadInput`` when there is none."""
    # Found among the folder's own files: a slug with a slash in it must not lead elsewhere.
    files = {file.stem: file for file in project.tenants_folder.glob("*.yaml")}
    file = files.get(slug)
    if file is None:
        known = sorted(files)
        raise BadInput(
            f"there is no tenant {slug!r} in environment {project.environment}",
            next_step=f"use one of: {', '.join(known) or 'none yet'}; or add it: foundation tenants add {slug}",
        )
    return file


def add(
    project: Project,
    slug: str,
    plan: str,
    *,
    product: str | None = None,
    name: str | None = None,
    email: str | None = None,
) -> Path:
    """Write the file of a new tenant and return its path.

    ``name`` is the display name (default: the slug in words), ``email`` the administrator's address (default:
    admin@ the tenant's host). Raises ``BadInput`` when the tenant exists or when a value is wrong.
    """
    try:
        check_slug(slug)
    except ValueError as error:
        raise BadInput(f"{slug!r} can't be a slug: {error}", next_step="choose another slug") from error
    file = project.tenants_folder / f"{slug}.yaml"
    if file.exists():
        raise BadInput(
            f"tenant {slug!r} exists: {file.relative_to(project.folder)}",
            next_step=f"change its plan with: foundation tenants set-plan {slug} {plan}",
        )
    environment = project.load()
    content = _new_file(
        slug=slug,
        plan=plan,
        product=product or next(iter(environment.products)),
        name=name or slug.replace("-", " ").title(),
        email=email or f"admin@{slug}.{environment.settings.domain}",
    )
    put(project, file, content)
    return file


def set_plan(project: Project, slug: str, plan: str) -> bool:
    """Change the tenant's plan, that line alone; False when it is on this plan already."""
    return _edit(project, slug, lambda tenant: _assign(tenant, "plan", plan))


def set_status(project: Project, slug: str, status: str) -> bool:
    """Change the tenant's status; False when it has this status already."""
    return _edit(project, slug, lambda tenant: _assign(tenant, "status", status))


def set_final_backup(project: Project, slug: str, backup: dict[str, str]) -> bool:
    """Record the final backup of a deleted tenant."""
    return _edit(project, slug, lambda tenant: _assign(tenant, "final_backup", backup))


def delete(project: Project, slug: str) -> None:
    """Remove the tenant's file; the next ``up`` removes the tenant."""
    tenant_file(project, slug).unlink()


def _assign(tenant: Any, key: str, value: Any) -> bool:
    if tenant.get(key) == value:
        return False
    tenant[key] = value
    return True


def _edit(project: Project, slug: str, change: Callable[[Any], bool]) -> bool:
    file = tenant_file(project, slug)
    project.load()  # a file that is wrong already is reported as it stands, not as an edit made it
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    tenant = yaml.load(file.read_text(encoding="utf-8"))
    if not change(tenant):
        return False
    text = StringIO()
    yaml.dump(tenant, text)
    put(project, file, text.getvalue())
    return True


def put(project: Project, file: Path, content: str) -> None:
    """Put the file in place in one step, and take it back when the environment is wrong with it."""
    before = file.read_text(encoding="utf-8") if file.exists() else None
    _replace(file, content)
    try:
        project.load()
    except BadInput as error:
        if before is None:
            file.unlink()
        else:
            _replace(file, before)
        # The lines that the problems name were taken back: say so.
        raise BadInput(
            error.message,
            problems=error.problems,
            next_step="nothing was written; give other values, or write what no option gives into the file by hand",
        ) from error


def _replace(file: Path, content: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o644
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, prefix=".", delete=False) as partial:
        partial.write(content)
        partial.flush()
        os.fsync(partial.fileno())
    path = Path(partial.name)
    path.chmod(mode)
    path.replace(file)


def _new_file(*, slug: str, plan: str, product: str, name: str, email: str) -> str:
    yaml = YAML()
    yaml.width = 120
    text = StringIO()
    yaml.dump(
        {
            "api_version": "foundation/v1",
            "product": product,
            "slug": slug,
            "id": str(uuid4()),
            "display_name": name,
            "plan": plan,
            "status": "active",
            "admin_email": email,
        },
        text,
    )
    comments = {
        "slug:": "part of every name (namespace, schema, host); can't be changed later",
        "id:": "the tenant's identity in data and claims; never change it",
        "plan:": "foundation tenants set-plan changes it, in place and without loss of data",
        "status:": "active, suspended (reads only), inactive (no pods, data kept) or deleted",
    }
    lines = [f"# yaml-language-server: $schema={SCHEMA}"]
    for line in text.getvalue().splitlines():
        key = line.partition(" ")[0]
        lines.append(f"{line}  # {comments[key]}" if key in comments else line)
    return "\n".join(lines) + "\n"
