package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	cliflag "k8s.io/component-base/cli/flag"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	apiserveroptions "k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	controllersoptions "k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	scheduleroptions "k8s.io/kubernetes/cmd/kube-scheduler/app/options"
	kwokconfig "sigs.k8s.io/kwok/pkg/config"
	kwok "sigs.k8s.io/kwok/pkg/kwok/cmd"
)

// The components' commands set process-wide state and can't share a process; their options and Run functions can.

const (
	serviceRange = "10.96.0.0/16"
	podRange     = "10.244.0.1/16"
	// The default of 20 requests a second would make hundreds of Deployments take minutes.
	requestsPerSecond, requestBurst = "--kube-api-qps=500", "--kube-api-burst=1000"
	readyPollInterval               = 50 * time.Millisecond
)

func runAPIServer(ctx context.Context, port int, f files) error {
	options := apiserveroptions.NewServerRunOptions()
	err := parse("kube-apiserver", options.Flags(),
		"--etcd-servers=unix://"+clientSocket,
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port),
		// The reconciler refuses to publish a loopback address as endpoint of the kubernetes Service.
		"--endpoint-reconciler-type=none",
		"--tls-cert-file="+f.certificate, "--tls-private-key-file="+f.certificateKey,
		"--token-auth-file="+f.tokens, "--authorization-mode=RBAC",
		"--encryption-provider-config="+f.encryption,
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+f.serviceAccountKey, "--service-account-signing-key-file="+f.serviceAccountKey,
		"--service-cluster-ip-range="+serviceRange,
		// As in a real cluster: whether a pod may be privileged is decided by Pod Security, by namespace.
		"--allow-privileged",
	)
	if err != nil {
		return err
	}
	if err := options.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return err
	}
	completed, err := options.Complete(ctx)
	if err != nil {
		return err
	}
	return apiserver.Run(ctx, completed)
}

func runControllerManager(ctx context.Context, f files) error {
	options, err := controllersoptions.NewKubeControllerManagerOptions()
	if err != nil {
		return err
	}
	known, off, aliases := controllers.KnownControllers(), controllers.ControllersDisabledByDefault(), controllers.ControllerAliases()
	err = parse("kube-controller-manager", options.Flags(known, off, aliases),
		"--kubeconfig="+f.kubeconfig, "--leader-elect=false", "--secure-port=0", "--use-service-account-credentials",
		"--service-account-private-key-file="+f.serviceAccountKey, "--root-ca-file="+f.certificate,
		"--service-cluster-ip-range="+serviceRange, requestsPerSecond, requestBurst,
	)
	if err != nil {
		return err
	}
	config, err := options.Config(ctx, known, off, aliases)
	if err != nil {
		return err
	}
	return controllers.Run(ctx, config.Complete())
}

func runScheduler(ctx context.Context, f files) error {
	options := scheduleroptions.NewOptions()
	err := parse("kube-scheduler", *options.Flags,
		"--kubeconfig="+f.kubeconfig, "--leader-elect=false", "--secure-port=0", requestsPerSecond, requestBurst)
	if err != nil {
		return err
	}
	config, profiles, err := scheduler.Setup(ctx, options)
	if err != nil {
		return err
	}
	return scheduler.Run(ctx, config, profiles)
}

func runKwok(ctx context.Context, f files, stages string) error {
	// kwok reads its stages by the arguments of the process.
	os.Args = []string{"kwok", "--config=" + stages}
	ctx, err := kwokconfig.InitFlags(ctx, pflag.NewFlagSet("kwok", pflag.ContinueOnError))
	if err != nil {
		return err
	}
	command := kwok.NewCommand(ctx)
	// With a version cobra adds a flag --version, which component-base has added already.
	command.Version = ""
	command.SetArgs([]string{
		"--kubeconfig=" + f.kubeconfig, "--manage-all-nodes", "--cidr=" + podRange, "--node-ip=127.0.0.1",
		"--node-lease-duration-seconds=40",
		// No kubelet API: it would listen on every interface.
		"--node-port=0",
	})
	return command.ExecuteContext(ctx)
}

func parse(component string, sections cliflag.NamedFlagSets, arguments ...string) error {
	flags := pflag.NewFlagSet(component, pflag.ContinueOnError)
	for _, section := range sections.FlagSets {
		flags.AddFlagSet(section)
	}
	return flags.Parse(arguments)
}

// waitUntilReady returns when the API server has finished its start, or the context's error.
func waitUntilReady(ctx context.Context, kubeconfig string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	check("kubeconfig", err)
	client, err := kubernetes.NewForConfig(config)
	check("client", err)
	for {
		if _, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(readyPollInterval):
		}
	}
}
