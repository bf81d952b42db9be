"""All that makes one bare machine enough: the toolchain and the sandbox of environment ``local``."""
