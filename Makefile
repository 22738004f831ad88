# Targets for people. `make run` and `make test` need Go and nothing else to begin with.

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT   ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
IMAGE    ?= muslsafe/coredns
FUZZTIME ?= 30s
BIN      ?= bin
HOST     := $(shell go env GOARCH)
ARCH     ?= $(HOST)

LDFLAGS := -s -w -X main.version=$(VERSION) -X github.com/coredns/coredns/coremain.GitCommit=$(COMMIT)
GOTESTSUM   := go run gotest.tools/gotestsum@v1.13.0
STATICCHECK := go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := go run golang.org/x/vuln/cmd/govulncheck@v1.9.0
ACTIONLINT  := go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
SYFT        := SYFT_CHECK_FOR_APP_UPDATE=false go run github.com/anchore/syft/cmd/syft@v1.52.0

.PHONY: build run test kubernetes chart cluster rollouts e2e matrix session bench faults soak fuzz compat vuln release release-binaries release-kubectl release-krew release-images release-sbom release-sums release-notes push push-login image lint clean

# -buildvcs=false: go finds git in a clone, but not in a worktree or an archive, and the binaries would differ.
GOBUILD := CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags grpcnotrace -ldflags '$(LDFLAGS)'

build:
	$(GOBUILD) -o '$(BIN)/coredns' ./build/coredns
	$(GOBUILD) -o '$(BIN)/doctor' ./build/doctor

# Serves the quickstart example on a port that needs no root.
run: build
	@echo 'Try, in another terminal:'
	@echo '  dig @127.0.0.1 -p 1053 example.org'
	@echo '  dig @127.0.0.1 -p 1053 httpd.dnscheck.svc.cluster.local.example.com   # a leak, denied without any upstream'
	@cd '$(BIN)' && exec ./coredns

# All tests, with the race detector. Tests that cannot run on this machine are listed with the reason at the end; in CI,
# nothing may be skipped. Results are not cached, because the tests start programs that the cache does not know.
test: install lint
	$(GOTESTSUM) --format pkgname -- -race -count=1 ./...
	cd test/kubernetes && $(GOTESTSUM) --format pkgname -- -race -count=1 -p 1 -timeout 45m ./...

# The manifests and the examples that need a cluster, against a real API server and on a real cluster.
kubernetes: install
	cd test/kubernetes && go test -race -count=1 -p 1 -timeout 45m -v ./...

# The values of build/helm with the chart of CoreDNS: rendered by Helm, given to a real Kubernetes API, and run. The chart comes from
# its own repository, at the commit of its version; CHART_REPOSITORY can be a mirror. `make test` does without it, and compares
# the values with testdata.
CHART_VERSION    := coredns-1.46.2
CHART_COMMIT     := caac03169738feb17b42e110c211f249fa7cf026
CHART_REPOSITORY ?= https://github.com/coredns/helm
CHART            := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/muslsafe/chart
chart: install
	rm -rf '$(CHART)'
	git init --quiet '$(CHART)'
	git -C '$(CHART)' fetch --quiet --depth 1 '$(CHART_REPOSITORY)' refs/tags/$(CHART_VERSION)
	git -C '$(CHART)' checkout --quiet $(CHART_COMMIT)
	GOBIN='$(abspath $(BIN))' go install helm.sh/helm/v4/cmd/helm@v4.3.1
	cd test/kubernetes && go test -tags chart -count=1 -v -run TestChart . -helm '$(abspath $(BIN))/helm' -chart '$(CHART)/charts/coredns'

# A cluster of real nodes in its own namespaces, with pods that look names up. It runs until interrupted, and prints how to use it.
NODES ?= 1
PROXY ?= nftables
cluster: install build
	go -C test/kubernetes build -o '$(abspath $(BIN))/cluster' ./keep
	'$(BIN)/cluster' -nodes $(NODES) -proxy $(PROXY)

# What is lost when servers are replaced, in each shape and with stock CoreDNS, RUNS times each. Writes the table in
# test/kubernetes/cluster, in about an hour per run. SHAPE=nftables/replace does it for one mode and shape.
RUNS ?= 3
SHAPE ?= .*/.*
rollouts: install
	cd test/kubernetes && go test -tags rollouts -count=1 -timeout 10h -v -run 'TestRollouts/$(SHAPE)' ./cluster -runs $(RUNS) -results .

