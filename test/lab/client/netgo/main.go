// Command netgo looks up one name, as getaddrinfo.c does, with the resolver of Go:
//
//	netgo FAMILY NAME
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		os.Exit(2)
	}
	network := map[string]string{"0": "ip", "4": "ip4", "6": "ip6"}[os.Args[1]]
	resolver := &net.Resolver{PreferGo: true}
	start := time.Now()
	addrs, err := resolver.LookupIP(context.Background(), network, os.Args[2])
	what := "OK"
	if notFound := (*net.DNSError)(nil); errors.As(err, &notFound) {
		what = "EAI_AGAIN"
		if notFound.IsNotFound {
			what = "EAI_NONAME"
		}
	}
	fmt.Print(what, " ", time.Since(start).Milliseconds())
	for _, addr := range addrs {
		fmt.Print(" ", addr)
	}
	fmt.Println()
}
