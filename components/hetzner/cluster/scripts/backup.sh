#!/bin/sh
# Runs whenever etcd has written a snapshot: stores it encrypted outside, and forgets the oldest there.
set -eu
# RESTIC_REPOSITORY, RESTIC_PASSWORD, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION, RETENTION,
# SNAPSHOTS: by the unit's EnvironmentFile.

# Another server may be at it.
LOCK=15m

# The first server to come makes the repository; the others then find it.
if ! restic cat config --retry-lock "$LOCK" >/dev/null 2>&1; then
  restic init >/dev/null 2>&1 || restic cat config --retry-lock "$LOCK" >/dev/null
fi
# The slot, without the generation: whoever comes after it in a roll forgets its snapshots.
HOST=$(hostname)
HOST=${HOST%-g[0-9]*}
restic backup --quiet --retry-lock "$LOCK" --tag etcd --host "$HOST" --exclude '*.part' "$SNAPSHOTS"
# Each slot's own: they share what is alike in their snapshots.
restic forget --quiet --retry-lock "$LOCK" --tag etcd --host "$HOST" --keep-last "$RETENTION" --prune
