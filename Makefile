# Short names for the commands that CONTRIBUTING.md describes. Each target runs one of them and does nothing else.

TOOL = go tool -modfile=tools/go.mod

.DEFAULT_GOAL := help
.PHONY: help build run test race lint fmt fuzz bench clients third-party ci

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

build: ## Build ./caddy, with the gateway and the simulator
	go build -o caddy ./cmd/caddy

run: ## Serve examples/quickstart: the gateway before simulated models
	go run ./cmd/caddy run --config examples/quickstart/Caddyfile

test: ## Run the tests
	go test ./...

race: ## Run the tests under the race detector
	go test -race ./...

lint: ## Report formatting, go vet's and golangci-lint's findings
	test -z "$$($(TOOL) gofumpt -l .)"
	go vet ./...
	$(TOOL) golangci-lint run ./...

fmt: ## Format the code
	$(TOOL) gofumpt -w .

fuzz: ## Run each fuzz target for 10 s
	test/fuzz

bench: ## Measure the gateway beside reverse_proxy
	go run ./bench

clients: ## Run the official clients against the gateway
	test/clients/run

third-party: ## Run other people's clients against the gateway
	test/clients/run third-party

ci: ## Run all that a change must pass
	bash .ci/run
