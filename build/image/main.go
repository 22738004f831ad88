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
	"strconv"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	epoch, err := sourceDate(os.Getenv("SOURCE_DATE_EPOCH"))
	if err != nil {
		return err
	}
	switch {
	case len(args) == 3 && args[0] == "rootfs":
		return writeRootfs(args[1], args[2], epoch)
	case len(args) == 2 && args[0] == "settle":
		return settle(os.Stdin, os.Stdout, args[1], epoch)
	}
	return fmt.Errorf("unexpected arguments %q; expect rootfs BINARY ROOTFS.TAR, or settle ARCH", args)
}

func sourceDate(text string) (time.Time, error) {
	if text == "" {
		return time.Unix(0, 0).UTC(), nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("invalid SOURCE_DATE_EPOCH %q; expect seconds since 1970", text)
	}
	return time.Unix(seconds, 0).UTC(), nil
}
