// Command kubernetes-server is a Kubernetes cluster in one process: etcd, kube-apiserver, kube-controller-manager,
// kube-scheduler and kwok, each the published code. What runs in a real cluster's pods does not exist here: kwok
// plays the kubelets, so pods become Ready without containers.
//
// Everything it keeps lies in its data folder; the kubeconfig there appears before the API answers.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"path/filepath"
	"sync"
	"time"

	genericapiserver "k8s.io/apiserver/pkg/server"
)

// After this long a component that still hasn't stopped is left behind: etcd is closed and the process ends.
const stopTimeout = 10 * time.Second

func main() {
	data := flag.String("data", "", "folder for the database, keys and kubeconfig; made when missing")
	port := flag.Int("port", 0, "port of the API on 127.0.0.1")
	stages := flag.String("stages", "", "file with kwok's stages: how nodes, pods and volumes come alive")
	flag.Parse()
	if *data == "" || *port == 0 || *stages == "" {
		flag.Usage()
		os.Exit(2)
	}
	stagesFile, err := filepath.Abs(*stages)
	check("stages", err)
	check("data folder", os.MkdirAll(*data, 0o700))
	// Every path below is relative to the data folder.
	check("data folder", os.Chdir(*data))

	ctx := genericapiserver.SetupSignalContext()
	files, err := prepareFiles(*port)
	check("keys and kubeconfig", err)
	etcd, err := startEtcd()
	check("etcd", err)

	var running group
	running.start(ctx, "kube-apiserver", func() error { return runAPIServer(ctx, *port, files) })
	if waitUntilReady(ctx, files.kubeconfig) == nil {
		running.start(ctx, "kube-controller-manager", func() error { return runControllerManager(ctx, files) })
		running.start(ctx, "kube-scheduler", func() error { return runScheduler(ctx, files) })
		running.start(ctx, "kwok", func() error { return runKwok(ctx, files, stagesFile) })
		log.Print("all components are running")
	}
	<-ctx.Done()
	running.wait(stopTimeout)
	// Last, since every other component writes to it.
	etcd.Close()
}

func check(what string, err error) {
	if err != nil {
		log.Fatalf("%s: %v", what, err)
	}
}

// group runs the components beside each other. A cluster with a part missing is of no use: when one ends before the
// process was told to stop, the process ends with its error.
type group struct{ sync.WaitGroup }

func (g *group) start(ctx context.Context, name string, run func() error) {
	g.Go(func() {
		if err := run(); ctx.Err() == nil {
			log.Fatalf("%s stopped: %v", name, err)
		}
	})
}

func (g *group) wait(timeout time.Duration) {
	stopped := make(chan struct{})
	go func() { g.WaitGroup.Wait(); close(stopped) }()
	select {
	case <-stopped:
	case <-time.After(timeout):
		log.Print("some components did not stop in time")
	}
}
