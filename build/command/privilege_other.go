//go:build !linux

package command

// raise has nothing to do where there are no capabilities.
func raise() {}
