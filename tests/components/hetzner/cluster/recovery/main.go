// Command etcd-snapshot takes a snapshot of a running etcd as k3s does, and makes a data folder of one as
// `k3s server --cluster-reset-restore-path` does: both by etcd's own packages, which k3s uses too.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: etcd-snapshot save ENDPOINT FILE | restore FILE FOLDER")
		os.Exit(2)
	}
	manager := snapshot.NewV3(zap.NewNop())
	var err error
	switch os.Args[1] {
	case "save":
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		config := clientv3.Config{Endpoints: []string{os.Args[2]}, DialTimeout: 10 * time.Second}
		_, err = manager.Save(ctx, config, os.Args[3])
	case "restore":
		err = manager.Restore(snapshot.RestoreConfig{
			SnapshotPath: os.Args[2], OutputDataDir: os.Args[3], Name: "default",
			PeerURLs: []string{"unix://etcd-peer.sock"}, InitialCluster: "default=unix://etcd-peer.sock",
			InitialClusterToken: "etcd-cluster",
		})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
