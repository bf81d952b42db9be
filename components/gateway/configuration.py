"""Traefik's static configuration, the same in a cluster and in the sandbox. No resources here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from components.identity import Manifest

SECURE: Final = "websecure"
"""FC-054."""
PLAIN: Final = "web"
METRICS: Final = "metrics"

TENANT_HEADER: Final = "X-Tenant-Slug"
"""Set by the gateway on every request that belongs to a tenant, and logged."""

MAX_HEADER_BYTES: Final = 32 * 1024
"""Of all headers of a request together. A token of the auth service has under 1 KiB; Go's default is 1 MiB."""
MAX_STREAMS: Final = 100
"""Requests at a time on one HTTP/2 connection (RFC 9113 recommends no fewer); Traefik's default is 250."""
IDLE_SECONDS: Final = 180
"""Traefik's default."""
BACKEND_DIAL_SECONDS: Final = 3
"""A pod of the same cluster answers in milliseconds or not at all. Traefik's default is 30."""
GRACE_SECONDS: Final = 25
"""Requests under way have so long to end when a replica stops; below the 30 s that Kubernetes waits."""
DRAIN_SECONDS: Final = 5
"""A stopping replica takes requests for so long: until then the load balancer knows."""


@dataclass(frozen=True, kw_only=True)
class Listeners:
    """Where Traefik listens, and how it is reached."""

    secure: str = ":8443"
    plain: str = ":8000"
    metrics: str = ":9100"
    public_port: int = 443
    """Port of the address that plain HTTP is redirected to."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Time limits, in seconds."""

    read: int = 60
    """For a whole request with its body (Traefik's default): who dribbles bytes is cut off then."""
    answer: int = 120
    """Until a pod's answer begins. Our choice: FC-014's tasks answer at once and go on in the background."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Whom Traefik listens to."""

    proxies: Sequence[str] = ()
    """CIDRs whose PROXY protocol header is believed: the load balancer's private range. Nobody's ``X-Forwarded-*``
    headers are."""
    namespaces: Sequence[str] = field(default_factory=tuple)
    """Namespaces whose objects count; empty: all."""


def static_configuration(
    listeners: Listeners = Listeners(), limits: Limits = Limits(), scope: Scope = Scope()
) -> Manifest:
    """Traefik's ``traefik.yaml``, for version 3.7.15 and later.

    References across namespaces or providers are off, so that no tenant's object reaches another's, or Traefik's own
    services. What a backend may read otherwise than the gateway did is refused: header names with underscores and
    encoded characters that change a path's segments (``docs/content/migrate/v3.md`` of Traefik).
    """
    timeouts = {"readTimeout": f"{limits.read}s", "writeTimeout": "0s", "idleTimeout": f"{IDLE_SECONDS}s"}
    life = {"requestAcceptGraceTimeout": f"{DRAIN_SECONDS}s", "graceTimeOut": f"{GRACE_SECONDS - DRAIN_SECONDS}s"}
    public = {
        "transport": {"respondingTimeouts": timeouts, "lifeCycle": life},
        "forwardedHeaders": {"insecure": False, "trustedIPs": []},
        "http2": {"maxConcurrentStreams": MAX_STREAMS},
    }
    if scope.proxies:
        public["proxyProtocol"] = {"trustedIPs": list(scope.proxies)}
    http = {
        # Takes the place of 3.7.6's underscoreHeadersStrategy: X.Auth.User is refused beside X_Auth_User.
        "aliasHeadersStrategy": "reject",
        "sanitizePath": True,
        "maxHeaderBytes": MAX_HEADER_BYTES,
        "encodedCharacters": dict.fromkeys(
            (
                "allowEncodedSlash",
                "allowEncodedBackSlash",
                "allowEncodedNullCharacter",
                "allowEncodedSemicolon",
                "allowEncodedPercent",
                "allowEncodedQuestionMark",
                "allowEncodedHash",
            ),
            False,
        ),
    }
    redirect = {"to": f":{listeners.public_port}", "scheme": "https", "permanent": True}
    return {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "entryPoints": {
            PLAIN: {
                "address": listeners.plain,
                **public,
                "http": {**http, "redirections": {"entryPoint": redirect}},
            },
            SECURE: {"address": listeners.secure, "asDefault": True, **public, "http": {**http, "tls": {}}},
            METRICS: {"address": listeners.metrics, "http": {"aliasHeadersStrategy": "reject"}},
        },
        "providers": {
            # A change is applied at most this often; the default.
            "providersThrottleDuration": "2s",
            "kubernetesCRD": {
                # Names that Traefik makes up of namespaces and names can't be made to meet.
                "safeNaming": True,
                "allowCrossNamespace": False,
                "crossProviderNamespaces": [],
                "allowExternalNameServices": False,
                # A tenant whose pods are restarting is unavailable (503), not unknown (404).
                "allowEmptyServices": True,
                "namespaces": list(scope.namespaces),
            },
        },
        "serversTransport": {
            "forwardingTimeouts": {
                "dialTimeout": f"{BACKEND_DIAL_SECONDS}s",
                "responseHeaderTimeout": f"{limits.answer}s",
            }
        },
        "log": {"level": "INFO", "format": "json"},
        "accessLog": {
            "format": "json",
            "fields": {
                "defaultMode": "keep",
                # No token, cookie or key ever stands in a log, nor what a URL's query may hold.
                "queryParameters": {"defaultMode": "drop"},
                "headers": {"defaultMode": "drop", "names": {TENANT_HEADER: "keep", "User-Agent": "keep"}},
            },
        },
        "metrics": {
            "prometheus": {
                "entryPoint": METRICS,
                "addEntryPointsLabels": True,
                # A router's name begins with its tenant's namespace.
                "addRoutersLabels": True,
                "addServicesLabels": False,
            }
        },
        "ping": {"entryPoint": METRICS},
        "api": {"dashboard": False, "insecure": False},
    }
