"""The vendor's OpenAPI as judge of every answer."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from openapi_schema_validator import OAS30Validator, oas30_format_checker
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

VARIABLE = "FOUNDATION_HETZNER_OPENAPI"
_BESIDE = Path(__file__).parents[3] / "shared" / "data" / "hetzner-openapi.yml"
# Changed by the vendor since the file was published (changelog): without an owner since 2026-08-01, of a load balancer
# since 2026-10-05.
_ASSIGNEE_TYPES = ["server", "load_balancer", "unassigned"]


def specification_file() -> Path | None:
    """The vendor's file, where there is one."""
    named = os.environ.get(VARIABLE)
    file = Path(named) if named else _BESIDE
    return file if file.is_file() else None


class Judge(HTTPAdapter):
    """Sends requests, and refuses answers that the specification doesn't allow. Without the file it only sends."""

    checked = 0

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        response = super().send(request, *args, **kwargs)
        path = (request.path_url or "").partition("?")[0]
        if path.startswith("/v1/") and specification_file() is not None:
            check(str(request.method), path.removeprefix("/v1"), response)
            Judge.checked += 1
        return response


def check(method: str, path: str, response: Response) -> None:
    """Raise ``AssertionError`` unless the specification has this answer for this request."""
    if re.fullmatch("/networks/[^/]+/members", path):
        return  # New since the file was published.
    template = _template(method.lower(), path)
    if template is None:
        # Unknown paths and methods still answer with the documented form of errors.
        assert response.status_code in (401, 404, 405, 429), f"{method} {path} is not in the specification"
        template = "/servers" if method in ("GET", "POST") else "/servers/{id}"
        method = method if method in ("GET", "POST", "PUT", "DELETE") else "DELETE"
    validator = _validator(template, method.lower(), response.status_code)
    if validator is None:
        assert not response.content, f"{method} {path}: {response.status_code} should have no body"
        return
    assert response.headers["Content-Type"].startswith("application/json")
    problems = [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(response.json())]
    assert not problems, f"{method} {path} {response.status_code}: {problems}"


def operations() -> set[tuple[str, str]]:
    """Method and path, without the names of its parameters, of everything in the specification."""
    return {
        (method.upper(), re.sub(r"\{[^}]+\}", "{}", path))
        for path, methods in _specification()["paths"].items()
        for method in methods
        if method in ("get", "post", "put", "delete")
    }


@cache
def _specification() -> dict[str, Any]:
    file = specification_file()
    assert file is not None
    loaded: dict[str, Any] = yaml.load(file.read_text(), yaml.CSafeLoader)
    return loaded


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    # Fixed paths before those with parameters.
    templates = sorted(_specification()["paths"], key=lambda path: (path.count("{"), path))
    return [(re.compile(re.sub(r"\{[^}]+\}", "[^/]+", template)), template) for template in templates]


@cache
def _template(method: str, path: str) -> str | None:
    paths = _specification()["paths"]
    return next(
        (template for pattern, template in _patterns() if pattern.fullmatch(path) and method in paths[template]), None
    )


@cache
def _validator(template: str, method: str, status: int) -> OAS30Validator | None:
    if (template, method, status) == ("/load_balancers/{id}", "delete", 201):
        # An action since 2026-10-05 (changelog), as for zones.
        template = "/zones/{id_or_name}"
    responses = _specification()["paths"][template][method]["responses"]
    key = str(status) if str(status) in responses else f"{status // 100}xx"
    assert key in responses, f"{method} {template} never answers with {status}"
    content = _resolved(responses[key]).get("content")
    if content is None:
        return None
    return OAS30Validator(content["application/json"]["schema"], format_checker=oas30_format_checker)


def _resolved(node: Any, name: str = "") -> Any:
    """The specification without references, and as it stands since what it announces as removed was removed."""
    if isinstance(node, list):
        return [_resolved(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target: Any = _specification()
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/")]
        return _resolved(target, name)
    # A discriminator only says again, by references, what each alternative's own enum says.
    resolved = {key: _resolved(value, key) for key, value in node.items() if key != "discriminator"}
    if name == "assignee_type" and "enum" in resolved:
        resolved["enum"] = _ASSIGNEE_TYPES
    if resolved.get("nullable") is True and "enum" in resolved:
        # What the author meant; to the letter such a value could never be null.
        resolved["enum"] = [*resolved["enum"], None]
    if isinstance(resolved.get("required"), list):
        properties = resolved.get("properties", {})
        gone = {key for key, value in properties.items() if _removed(value)}
        resolved["required"] = [key for key in resolved["required"] if key not in gone]
    return resolved


def _removed(schema: Any) -> bool:
    return "will be removed after the 1 July 2026" in str(schema.get("description", ""))
