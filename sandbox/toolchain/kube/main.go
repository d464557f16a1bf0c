// kube is one program that holds a Kubernetes control plane (etcd, API server, controller manager, scheduler), kwok and
// kubectl: one build and one download instead of six, and code pages that the processes share.
//
// The first argument chooses the part; everything after it is that part's own command line. `kube version` prints the
// stamp that the toolchain knows its own build by.
package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kwokconfig "sigs.k8s.io/kwok/pkg/config"
	kwok "sigs.k8s.io/kwok/pkg/kwok/cmd"
	kwoklog "sigs.k8s.io/kwok/pkg/log"
	"sigs.k8s.io/kwok/pkg/utils/signals"
)

// stamp is set by the linker: the Kubernetes version and the hash of this module's files.
var stamp = "unstamped"

// parts maps the first argument to a function that runs the part with os.Args already cut, and returns the exit code.
var parts = map[string]func() int{
	"etcd":               func() int { etcdmain.Main(os.Args); return 0 },
	"apiserver":          func() int { return cli.Run(apiserver.NewAPIServerCommand()) },
	"controller-manager": func() int { return cli.Run(controllermanager.NewControllerManagerCommand()) },
	"scheduler":          func() int { return cli.Run(scheduler.NewSchedulerCommand()) },
	"kwok":               func() int { return code(runKwok()) },
	"kubectl":            func() int { return code(cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand())) },
	"version":            func() int { fmt.Println(stamp); return 0 },
}

func main() {
	if len(os.Args) < 2 {
		os.Exit(usage())
	}
	run, known := parts[os.Args[1]]
	if !known {
		fmt.Fprintf(os.Stderr, "kube: unknown part %q\n", os.Args[1])
		os.Exit(usage())
	}
	os.Args = os.Args[1:]
	os.Exit(run())
}

func usage() int {
	names := make([]string, 0, len(parts))
	for name := range parts {
		names = append(names, name)
	}
	slices.Sort(names)
	fmt.Fprintf(os.Stderr, "usage: kube %s [flags]\n", strings.Join(names, "|"))
	return 2
}

// code prints an error, if there is one, and returns the exit code for it.
func code(err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// runKwok does what kwok's own main does.
func runKwok() error {
	flags := pflag.NewFlagSet("global", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {}
	ctx, _ := kwoklog.InitFlags(signals.SetupSignalContext(), flags)
	ctx, err := kwokconfig.InitFlags(ctx, flags)
	if err != nil {
		return err
	}
	command := kwok.NewCommand(ctx)
	command.Version = "" // component-base registers a --version flag that is not a bool; cobra would refuse to add its own
	command.PersistentFlags().AddFlagSet(flags)
	return command.ExecuteContext(ctx)
}