# The real C libraries alone, in typical clusters and for every pair of answers.
e2e: install
	go test -race -count=1 -v ./test/e2e

# What each C library makes of every pair of answers, without muslsafe and with it. Draws the picture in the README.
matrix: install
	go test -count=1 -v -run TestMatrix ./test/e2e -picture '$(CURDIR)/test/e2e/matrix.svg'

# The sessions of doctor in the README and in its manual, and their picture.
session: install
	go test -count=1 -run 'Test(Readme|Manual)Session' ./test/doctor -write -picture '$(CURDIR)/build/doctor/session.svg'

.PHONY: install
install:
	test/install.sh

# Compares muslsafe with stock CoreDNS, unbound and dnsmasq, in about a quarter of an hour. Fails if a budget is missed. Writes
# test/bench and the table in the README.
bench: install build
	go run ./test/bench -coredns '$(BIN)/coredns' -out test/bench -readme README.md

# What clients notice of faults, without muslsafe and with it, and what stays bounded, in about five minutes, as in CI.
# `make faults FAULT=20s` makes each fault last that long, floods with NAMES names, and writes the table in test/faults. These
# tests measure time and need the machine to themselves: the tag `faults` keeps them out of `make test`.
NAMES ?= 2000000
FAULTS := go test -tags faults -race -count=1 -timeout 2h -v ./test/faults
faults: install
	$(FAULTS) -skip TestSoak $(if $(FAULT),-lasts $(FAULT) -names $(NAMES) -results '$(CURDIR)/test/faults/results.md')

# Memory, goroutines and open files under a mixed load, for half an hour.
SOAK ?= 30m
soak: install
	$(FAULTS) -run TestSoak -soak $(SOAK)

# Every fuzz target of the repository in turn, for FUZZTIME each.
fuzz:
	@grep -rho --include='*_test.go' '^func Fuzz[A-Za-z0-9]*' . -H | sed 's|/[^/]*:func | |' | while read -r dir target; do \
		echo "fuzz: $$target in $$dir"; \
		go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$dir" </dev/null || exit 1; \
	done

# The tests of the plugin, and a server with every property, with the newest CoreDNS of each minor version.
compat:
	test/compat.sh 1.13.2 1.14.7 1.15.0

# Known vulnerabilities in the binaries. It is not an error if the database cannot be reached, but it says so.
VULNDB ?= https://vuln.go.dev
vuln:
	@if curl -sSf --max-time 20 --output /dev/null '$(VULNDB)/index/db.json'; then \
		$(GOVULNCHECK) -db '$(VULNDB)' ./...; \
	else \
		echo 'vuln: the database at $(VULNDB) cannot be reached, so NOTHING WAS CHECKED'; \
	fi

# What goes out with a tag, in BIN/release: binaries for amd64 and arm64, doctor as a plugin of kubectl with its manifest for krew,
# images, what is in the binaries (CycloneDX), and checksums. Needs Docker. It publishes nothing.
RELEASE := $(BIN)/release
release:
	set -e; for part in binaries kubectl krew images sbom sums; do $(MAKE) release-$$part VERSION='$(VERSION)' COMMIT='$(COMMIT)'; done

# Doctor runs where people work, too.
release-binaries:
	rm -rf '$(RELEASE)'
	mkdir -p '$(RELEASE)'
	set -e; for arch in amd64 arm64; do for program in linux/coredns linux/coredns-slim linux/doctor darwin/doctor; do \
		GOOS=$${program%/*} GOARCH=$$arch $(GOBUILD) -o '$(RELEASE)'/muslsafe-$${program#*/}-$(VERSION)-$${program%/*}-$$arch "./build/$${program#*/}"; \
	done; done

# The form that krew installs: the program under the name by which kubectl finds it, and its license.
release-kubectl:
	set -e; cd '$(RELEASE)'; for doctor in muslsafe-doctor-*64; do \
		go run -C '$(CURDIR)' ./build/release archive "$$PWD/kubectl-muslsafe-$${doctor#muslsafe-doctor-}.tar.gz" \
			"kubectl-muslsafe=$$PWD/$$doctor" LICENSE=LICENSE; \
	done

# The manifest for krew, which only knows versions such as v1.0.0.
release-krew:
	@case '$(VERSION)' in \
	v[0-9]*) go run ./build/krew '$(VERSION)' '$(RELEASE)' >'$(RELEASE)/muslsafe.yaml' ;; \
	*) echo 'release: no manifest for krew, as $(VERSION) is not the version of a release' ;; \
	esac

