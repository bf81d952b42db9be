#!/bin/sh
# Runs until it has succeeded once: fetches the pinned programs, refuses any with another checksum, and starts k3s.
set -eu
# shellcheck source=/dev/null
. /etc/foundation/node.env

# Of one program, in s.
WAIT=600
PROGRAMS=/usr/local/bin

case "$(uname -m)" in
  x86_64)
    architecture=amd64 k3s_file=k3s
    k3s_sum=$K3S_SHA256_AMD64 restic_sum=$RESTIC_SHA256_AMD64
    ;;
  aarch64)
    architecture=arm64 k3s_file=k3s-arm64
    k3s_sum=$K3S_SHA256_ARM64 restic_sum=$RESTIC_SHA256_ARM64
    ;;
  *)
    echo "there is no k3s for $(uname -m)" >&2
    exit 1
    ;;
esac

# fetch URL SHA256 FILE
fetch() {
  curl --fail --silent --show-error --location --proto '=https' --tlsv1.2 \
    --connect-timeout 10 --retry 20 --retry-all-errors --retry-delay 5 --retry-max-time "$WAIT" --max-time "$WAIT" \
    --output "$3" "$1"
  if ! echo "$2  $3" | sha256sum --check --status; then
    echo "$1 has the checksum $(sha256sum "$3" | cut -d ' ' -f 1), not $2 as pinned: nothing of it is run" >&2
    rm -f "$3"
    exit 1
  fi
}

# The way out first, where it leads through the private network.
systemctl enable --now foundation-network.service
sysctl --quiet --system
# They come up when the volumes are attached, which is after this moment.
for volume in $VOLUMES; do
  systemctl start --no-block "$(systemd-escape --path --suffix=mount "$volume")"
done
systemctl disable --now apt-daily.timer apt-daily-upgrade.timer unattended-upgrades.service 2>/dev/null || true
# "ssh" on both images; it reads its drop-in.
systemctl try-reload-or-restart ssh.service || true

export DEBIAN_FRONTEND=noninteractive
if ! command -v nft >/dev/null || ! command -v bzip2 >/dev/null; then
  timeout "$WAIT" apt-get -o DPkg::Lock::Timeout=300 -qq update
  timeout "$WAIT" apt-get -o DPkg::Lock::Timeout=300 -qq install --no-install-recommends nftables bzip2
fi
systemctl enable --now foundation-metadata-guard.service

fetch "$K3S_SOURCE/$k3s_file" "$k3s_sum" "$PROGRAMS/k3s.new"
chmod 0755 "$PROGRAMS/k3s.new"
mv "$PROGRAMS/k3s.new" "$PROGRAMS/k3s"
for name in kubectl crictl ctr; do ln -sf k3s "$PROGRAMS/$name"; done

if [ -e /etc/foundation/backup.env ]; then
  fetch "$RESTIC_SOURCE/${RESTIC_FILE}_linux_$architecture.bz2" "$restic_sum" "$PROGRAMS/restic.bz2"
  bunzip2 --force "$PROGRAMS/restic.bz2"
  chmod 0755 "$PROGRAMS/restic"
  systemctl enable --now foundation-etcd-backup.path
fi

# k3s itself takes its time, and starts again until it has joined: this script has done its part.
systemctl enable --now --no-block k3s.service
mkdir -p /var/lib/foundation
touch /var/lib/foundation/installed
