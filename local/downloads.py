"""Downloads over TLS: resumed where they broke off, and used only with the hash that their publisher names."""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import requests
from filelock import FileLock
from requests.adapters import HTTPAdapter
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from local.toolchain.cache import cache_folder

# A machine whose network drops packets must not wait long for something that it can do without.
PROBE_SECONDS = 3.0
CONNECT_SECONDS = 10.0
# Without a byte for so long a transfer is taken for broken.
READ_SECONDS = 30.0
ATTEMPTS = 5
# What a broken transfer may lose.
CHUNK = 1 << 16
# Answers that the same request may get better of: too many requests, and the server's own trouble.
PASSING = (429, 500, 502, 503, 504)

T = TypeVar("T")


class DownloadError(RuntimeError):
    """Something could not be downloaded, or isn't what its publisher's hash says."""


class _Passing(Exception):
    """Worth another attempt."""


def answers(url: str, seconds: float = PROBE_SECONDS) -> bool:
    """Whether the site answers in time, whatever it says."""
    answer = threading.Event()

    def probe() -> None:
        try:
            with _session() as session:
                session.head(url, timeout=seconds)
            answer.set()
        except requests.RequestException:
            pass

    # A thread, since looking up a name heeds no timeout.
    thread = threading.Thread(target=probe, daemon=True)
    thread.start()
    thread.join(seconds)
    return answer.is_set()


def read(url: str) -> bytes:
    """A small file, such as a list of hashes. Raises ``DownloadError``."""

    def attempt() -> bytes:
        with _session() as session, _get(session, url) as response:
            return response.content

    return _persistently(url, attempt)


def download(url: str, sha256: str, target: Path) -> None:
    """Put the file at ``url`` in ``target``. What was received before a failure or a kill is kept in the user's cache
    folder, and the next attempt goes on from there.

    Raises ``DownloadError``, also when what came isn't what ``sha256`` (hexadecimal) says; it isn't kept then.
    """
    folder = cache_folder() / "downloads"
    folder.mkdir(exist_ok=True)
    partial = folder / f"{sha256}.partial"
    with FileLock(folder / f".lock-{sha256}"):
        resumed = partial.exists()
        _fetch(url, partial)
        if resumed and _hash(partial) != sha256:
            # Its beginning may be another file's: begin anew, once.
            partial.unlink()
            _fetch(url, partial)
        found = _hash(partial)
        if found != sha256:
            partial.unlink()
            raise DownloadError(f"{url} is not what its publisher made: SHA-256 {found}, published {sha256}")
        partial.replace(target)


def _fetch(url: str, partial: Path) -> None:
    def attempt() -> None:
        received = partial.stat().st_size if partial.exists() else 0
        with _session() as session, _get(session, url, received) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                return  # all of it is there
            with partial.open("ab" if response.status_code == requests.codes.partial_content else "wb") as file:
                for chunk in response.iter_content(CHUNK):
                    file.write(chunk)

    _persistently(url, attempt)


def _get(session: requests.Session, url: str, received: int = 0) -> requests.Response:
    # Bytes as they lie there: a hash is that of the file, not of a compressed transfer.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={received}-"} if received else {})
    response = session.get(url, headers=headers, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS))
    if response.status_code in PASSING:
        raise _Passing(f"HTTP status {response.status_code}")
    if not response.ok and not (received and response.status_code == requests.codes.requested_range_not_satisfiable):
        raise DownloadError(f"{url}: HTTP status {response.status_code}")
    return response


def _persistently(url: str, attempt: Callable[[], T]) -> T:
    """``attempt``, repeated after what may pass: broken connections, time-outs, a server in trouble."""
    passing = (_Passing, requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
    attempts = Retrying(
        retry=retry_if_exception_type(passing),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(multiplier=0.25, max=8),
        reraise=True,
    )
    try:
        return attempts(attempt)
    except (_Passing, requests.RequestException) as error:
        raise DownloadError(f"{url}: {error}") from error


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class _SystemStore(HTTPAdapter):
    """Trusts the system's certificates too: a company's own authority is there."""

    def init_poolmanager(self, *args: Any, **settings: Any) -> None:
        super().init_poolmanager(*args, ssl_context=ssl.create_default_context(), **settings)

    def proxy_manager_for(self, proxy: Any, **settings: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=ssl.create_default_context(), **settings)


def _session() -> requests.Session:
    session = requests.Session()
    session.mount("https://", _SystemStore())
    return session
