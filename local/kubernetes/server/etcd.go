package main

import (
	"fmt"

	"github.com/spf13/pflag"
	"go.etcd.io/etcd/server/v3/embed"
)

// startEtcd returns when the database serves requests. Its settings are in the file that etcd's own program would be
// given.
func startEtcd(arguments []string) (*embed.Etcd, error) {
	flags := pflag.NewFlagSet("etcd", pflag.ContinueOnError)
	file := flags.String("config-file", "", "etcd's configuration file")
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	settings, err := embed.ConfigFromFile(*file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", *file, err)
	}
	etcd, err := embed.StartEtcd(settings)
	if err != nil {
		return nil, err
	}
	<-etcd.Server.ReadyNotify()
	return etcd, nil
}
