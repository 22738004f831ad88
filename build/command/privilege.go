//go:build linux

package command

import (
	"log"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// raise makes CAP_NET_BIND_SERVICE effective, if the process is permitted to have it, so that it can listen on port 53.
//
// The binary of the image has a file capability that is permitted and not effective. So execve(2) does not fail in a pod that
// drops all capabilities because it needs none (capabilities(7), "Safety checking for capability-dumb binaries"). Each thread
// has its own effective set, and Go has started several by now.
func raise() {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	const bit = 1 << unix.CAP_NET_BIND_SERVICE
	if err := unix.Capget(&header, &sets[0]); err != nil || sets[0].Permitted&bit == 0 || sets[0].Effective&bit != 0 {
		return
	}
	sets[0].Effective |= bit
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&sets[0])), 0)
	if errno != 0 {
		log.Printf("[WARNING] Not allowed to listen on ports below 1024: %v", errno)
	}
}
