#!/bin/sh
# Runs at every boot, before k3s: waits for the private network, takes the way out that the pool has, and tells k3s
# the addresses and the interface, which have other names on other server types.
set -eu
# shellcheck source=/dev/null
. /etc/foundation/node.env

# The network is attached after the server was made: seconds usually, minutes when the API is busy.
WAIT=600
CONFIG=/etc/rancher/k3s/config.yaml.d/10-addresses.yaml

deadline=$(($(date +%s) + WAIT))
while :; do
  found=$(ip -4 -o address show to "$SUBNET" | awk '{ print $2, $4; exit }')
  [ -n "$found" ] && break
  if [ "$(date +%s)" -ge "$deadline" ]; then
    echo "no address of the private network $SUBNET after $WAIT s; there are:" >&2
    ip -4 -o address show >&2
    exit 1
  fi
  sleep 2
done
interface=${found%% *}
address=${found#* }
address=${address%%/*}
ip link set dev "$interface" mtu "$MTU"

if [ "$EGRESS" = nat ]; then
  ip route replace default via "$GATEWAY" dev "$interface" onlink
  # Without a public interface nobody has told of name servers.
  if [ -d /run/systemd/resolve ]; then
    mkdir -p /etc/systemd/resolved.conf.d
    printf '[Resolve]\nDNS=%s\n' "$NAME_SERVERS" >/etc/systemd/resolved.conf.d/foundation.conf
    systemctl restart systemd-resolved
  else
    for server in $NAME_SERVERS; do echo "nameserver $server"; done >/etc/resolv.conf
  fi
fi

mkdir -p "$(dirname "$CONFIG")"
{
  echo "node-ip: $address"
  echo "flannel-iface: $interface"
  if [ "$ROLE" = server ]; then echo "advertise-address: $address"; fi
} >"$CONFIG.new"
mv "$CONFIG.new" "$CONFIG"
