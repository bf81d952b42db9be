"""``python -m local.toolchain.plugins.hcloud``: what the engine runs as ``pulumi-resource-hcloud``."""

from local.toolchain.plugins.hcloud.plugin import HcloudPlugin
from provider.plugin import serve

serve(HcloudPlugin())
