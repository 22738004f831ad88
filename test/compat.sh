#!/bin/sh
# Runs the tests of the plugin with other versions of CoreDNS, as people have it who compile it into theirs, and a whole
# server that is built so: in a copy of what that takes of this module. Takes the versions as arguments.
set -eu

root="$(cd "$(dirname "$0")/.." && pwd)"
copy="$(mktemp -d)"
trap 'rm -rf "$copy"' EXIT

failed=""
for version in "$@"; do
	rm -rf "$copy"/*
	mkdir -p "$copy/plugin" "$copy/build" "$copy/test"
	cp -r "$root/plugin/muslsafe" "$copy/plugin"
	cp -r "$root/build/chain" "$root/build/command" "$root/build/coredns" "$copy/build"
	cp -r "$root/corefile-examples" "$copy"
	cp -r "$root/test/lab" "$root/test/compat" "$copy/test"
	cp "$root/go.mod" "$root/go.sum" "$copy"
	echo "compat: CoreDNS $version"
	# What else it requires stays as new as here, which is how go get leaves it beside a CoreDNS with a plugin.cfg.
	(cd "$copy" &&
		go mod edit -require="github.com/coredns/coredns@v$version" &&
		go mod tidy &&
		go list -m -f '{{.Version}}' github.com/coredns/coredns | grep -qx "v$version" &&
		go vet ./... &&
		go test -race -count=1 ./...) || failed="$failed $version"
done
if [ -n "$failed" ]; then
	echo "compat: fails with CoreDNS$failed"
	exit 1
fi
