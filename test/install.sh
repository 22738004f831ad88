#!/bin/sh
# Installs what the tests need, on Debian and as root: servers and tools from the packages of this machine's own
# release, and each version of musl from the release that has it. What is there already is left alone. And it builds
# the components of Kubernetes, which takes minutes on a new machine and seconds on one whose build cache has them.
#
# The versions of musl go to a cache folder, not into the system: one client linked with musl-gcc runs on each of
# them when it is started by that version's loader, and each has what a static client is made of. So do containerd and
# runc, which would start, or be in the way of another engine, and qemu, which would change what the kernel executes.
set -eu

packages="gcc libc6-dev libc-ares-dev musl-tools nodejs python3 dnsmasq-base unbound dnsperf bind9-dnsutils iproute2 etcd-server busybox prometheus nftables iptables libseccomp2 systemd"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/muslsafe"

# release:version
musls="bullseye:1.2.2 bookworm:1.2.3 trixie:1.2.5 forky:1.2.6"

say() { echo "install: $*"; }

kubernetes="$(dirname "$0")/kubernetes"
mkdir -p "$cache/cni"
began=$(date +%s)
version=$(go -C "$kubernetes/components" list -m -f '{{.Version}}' k8s.io/kubernetes)
say "Kubernetes $version: 6 minutes on two cores, more on a busy machine, and seconds where it was built before"
CGO_ENABLED=0 go -C "$kubernetes/components" build -o "$cache/" \
	-ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version" tool
CGO_ENABLED=0 go -C "$kubernetes/cni" build -ldflags '-s -w' -o "$cache/cni/" tool
say "metrics-server: some minutes more, in the same way"
CGO_ENABLED=0 go -C "$kubernetes/metrics" build -ldflags '-s -w' -o "$cache/" tool
go -C "$kubernetes" mod download github.com/prometheus-operator/prometheus-operator # for its kinds
say "Kubernetes $version was built in $(($(date +%s) - began)) s"

if ! command -v apt-get >/dev/null; then
	say "no apt-get here; tests that need one of these say so: $packages, and musl $musls"
	exit 0
fi

missing=""
for package in $packages; do
	dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' || missing="$missing $package"
done
if [ -n "$missing" ]; then
	if [ "$(id -u)" -ne 0 ]; then
		say "not root, so these packages are not installed:$missing"
	else
		say "packages:$missing"
		# The tests start their servers themselves; none is to be started here.
		policy=""
		if [ ! -e /usr/sbin/policy-rc.d ]; then
			policy=/usr/sbin/policy-rc.d
			trap 'rm -f "$policy"' EXIT
			printf '#!/bin/sh\nexit 101\n' >"$policy"
			chmod +x "$policy"
		fi
		apt-get update -qq
		# shellcheck disable=SC2086 # a list of words
		DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $missing >/dev/null
		[ -z "$policy" ] || rm -f "$policy"
	fi
fi

# Debian's archive as this machine reaches it.
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' | grep -v security | head -n 1)
if [ -z "$archive" ]; then
	say "apt knows no archive of Debian, so the versions of musl are not fetched"
	exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fetch RELEASE PACKAGE... unpacks packages of a release into $work/RELEASE/root, by an apt that knows nothing of the
# system: neither its sources nor what is installed.
fetch() {
	apt="$work/$1"
	mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/parts" "$apt/root"
	: >"$apt/status"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive $1 main" >"$apt/sources.list"
	cat >"$apt/apt.conf" <<-EOF
		Dir::Etc::SourceList "$apt/sources.list";
		Dir::Etc::SourceParts "$apt/parts";
		Dir::State::Lists "$apt/lists";
		Dir::State::Status "$apt/status";
		Dir::Cache "$apt";
		APT::Sandbox::User "";
		Acquire::Languages "none";
		Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
		Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
	EOF
	shift
	(
		cd "$apt"
		export APT_CONFIG="$apt/apt.conf"
		apt-get update -qq
		apt-get download -qq "$@"
		for package in *.deb; do dpkg-deb -x "$package" root; done
	)
}

for entry in $musls; do
	release=${entry%%:*} version=${entry##*:}
	target="$cache/musl-$version"
	[ -e "$target/libc.a" ] && continue
	say "musl $version from $release"
	fetch "$release" musl musl-dev
	root="$work/$release/root"
	[ ! -d "$root/lib" ] || cp -a "$root/lib" "$root/usr/" # where libc.so was before trixie
	lib=$(echo "$root"/usr/lib/*-linux-musl)
	mv "$root"/usr/include/*-linux-musl "$lib/include"
	if "$lib/libc.so" 2>&1 | grep -qx "Version $version"; then
		rm -rf "$target"
		mv "$lib" "$target"
	else
		say "$release has another version of musl now, so tests that need $version say that it is missing"
	fi
done

if [ ! -e "$cache/containerd/runc" ]; then
	say "containerd and runc from bookworm"
	mkdir -p "$cache/containerd"
	fetch bookworm containerd runc
	cp "$work"/bookworm/root/usr/bin/containerd* "$work"/bookworm/root/usr/bin/ctr "$work"/bookworm/root/usr/sbin/runc "$cache/containerd/"
fi

if [ ! -e "$cache/systemd/systemd-resolved" ]; then
	say "systemd-resolved from bookworm"
	mkdir -p "$cache/systemd"
	fetch bookworm systemd-resolved libsystemd-shared
	root="$work/bookworm/root"
	install -t "$cache/systemd" "$root/lib/systemd/systemd-resolved" "$root/lib/systemd/system/systemd-resolved.service" \
		"$root"/usr/lib/*/systemd/libsystemd-shared-*.so
fi

# Runs programs for arm64 without a word to the kernel of this machine (binfmt_misc).
if [ ! -e "$cache/qemu-aarch64" ]; then
	say "qemu for arm64 from bookworm"
	fetch bookworm qemu-user-static
	cp "$work/bookworm/root/usr/bin/qemu-aarch64-static" "$cache/qemu-aarch64.new"
	mv "$cache/qemu-aarch64.new" "$cache/qemu-aarch64"
fi
