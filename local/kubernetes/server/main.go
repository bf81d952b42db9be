// Command kubernetes-server is a Kubernetes cluster in one process: etcd, kube-apiserver, kube-controller-manager,
// kube-scheduler and kwok, each the published code. What runs in a real cluster's pods does not exist here: kwok
// plays the kubelets, so pods become Ready without containers.
//
// It takes the place of the five official programs and is given their command lines, in one file.
package main

import (
	"context"
	"encoding/json"
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
	data := flag.String("data", "", "folder that the components stand in; their files and the kubeconfig are there")
	components := flag.String("components", "", "file with the components' arguments: a JSON object, lists by name")
	flag.Parse()
	if *data == "" || *components == "" {
		flag.Usage()
		os.Exit(2)
	}
	content, err := os.ReadFile(*components)
	check("components", err)
	arguments := map[string][]string{}
	check("components", json.Unmarshal(content, &arguments))
	check("data folder", os.Chdir(*data))

	ctx := genericapiserver.SetupSignalContext()
	etcd, err := startEtcd(arguments["etcd"])
	check("etcd", err)

	var running group
	running.start(ctx, "kube-apiserver", runAPIServer, arguments)
	if waitUntilReady(ctx, filepath.Join(*data, "kubeconfig")) == nil {
		running.start(ctx, "kube-controller-manager", runControllerManager, arguments)
		running.start(ctx, "kube-scheduler", runScheduler, arguments)
		running.start(ctx, "kwok", runKwok, arguments)
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

func (g *group) start(
	ctx context.Context, name string, run func(context.Context, []string) error, arguments map[string][]string,
) {
	g.Go(func() {
		if err := run(ctx, arguments[name]); ctx.Err() == nil {
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
