"""The Kubernetes API over HTTP: requests, their errors and retries, watches, and finding kinds."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import tenacity
import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

from local.toolchain.plugins.kubernetes.catalog import BUILT_IN, Api
from local.toolchain.plugins.kubernetes.connection import connection
from local.toolchain.plugins.kubernetes.kubeconfig import Kubeconfig
from local.toolchain.plugins.kubernetes.objects import Object
from provider.plugin import PluginError

# Of one request, unless the user set another (kubeClientSettings.timeout). Seconds.
REQUEST_TIMEOUT = 60.0
# Of a request that fails for a passing reason; with the pauses between them some three seconds.
ATTEMPTS = 5
APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"
JSON = "application/json"

_TRANSIENT = frozenset({429, 502, 503, 504})
# What a server says with status 500 when trying again may help: a webhook that isn't up yet, etcd being away.
_TRANSIENT_CAUSES = ("failed calling webhook", "etcdserver:", "connection refused", "InternalError: timeout")


class ApiError(PluginError):
    """The API server refused a request. ``status`` is the HTTP status, ``reason`` Kubernetes' own word for it."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(str(body.get("message") or f"HTTP status {status}"))
        self.status = status
        self.reason = str(body.get("reason") or "")
        self.details: Mapping[str, Any] = body.get("details") or {}

    @property
    def not_found(self) -> bool:
        return self.status == 404

    @property
    def transient(self) -> bool:
        return self.status in _TRANSIENT or (
            self.status == 500 and any(cause in str(self) for cause in _TRANSIENT_CAUSES)
        )


class Unreachable(PluginError):
    """The API server can't be reached; says where and why."""


class Client:
    """An API server. May be used by many threads at once."""

    def __init__(self, kubeconfig: Kubeconfig, *, timeout: float | None = None) -> None:
        self._configuration, self._pool = connection(kubeconfig)
        self._timeout = timeout or REQUEST_TIMEOUT
        self._custom: dict[str, dict[str, Api]] = {}
        self._lock = threading.Lock()

    @property
    def host(self) -> str:
        return str(self._configuration.host)

    def close(self) -> None:
        self._pool.clear()

    # -- requests

    def get(self, path: str, **query: str) -> Object:
        return self.request("GET", path, query)

    def request(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None, content_type: str = JSON
    ) -> Object:
        """The parsed answer. Raises :class:`ApiError` or :class:`Unreachable` when attempts are used up."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: _may_retry(method, error)),
            wait=tenacity.wait_exponential_jitter(initial=0.2, jitter=0.2),
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            reraise=True,
        )
        answer: Object = retrying(self._once, method, path, query, body, content_type)
        return answer

    def _once(self, method: str, path: str, query: Mapping[str, str] | None, body: Any, content_type: str) -> Object:
        response = self._send(method, path, query, body, content_type, preload_content=True, timeout=self._timeout)
        answer = _parsed(response.data)
        if response.status >= 400:
            raise ApiError(response.status, answer)
        return answer

    def _send(
        self, method: str, path: str, query: Mapping[str, str] | None, body: Any, content_type: str, **options: Any
    ) -> urllib3.BaseHTTPResponse:
        headers = {"Accept": JSON, "User-Agent": "pulumi-kubernetes"}
        authorization = self._configuration.get_api_key_with_prefix("authorization", alias="BearerToken")
        if authorization:
            headers["Authorization"] = authorization
        if body is not None:
            headers["Content-Type"] = content_type
        url = f"{self.host}{path}" + (f"?{urlencode(query)}" if query else "")
        payload = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        try:
            return self._pool.request(method, url, body=payload, headers=headers, retries=False, **options)
        except HTTPError as error:
            raise Unreachable(f"the API server at {self.host} can't be reached: {_cause(error)}") from error

    # -- watches

    def watch(self, path: str, query: Mapping[str, str], seconds: int) -> Iterator[tuple[str, Object]]:
        """The events (type, object) of at most ``seconds``; then the server ends it. Raises as :meth:`request`."""
        full = {**query, "watch": "true", "timeoutSeconds": str(seconds)}
        timeout = urllib3.Timeout(connect=self._timeout, read=seconds + 30)
        response = self._send("GET", path, full, None, JSON, preload_content=False, timeout=timeout)
        try:
            if response.status >= 400:
                raise ApiError(response.status, _parsed(response.read()))
            pending = b""
            for chunk in response.stream(None, decode_content=True):
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    if line.strip():
                        event = json.loads(line)
                        if event["type"] == "ERROR":
                            raise ApiError(int(event["object"].get("code", 500)), event["object"])
                        yield event["type"], event["object"]
        except HTTPError as error:
            raise Unreachable(f"the API server at {self.host} can't be reached: {_cause(error)}") from error
        finally:
            # A watch left before its end has more to say: that connection can't be used again.
            response.close()
            response.release_conn()

    # -- kinds

    def find(self, api_version: str, kind: str, *, refresh: bool = False) -> Api | None:
        """Where a kind's objects are, None when the cluster doesn't have it (yet). ``refresh`` asks anew."""
        if (api_version, kind) in BUILT_IN:
            return BUILT_IN[api_version, kind]
        with self._lock:
            known = self._custom.get(api_version)
        if known is None or refresh or kind not in known:
            try:
                answer = self.get(f"/apis/{api_version}")
            except ApiError as error:
                if not error.not_found:
                    raise
                answer = {"resources": []}
            known = {
                entry["kind"]: Api(api_version, entry["kind"], entry["name"], bool(entry["namespaced"]))
                for entry in answer.get("resources", [])
                if "/" not in entry["name"]
            }
            with self._lock:
                self._custom[api_version] = known
        return known.get(kind)


def _may_retry(method: str, error: BaseException) -> bool:
    if isinstance(error, ApiError):
        return error.transient
    if isinstance(error, Unreachable):
        # A connection that was refused carried nothing; one that broke may have created the object.
        return method != "POST" or isinstance(error.__cause__, NewConnectionError | MaxRetryError)
    return False


def _cause(error: HTTPError) -> str:
    cause: BaseException = error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__ or cause
    return f"{type(cause).__name__}: {cause}"


def _parsed(data: bytes) -> Object:
    try:
        document = json.loads(data)
    except ValueError:
        return {"message": data.decode(errors="replace").strip()}
    return document if isinstance(document, dict) else {"message": str(document)}
