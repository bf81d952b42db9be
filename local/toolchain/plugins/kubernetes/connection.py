"""A kubeconfig made into a pool of connections that leaves no key on disk."""

from __future__ import annotations

import base64
import copy
import ssl
import tempfile
from pathlib import Path
from typing import Any

import urllib3

from local.toolchain.plugins.kubernetes.kubeconfig import Kubeconfig, KubeconfigError

# As many operations as the engine may run at once, each with a watch and a request.
CONNECTIONS = 128
_FILES = (
    ("clusters", "cluster", "certificate-authority"),
    ("users", "user", "client-certificate"),
    ("users", "user", "client-key"),
)


def connection(kubeconfig: Kubeconfig) -> tuple[Any, urllib3.PoolManager]:
    """The official client's configuration (for its credentials) and connections that trust what it says.

    Raises :class:`KubeconfigError`.
    """
    # Imported here: a preview that ends before its provider is configured doesn't need it.
    from kubernetes.client import Configuration
    from kubernetes.config import ConfigException, load_kube_config_from_dict

    load: Any = load_kube_config_from_dict  # the package has no types
    configuration: Any = Configuration()
    # OpenSSL reads certificates and keys from files only. The client would leave them in the temporary folder when
    # the engine kills the plugin, as it does.
    with tempfile.TemporaryDirectory() as folder:
        try:
            load(_in_files(kubeconfig, Path(folder)), client_configuration=configuration, persist_config=False)
            context = _tls(configuration)
        except (ConfigException, ValueError, OSError) as error:
            raise KubeconfigError(f"the kubeconfig can't be used: {error}") from None
    options: dict[str, Any] = {"maxsize": CONNECTIONS, "ssl_context": context}
    if configuration.tls_server_name:
        options["server_hostname"] = configuration.tls_server_name
    if configuration.proxy:
        return configuration, urllib3.ProxyManager(configuration.proxy, **options)
    return configuration, urllib3.PoolManager(**options)


def _in_files(kubeconfig: Kubeconfig, folder: Path) -> Kubeconfig:
    """The kubeconfig with what it holds inline written to files of ``folder``."""
    document = copy.deepcopy(kubeconfig)
    for section, kind, key in _FILES:
        for number, entry in enumerate(document.get(section) or []):
            settings = entry.get(kind) or {}
            inline = settings.pop(f"{key}-data", None)
            if inline:
                file = folder / f"{key}-{number}"
                file.write_bytes(base64.b64decode(inline))
                settings[key] = str(file)
    return document


def _tls(configuration: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert or None)
    # Clusters' own authorities seldom meet the stricter profile that Python 3.13 asks for.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    return context
