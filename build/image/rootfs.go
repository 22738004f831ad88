package main

import (
	"archive/tar"
	"os"
	"time"

	examples "github.com/muslsafe/coredns-muslsafe/corefile-examples"
)

// bindService is the file capability CAP_NET_BIND_SERVICE, permitted, as the kernel keeps it in the attribute
// security.capability (struct vfs_cap_data, revision 2). With it a user without privileges can listen on port 53 where the
// ports of the privileged begin at 1024, as on the network of a node. The program makes it effective (build/command).
const bindService = "\x00\x00\x00\x02" + "\x00\x04\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"

// writeRootfs packs the file system of the image: the binary, and the Corefile that is served when none is mounted.
func writeRootfs(binary, out string, epoch time.Time) error {
	program, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	defer f.Close()
	w := tar.NewWriter(f)
	for _, entry := range []struct {
		header tar.Header
		body   []byte
	}{
		{tar.Header{Name: "etc/", Typeflag: tar.TypeDir, Mode: 0o755}, nil},
		{tar.Header{Name: "etc/coredns/", Typeflag: tar.TypeDir, Mode: 0o755}, nil},
		{tar.Header{Name: "etc/coredns/Corefile", Typeflag: tar.TypeReg, Mode: 0o644}, examples.Upstream},
		{tar.Header{Name: "coredns", Typeflag: tar.TypeReg, Mode: 0o755, PAXRecords: map[string]string{
			"SCHILY.xattr.security.capability": bindService,
		}}, program},
	} {
		entry.header.Size, entry.header.ModTime, entry.header.Format = int64(len(entry.body)), epoch, tar.FormatPAX
		if err := w.WriteHeader(&entry.header); err != nil {
			return err
		}
		if _, err := w.Write(entry.body); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return f.Close()
}
