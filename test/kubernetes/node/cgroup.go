package node

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Control groups are the one thing that namespaces do not take with them. So those of a cluster have a name by which
// they are found, and a process outside, the keeper, which removes them as soon as the cluster has ended.

// groupPrefix begins the name of the control groups of a cluster; the process that started it ends it.
const groupPrefix = "muslsafe-node-"

// hierarchies returns where control groups are mounted, and whether it is one hierarchy of version 2.
func hierarchies() (dirs []string, unified bool, err error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, false, err
	}
	for line := range strings.Lines(string(text)) {
		// … MOUNTPOINT OPTIONS … - TYPE SOURCE OPTIONS
		before, after, _ := strings.Cut(line, " - ")
		switch strings.Fields(after)[0] {
		case "cgroup":
			dirs = append(dirs, strings.Fields(before)[4])
		case "cgroup2":
			unified = true
			dirs = append(dirs, strings.Fields(before)[4])
		}
	}
	if len(dirs) == 0 {
		return nil, false, errors.New("no control groups are mounted")
	}
	return dirs, unified && len(dirs) == 1, nil
}

// makeGroup makes a control group in every hierarchy, below those that are there.
func makeGroup(group string) error {
	dirs, unified, err := hierarchies()
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		at := filepath.Join(dir, group)
		if err := os.Mkdir(at, 0o755); err != nil {
			return err
		}
		if unified {
			err = delegate(filepath.Dir(at), dir)
		} else {
			err = inheritCPUs(at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// delegate gives the groups of version 2 below a group what it has itself. That of the whole machine is left alone.
func delegate(dir, machine string) error {
	if dir == machine {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return err
	}
	controllers := "+" + strings.Join(strings.Fields(string(text)), " +")
	return os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte(controllers), 0o644)
}

// inheritCPUs gives a group of version 1 the processors and memory of the one above, without which no process can join.
func inheritCPUs(dir string) error {
	for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(dir), name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil // another controller
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), bytes.TrimSpace(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// startKeeper starts a process that removes the control groups when release is called, or when this process ends without
// doing so. It is in a session of its own, so that what ends this one by its group or terminal does not reach it.
func startKeeper(group string) (release func(), err error) {
	if err := sweep(); err != nil {
		return nil, err
	}
	if err := makeGroup(group); err != nil {
		return nil, fmt.Errorf("control groups: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	cmd := role(roleKeeper, group)
	cmd.Stdin, cmd.SysProcAttr = r, &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() {
		_ = w.Close()
		if err := cmd.Wait(); err != nil {
			fmt.Fprintln(os.Stderr, "node: control groups are left:", err)
		}
	}, nil
}

// keep is the keeper. Its standard input ends with the process that started it.
func keep() int {
	_, _ = io.Copy(io.Discard, os.Stdin) // however it ends, it has ended
	group := os.Getenv(groupVar)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		err := removeGroup(group)
		if err == nil {
			return 0
		}
		if time.Now().After(deadline) {
			fmt.Fprintln(os.Stderr, "node:", err)
			return 1
		}
	}
}

// sweep removes what was left by a cluster whose keeper was killed too.
func sweep() error {
	dirs, _, err := hierarchies()
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		left, err := filepath.Glob(filepath.Join(dir, groupPrefix+"*"))
		if err != nil {
			return err
		}
		for _, group := range left {
			pid, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(group), groupPrefix))
			if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
				_ = removeGroup(filepath.Base(group)) // if it is in use after all, it stays
			}
		}
	}
	return nil
}

// removeGroup removes a control group and all below it. There may be no process in them.
func removeGroup(group string) error {
	dirs, _, err := hierarchies()
	if err != nil {
		return err
	}
	var groups []string
	for _, dir := range dirs {
		err := filepath.WalkDir(filepath.Join(dir, group), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				groups = append(groups, path)
			}
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	slices.Reverse(groups) // the inner ones first
	for _, path := range groups {
		if err := syscall.Rmdir(path); err != nil && !errors.Is(err, syscall.ENOENT) {
			return fmt.Errorf("rmdir %s: %w", path, err)
		}
	}
	return nil
}
