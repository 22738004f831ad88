package scan

import (
	"os"

	"golang.org/x/sys/unix"
)

// virtual are the file systems that have no programs in them, and files without an end.
var virtual = map[int64]bool{
	unix.PROC_SUPER_MAGIC: true, unix.SYSFS_MAGIC: true, unix.CGROUP_SUPER_MAGIC: true, unix.CGROUP2_SUPER_MAGIC: true,
	unix.DEBUGFS_MAGIC: true, unix.TRACEFS_MAGIC: true, unix.DEVPTS_SUPER_MAGIC: true, unix.SECURITYFS_MAGIC: true,
	unix.BPF_FS_MAGIC: true, unix.PSTOREFS_MAGIC: true, unix.EFIVARFS_MAGIC: true, unix.SELINUX_MAGIC: true,
}

// isVirtual reports whether a folder is in such a file system.
func isVirtual(root *os.Root, name string) bool {
	f, err := root.Open(name)
	if err != nil {
		return false // reading it says what is wrong
	}
	defer f.Close()
	var s unix.Statfs_t
	return unix.Fstatfs(int(f.Fd()), &s) == nil && virtual[int64(s.Type)]
}
