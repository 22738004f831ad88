package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// exactly wants n arguments, and says what they are if there are more or fewer.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return expected(cmd, args, what)
	}
}

// atLeast wants n arguments or more.
func atLeast(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= n {
			return nil
		}
		return expected(cmd, args, what)
	}
}

func expected(cmd *cobra.Command, args []string, what string) error {
	if len(args) == 0 {
		return fmt.Errorf("%s has no argument; expect %s", cmd.Name(), what)
	}
	return fmt.Errorf("%s has %d arguments, %q; expect %s", cmd.Name(), len(args), args, what)
}

// openFile opens a file to read. It takes no folder, which could be opened, but not read.
func openFile(name string) (*os.File, error) {
	const accepted = "expect a file that can be read, or - for standard input"
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%w; %s", err, accepted)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a directory; %s", name, accepted)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// peeked is how much of a file is looked at to tell text from other files.
const peeked = 512

// isBinary reports whether a file that begins like this is no text.
func isBinary(head []byte) bool { return bytes.IndexByte(head, 0) >= 0 }
