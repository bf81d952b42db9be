// The life of a server on a network, as the vendor's Go client makes it: what Terraform, the cloud controller manager
// and the autoscaler are built on. Prints one line for each step.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := hcloud.NewClient(
		hcloud.WithEndpoint(os.Getenv("HCLOUD_ENDPOINT")),
		hcloud.WithToken(os.Getenv("HCLOUD_TOKEN")),
		hcloud.WithPollOpts(hcloud.PollOpts{BackoffFunc: hcloud.ConstantBackoff(20 * time.Millisecond)}),
	)
	if err := run(ctx, client); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, client *hcloud.Client) error {
	network, err := makeNetwork(ctx, client)
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	server, err := makeServer(ctx, client)
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	attach, _, err := client.Server.AttachToNetwork(ctx, server, hcloud.ServerAttachToNetworkOpts{
		Network: network, IP: net.ParseIP("10.0.1.5"),
	})
	if err != nil {
		return fmt.Errorf("attach: %w", err)
	}
	if err := client.Action.WaitFor(ctx, attach); err != nil {
		return fmt.Errorf("attach: %w", err)
	}
	server, _, err = client.Server.GetByID(ctx, server.ID)
	if err != nil {
		return err
	}
	fmt.Println(server.Status, server.PrivateNet[0].IP, server.Location.Name, server.ServerType.Name)
	if _, _, err = client.Server.Create(ctx, order("web-1")); !hcloud.IsError(err, hcloud.ErrorCodeUniquenessError) {
		return fmt.Errorf("a second server with the name was not refused: %v", err)
	}
	fmt.Println("refused", err.(hcloud.Error).Code)
	deleted, _, err := client.Server.DeleteWithResult(ctx, server)
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	if err := client.Action.WaitFor(ctx, deleted.Action); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	if _, err := client.Network.Delete(ctx, network); err != nil {
		return fmt.Errorf("delete network: %w", err)
	}
	servers, err := client.Server.All(ctx)
	fmt.Println("left", len(servers))
	return err
}

func makeNetwork(ctx context.Context, client *hcloud.Client) (*hcloud.Network, error) {
	_, all, _ := net.ParseCIDR("10.0.0.0/16")
	_, part, _ := net.ParseCIDR("10.0.1.0/24")
	network, _, err := client.Network.Create(ctx, hcloud.NetworkCreateOpts{Name: "private", IPRange: all})
	if err != nil {
		return nil, err
	}
	action, _, err := client.Network.AddSubnet(ctx, network, hcloud.NetworkAddSubnetOpts{Subnet: hcloud.NetworkSubnet{
		Type: hcloud.NetworkSubnetTypeCloud, IPRange: part, NetworkZone: hcloud.NetworkZoneEUCentral,
	}})
	if err != nil {
		return nil, err
	}
	return network, client.Action.WaitFor(ctx, action)
}

func makeServer(ctx context.Context, client *hcloud.Client) (*hcloud.Server, error) {
	made, _, err := client.Server.Create(ctx, order("web-1"))
	if err != nil {
		return nil, err
	}
	return made.Server, client.Action.WaitFor(ctx, append(made.NextActions, made.Action)...)
}

func order(name string) hcloud.ServerCreateOpts {
	return hcloud.ServerCreateOpts{
		Name:       name,
		ServerType: &hcloud.ServerType{Name: "cpx22"},
		Image:      &hcloud.Image{Name: "ubuntu-24.04"},
		Location:   &hcloud.Location{Name: "fsn1"},
		Labels:     map[string]string{"pool": "shared"},
	}
}
