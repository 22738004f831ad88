// Image prepares what the Dockerfile beside it cannot say, so that an image has the same digest whoever builds it:
//
//	image rootfs BINARY ROOTFS.TAR     packs the file system of the image of coredns or doctor
//	image settle ARCH <IN >OUT         takes the time, place and machine of a build out of an image from "docker save"
//
// The time that it puts in instead is that of SOURCE_DATE_EPOCH, in seconds since 1970.
package main

import (
	"fmt"
	"os"

	"github.com/muslsafe/coredns-muslsafe/build/epoch"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	date, err := epoch.Time()
	if err != nil {
		return err
	}
	switch {
	case len(args) == 3 && args[0] == "rootfs":
		return writeRootfs(args[1], args[2], date)
	case len(args) == 2 && args[0] == "settle":
		return settle(os.Stdin, os.Stdout, args[1], date)
	}
	return fmt.Errorf("unexpected arguments %q; expect rootfs BINARY ROOTFS.TAR, or settle ARCH", args)
}
