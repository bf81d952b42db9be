"""``python -m local.toolchain.plugins.kubernetes``: what the engine runs as ``pulumi-resource-kubernetes``."""

from local.toolchain.plugins.kubernetes.provider import KubernetesPlugin
from provider.plugin import serve

serve(KubernetesPlugin())
