//go:build !linux

package scan

import "os"

// isVirtual has nothing to tell where there is no /proc.
func isVirtual(*os.Root, string) bool { return false }
