package main

import (
	"archive/tar"
	"os"
	"path/filepath"
	"time"

	examples "github.com/muslsafe/coredns-muslsafe/corefile-examples"
)

// bindService is the file capability CAP_NET_BIND_SERVICE, permitted, as the kernel keeps it in the attribute
// security.capability (struct vfs_cap_data, revision 2). With it a user without privileges can listen on port 53 where the
// ports of the privileged begin at 1024, as on the network of a node. The program makes it effective (build/command).
const bindService = "\x00\x00\x00\x02" + "\x00\x04\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"

// entry is a file or folder of an image.
type entry struct {
	header tar.Header
	body   []byte
}

// contents is what an image has. That of CoreDNS has the Corefile that is served when none is mounted, that of doctor nothing but
// the program.
func contents(name string, program []byte) []entry {
	header := tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o755}
	if name != "coredns" {
		return []entry{{header, program}}
	}
	header.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": bindService}
	return []entry{
		{tar.Header{Name: "etc/", Typeflag: tar.TypeDir, Mode: 0o755}, nil},
		{tar.Header{Name: "etc/coredns/", Typeflag: tar.TypeDir, Mode: 0o755}, nil},
		{tar.Header{Name: "etc/coredns/Corefile", Typeflag: tar.TypeReg, Mode: 0o644}, examples.Upstream},
		{header, program},
	}
}

// writeRootfs packs the file system of an image. The name of the binary says which.
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
	for _, e := range contents(filepath.Base(binary), program) {
		e.header.Size, e.header.ModTime, e.header.Format = int64(len(e.body)), epoch, tar.FormatPAX
		if err := w.WriteHeader(&e.header); err != nil {
			return err
		}
		if _, err := w.Write(e.body); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return f.Close()
}
