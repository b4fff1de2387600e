SHELL := /usr/bin/env bash -o pipefail
.DEFAULT_GOAL := help

GO        ?= go
TOOL      := $(GO) tool -modfile=hack/tools/go.mod
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS   := -s -w -X main.version=$(VERSION)
IMAGE     ?= godwit:$(VERSION)
PLATFORMS ?= linux/amd64,linux/arm64
FUZZTIME  ?= 60s
OBJECTS   ?= 2000

# Packages that only tests use, or that are generated.
UNMEASURED := /(conformance|fake|objecttest|openstorage|standin)$$

OPENSTORAGE := internal/volume/portworx/openstorage

##@ General

.PHONY: help
help: ## Show this help.
	@awk 'BEGIN {FS = ":.*##"; printf "Usage: make \033[36m<target>\033[0m\n"} /^[a-zA-Z0-9_-]+:.*?##/ { printf "  \033[36m%-18s\033[0m %s\n", $$1, $$2 } /^##@/ { printf "\n\033[1m%s\033[0m\n", substr($$0, 5) }' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## Migrate a real application between two real clusters on this machine (KEEP=1 leaves them up).
	$(GO) build -o bin/ ./hack/demo && exec bin/demo $(if $(KEEP),-keep)

.PHONY: demo-dr
demo-dr: build ## Fail an application over and back between two real clusters on this machine; it prints RPO and RTO.
	$(GO) build -o bin/demo-dr ./hack/demo/dr && exec bin/demo-dr

.PHONY: test
test: binaries tools ## Run all tests, with the race detector, against real API servers.
	@mkdir -p build
	$(GO) test -race -timeout 30m -coverprofile=build/cover.out -coverpkg=$$(echo $$($(GO) list ./internal/... | grep -vE '$(UNMEASURED)') | tr ' ' ,) ./...

.PHONY: test-fault
test-fault: binaries ## Migrate while API servers, networks and the operator fail, the long form (GODWIT_FAULT_SEED=n repeats one kill).
	GODWIT_FAULT=long $(GO) test -race -count=1 -timeout 90m -v ./test/fault/...

.PHONY: e2e
e2e: ## Run tests in two clusters with real nodes, as root on Linux: it installs containerd, runc and others from Debian's packages.
	GODWIT_E2E=1 $(GO) test -count=1 -timeout 60m -v ./test/e2e/... $(E2EFLAGS)

##@ Development

.PHONY: build
build: ## Build godwit and storkctl into bin/.
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

.PHONY: binaries
binaries: ## Build the Kubernetes control plane that tests, demo and benchmarks start; cached.
	@$(GO) run ./hack/clusters binaries

.PHONY: tools
tools: ## Get rsync ready for tests, from the system or unpacked from Debian's package; cached.
	@$(GO) run ./hack/debian rsync

.PHONY: clusters
clusters: ## Run two control planes until interrupted; it prints how to reach them.
	$(GO) build -o bin/ ./hack/clusters && exec bin/clusters up -n 2 -controller-manager

.PHONY: nodes
nodes: ## Run two clusters with real nodes until interrupted, as root on Linux; it prints how to reach them.
	$(GO) build -o bin/ ./hack/clusters && exec bin/clusters nodes

.PHONY: generate
generate: ## Generate deep copies, CRDs, RBAC, the chart's copies of them, and what speaks to Portworx.
	cd hack/tools && $(GO) run ./protogen $(CURDIR)/$(OPENSTORAGE) openstorage.proto
	$(TOOL) controller-gen object:headerFile=hack/boilerplate.go.txt paths=./api/...
	$(TOOL) controller-gen crd paths=./api/... output:crd:artifacts:config=config/crd/bases
	$(TOOL) controller-gen rbac:roleName=godwit-manager paths=./internal/... output:rbac:artifacts:config=config/rbac
	rm -rf config/chart/files && mkdir -p config/chart/files/crds
	cp config/crd/bases/*.yaml config/chart/files/crds/
	cp config/rbac/role.yaml config/chart/files/role.yaml
	cp config/webhook/configuration.yaml config/chart/files/webhook.yaml
	cp config/webhook/mutating.yaml config/chart/files/webhook_mutating.yaml

.PHONY: verify-generated
verify-generated: generate ## Fail when generated files are not those of the sources.
	@status=$$(git status --porcelain -- api config $(OPENSTORAGE)); if [ -n "$$status" ]; then \
		git --no-pager diff -- api config $(OPENSTORAGE); echo "$$status"; echo "error: generated files are out of date: run make generate and commit"; exit 1; fi

.PHONY: fmt
fmt: ## Format the code.
	$(TOOL) golangci-lint fmt

.PHONY: lint
lint: ## Lint the code.
	$(TOOL) golangci-lint run

.PHONY: tidy-check
tidy-check: ## Fail when go.mod is not tidy.
	$(GO) mod tidy -diff

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME (60s), two at a time.
	hack/fuzz.sh $(FUZZTIME)

.PHONY: cover
cover: test ## Run all tests and fail when a package has less than 80 % of its lines covered.
	$(GO) run ./hack/cover -least 80 build/cover.out

.PHONY: vulncheck
vulncheck: ## Look for known vulnerabilities in what the binaries call (VULNDB=file:///... takes a copy of the database; exit code 2 means that nothing was checked).
	hack/vulncheck.sh $(VULNDB)

.PHONY: bench
bench: build binaries ## Measure migrations against a raw floor, and an idle operator; results in build/bench.
	$(GO) build -o bin/ ./test/bench && exec bin/bench $(BENCHFLAGS)

.PHONY: measure
measure: binaries ## Measure the engine alone beside a bare client, with OBJECTS (2000) objects; it prints what it finds.
	GODWIT_MEASURE_OBJECTS=$(OBJECTS) $(GO) test -count=1 -run '^TestMeasure$$' -v ./internal/apply

.PHONY: soak
soak: build binaries ## Migrate for half an hour over clusters that come and go, and look for leaks; results in build/soak.
	$(GO) build -o bin/ ./test/soak && exec bin/soak $(SOAKFLAGS)

.PHONY: soak-schedules
soak-schedules: build binaries ## Run 200 schedules a minute for 20 minutes while the operator is killed and the destination restarted; results in build/soak.
	$(GO) build -o bin/ ./test/soak && exec bin/soak -schedules 200 -for 20m $(SOAKFLAGS)

##@ Delivery

.PHONY: docker-build
docker-build: ## Build the image for this platform.
	docker build --build-arg VERSION=$(VERSION) -t $(IMAGE) .

.PHONY: docker-buildx
docker-buildx: ## Build and push the image for all platforms.
	docker buildx build --push --platform $(PLATFORMS) --build-arg VERSION=$(VERSION) -t $(IMAGE) .

.PHONY: chart
chart: ## Package the Helm chart into build/.
	mkdir -p build && $(TOOL) helm package config/chart --app-version $(VERSION) --destination build

.PHONY: deploy
deploy: ## Install IMAGE into the cluster of the current kubeconfig with kustomize.
	kubectl kustomize config/default | sed 's|image: godwit:devel$$|image: $(IMAGE)|' | kubectl apply --server-side -f -

.PHONY: undeploy
undeploy: ## Remove from the cluster of the current kubeconfig; CRDs and their objects stay.
	set -e; for part in webhook network-policy manager rbac; do kubectl delete --ignore-not-found -k config/$$part; done
