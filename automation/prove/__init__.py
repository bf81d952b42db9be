"""`make prove NAME=...`: named proofs, each a list of figures measured on this machine, written to `docs/evidence/`."""
