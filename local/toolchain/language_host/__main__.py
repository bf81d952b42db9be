"""The executable: ``python launch.py local.toolchain.language_host ENGINE_ADDRESS``."""

from local.toolchain.language_host.server import serve

serve()