# Archives for docker load. The engine is left with the images for this machine, which come last.
release-images:
	set -e; for arch in $(filter-out $(HOST),amd64 arm64) $(HOST); do \
		$(MAKE) image ARCH=$$arch; \
		for image in coredns coredns-slim doctor; do \
			cp '$(BIN)'/linux-$$arch/$$image.tar '$(RELEASE)'/muslsafe-image-$$image-$(VERSION)-linux-$$arch.tar; \
		done; \
	done

release-sbom:
	set -e; cd '$(RELEASE)'; for file in muslsafe-*64; do \
		$(SYFT) scan --quiet --source-name "$$file" --source-version '$(VERSION)' --output cyclonedx-json "file:$$file" | \
			go run -C '$(CURDIR)' ./build/release sbom >"$$file.cdx.json"; \
	done

release-sums:
	cd '$(RELEASE)' && sha256sum -- *muslsafe* >SHA256SUMS

# The text of a release.
release-notes:
	@go run ./build/release notes '$(VERSION)' <CHANGELOG.md

# Publishes the images of BIN/release, and prints what they are called, with their digests. Each name stands for both
# architectures. push-login reads the password of USER.
REGISTRY ?= ghcr.io/muslsafe
CRANE    := go run github.com/google/go-containerregistry/cmd/crane@v0.22.1
push:
	@set -e; for image in coredns coredns-slim doctor; do \
		name='$(REGISTRY)'/$${image%-slim}; tag='$(VERSION)'$${image#$${image%-slim}}; \
		for arch in amd64 arm64; do \
			$(CRANE) push '$(RELEASE)'/muslsafe-image-$$image-$(VERSION)-linux-$$arch.tar $$name:$$tag-$$arch >/dev/null; \
		done; \
		$(CRANE) index append --manifest $$name:$$tag-amd64 --manifest $$name:$$tag-arm64 --tag $$name:$$tag >/dev/null; \
		echo $$name@$$($(CRANE) digest $$name:$$tag); \
	done

push-login:
	@$(CRANE) auth login $(firstword $(subst /, ,$(REGISTRY))) --username '$(USER)' --password-stdin

# The image with all plugins, the slim one, and that of doctor, in the same place. ARCH=arm64 makes them for that; the same commit
# gives the same digests.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
image: image-coredns image-coredns-slim image-doctor

PROGRAM := coredns
NAME     = $(IMAGE)
image-%:
	GOOS=linux GOARCH=$(ARCH) $(GOBUILD) -o '$(BIN)/linux-$(ARCH)/$*/$(PROGRAM)' ./build/$*
	go run ./build/image rootfs '$(BIN)/linux-$(ARCH)/$*/$(PROGRAM)' '$(BIN)/linux-$(ARCH)/$*/rootfs.tar'
	docker build --quiet --target $(PROGRAM) --tag $(NAME):$(VERSION)$(SUFFIX) --file build/image/Dockerfile \
		--build-arg TITLE=$*-muslsafe --build-arg VERSION=$(VERSION) --build-arg REVISION=$(COMMIT) '$(BIN)/linux-$(ARCH)/$*'
	docker save $(NAME):$(VERSION)$(SUFFIX) | go run ./build/image settle $(ARCH) >'$(BIN)/linux-$(ARCH)/$*.tar'
	docker load --input '$(BIN)/linux-$(ARCH)/$*.tar'
	docker tag $(NAME):$(VERSION)$(SUFFIX) $(NAME):latest$(SUFFIX)

image-coredns-slim: SUFFIX := -slim
image-doctor: PROGRAM := doctor
image-doctor: NAME     = $(filter-out ./,$(dir $(IMAGE)))doctor

lint:
	@test -z "$$(gofmt -l .)" || { echo 'gofmt would change:'; gofmt -l .; exit 1; }
	go vet -tags faults ./...
	$(STATICCHECK) -tags faults ./...
	go mod tidy -diff
	go mod verify
	$(ACTIONLINT) .github/workflows/*.yml
	cd test/kubernetes && go vet -tags rollouts,chart ./... && $(STATICCHECK) -tags rollouts,chart ./... && go mod tidy -diff
	for tools in components cni metrics; do (cd "test/kubernetes/$$tools" && go mod tidy -diff) || exit 1; done

clean:
	rm -rf bin
