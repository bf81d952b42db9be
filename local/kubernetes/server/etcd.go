package main

import (
	"net/url"

	"go.etcd.io/etcd/server/v3/embed"
)

// etcd and its only client live in this process. Its sockets lie in the data folder, which only the owner may enter,
// so no other user of the machine reaches it. A socket's path may have 108 bytes at most and the data folder can lie
// deeper than that: /proc/self/cwd is the same folder by a short name.
//
// Of a peer's URL etcd takes the host alone as the socket's path (without one it would listen on a nameless socket
// that everyone may reach), so that one is relative.
const (
	clientSocket = "/proc/self/cwd/etcd-client.sock"
	peerSocket   = "etcd-peer.sock"
)

// startEtcd returns when the database serves requests.
func startEtcd() (*embed.Etcd, error) {
	client := []url.URL{{Scheme: "unix", Path: clientSocket}}
	peer := []url.URL{{Scheme: "unix", Host: peerSocket}}
	cfg := embed.NewConfig()
	cfg.Dir = "etcd"
	cfg.LogLevel = "error"
	// The data outlives a killed process, which is all a sandbox asks; only a power cut may damage it.
	cfg.UnsafeNoFsync = true
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = client, client
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = peer, peer
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	etcd, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, err
	}
	<-etcd.Server.ReadyNotify()
	return etcd, nil
}
