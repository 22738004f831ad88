// Keep starts a cluster and keeps it until it is interrupted, and says how to use it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/node"
)

var (
	nodes = flag.Int("nodes", 1, "number of nodes")
	proxy = flag.String("proxy", "nftables", "mode of kube-proxy")
)

func main() {
	flag.Parse()
	os.Exit(node.Enter(run))
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := keep(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		return 1
	}
	return 0
}

func keep(ctx context.Context) error {
	if err := node.Lacking(); err != nil {
		return err
	}
	fmt.Println("cluster: starting the control plane and the nodes")
	c, err := node.Start(ctx, *nodes, *proxy)
	if err != nil {
		return err
	}
	fmt.Println("cluster: building and importing the images, and starting pods")
	if err := c.Furnish(); err != nil {
		return err
	}
	if _, err := c.StartVictims(ctx, ""); err != nil {
		return err
	}
	fmt.Print(c.Help())
	<-ctx.Done()
	return nil
}
