"""Certificate authorities, certificates and keys, made once and kept in the stack's state as secrets."""
