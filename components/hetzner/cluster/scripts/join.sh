#!/bin/sh
# Runs before every start of k3s: finds out whom to join. No server is special for ever: the one that may begin a
# cluster does so only when no other answers, and any that answers will do to join.
set -eu
# shellcheck source=/dev/null
. /etc/foundation/node.env

CONFIG=/etc/rancher/k3s/config.yaml.d/20-join.yaml
MEMBER=/var/lib/rancher/k3s/server/db/etcd/member
AUTHORITY=/etc/foundation/server-ca.crt
# Servers of a new cluster come up within minutes of each other.
WAIT=600
# One that may begin a cluster looks this long for one that is there: a network that was attached this moment may take
# seconds until it carries anything.
LOOK=60

if [ "$ROLE" = server ] && [ -d "$MEMBER" ]; then
  # It has its share of etcd, so it belongs already; k3s knows its peers.
  exit 0
fi

# Their certificate must be of the cluster's authority: nobody else can say "join me".
answers() {
  curl --fail --silent --output /dev/null --cacert "$AUTHORITY" --connect-timeout 3 --max-time 5 "https://$1:6443/ping"
}

write() {
  mkdir -p "$(dirname "$CONFIG")"
  echo "$1" >"$CONFIG.new"
  mv "$CONFIG.new" "$CONFIG"
}

begin=$(date +%s)
[ "$INITIALISES" = yes ] && WAIT=$LOOK
while :; do
  for peer in $PEERS; do
    if answers "$peer"; then
      echo "joining through $peer"
      write "server: https://$peer:6443"
      exit 0
    fi
  done
  if [ "$ROLE" = agent ] && [ -f "$CONFIG" ]; then
    # It has joined before. PEERS are those of the day it was made; k3s itself keeps account of who serves now
    # (agent/etc/*load-balancer.json), for as long as it is told of the same server as before.
    echo "none of these answered: $PEERS; leaving it to k3s, which knows the servers since"
    exit 0
  fi
  [ "$(($(date +%s) - begin))" -ge "$WAIT" ] && break
  [ -z "$PEERS" ] && break
  sleep 5
done

if [ "$INITIALISES" = yes ]; then
  echo "none of these answered in $WAIT s: ${PEERS:-(there is no other server)}; beginning a new cluster"
  write "cluster-init: true"
  exit 0
fi
echo "no control-plane server answered on port 6443 in $WAIT s; tried: $PEERS" >&2
exit 1
