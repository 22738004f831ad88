// Package kubectl reads a cluster, and runs doctor in it, by the kubectl of the user: with its contexts, its credentials and
// its rights.
package kubectl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
)

// A Kubectl is how to call kubectl.
type Kubectl struct {
	Kubeconfig string // a file; empty for that of the user
	Context    string // empty for the current one
	Namespace  string // empty for that of the context
}

// timeout is after how long the API is given up.
const timeout = "--request-timeout=30s"

// command returns a call of kubectl. The flags come first, so that nothing in args ends them.
func (k Kubectl) command(ctx context.Context, args []string) *exec.Cmd {
	flags := []string{timeout}
	if k.Kubeconfig != "" {
		flags = append(flags, "--kubeconfig="+k.Kubeconfig)
	}
	if k.Context != "" {
		flags = append(flags, "--context="+k.Context)
	}
	if k.Namespace != "" {
		flags = append(flags, "--namespace="+k.Namespace)
	}
	return exec.CommandContext(ctx, "kubectl", append(flags, args...)...)
}

// Output runs kubectl and returns what it writes. Its error is an *Error, unless ctx is over.
func (k Kubectl) Output(ctx context.Context, in []byte, args ...string) ([]byte, error) {
	cmd := k.command(ctx, args)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &errs
	err := cmd.Run()
	return out.Bytes(), failure(ctx, err, errs.String())
}

// Get reads one object. With --ignore-not-found, ok says whether there is one.
func Get[T any](ctx context.Context, k Kubectl, args ...string) (object T, ok bool, err error) {
	out, err := k.Output(ctx, nil, append([]string{"get", "--output=json"}, args...)...)
	if err != nil || len(bytes.TrimSpace(out)) == 0 {
		return object, false, err
	}
	if err := json.Unmarshal(out, &object); err != nil {
		return object, false, fmt.Errorf("kubectl get %s: %w", args[0], err)
	}
	return object, true, nil
}

// List reads objects one after the other, so that a long list takes little memory.
func List[T any](ctx context.Context, k Kubectl, each func(T), args ...string) error {
	cmd := k.command(ctx, append([]string{"get", "--output=json"}, args...))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return failure(ctx, err, "")
	}
	read := items(out, each)
	_, _ = io.Copy(io.Discard, out) // if it cannot be read, kubectl must still come to its end
	if err := failure(ctx, cmd.Wait(), errs.String()); err != nil {
		return err
	}
	if read != nil {
		return fmt.Errorf("kubectl get %s: %w", args[0], read)
	}
	return nil
}

// items decodes the items of a list.
func items[T any](r io.Reader, each func(T)) error {
	d := json.NewDecoder(r)
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return cmpErr(err, "no JSON object")
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		if key != "items" {
			var skipped json.RawMessage
			if err := d.Decode(&skipped); err != nil {
				return err
			}
			continue
		}
		if err := elements(d, each); err != nil {
			return err
		}
	}
	return nil
}

func elements[T any](d *json.Decoder, each func(T)) error {
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return cmpErr(err, "items that are no list")
	}
	for d.More() {
		var object T
		if err := d.Decode(&object); err != nil {
			return err
		}
		each(object)
	}
	_, err := d.Token()
	return err
}

// cmpErr returns err, or an error that says what was found.
func cmpErr(err error, found string) error {
	if err != nil {
		return err
	}
	return errors.New(found)
}
