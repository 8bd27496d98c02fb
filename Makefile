# rtr-sync: what people run. `make` alone lists the targets.
# Needed: Rust, Python 3.9 or newer, make, a C compiler. Everything else is brought into .venv, .tools and target.

# The machine's Python, for what runs before there is a .venv: found before .venv comes to the front of the PATH.
PYTHON3 := $(or $(PYTHON3),$(shell command -v python3),$(error python3 is not on the PATH))
PYTHON  := .venv/bin/python
STACK   := $(PYTHON) infra/local/stack.py
REPEAT  ?= 1

# One target for cargo, nextest, clippy and the local stack: with another one cargo would compile everything again.
export CARGO_BUILD_TARGET ?= $(shell rustc -vV | sed -n 's/^host: //p')
# Entropy from CPU jitter costs 50 ms of each cold start, and the kernel's is there.
export AWS_LC_SYS_NO_JITTER_ENTROPY := 1
export SAM_CLI_TELEMETRY := 0
export PATH := $(CURDIR)/.tools/bin:$(CURDIR)/.venv/bin:$(PATH)
# Validating and building ask no account for anything, yet want a region.
SAM_REGION := AWS_DEFAULT_REGION=us-east-1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup build demo test simulate bench-crowd bench-backfill bench-pollers bench-dlq bench-redrive check-template local stop logs invoke fuzz bench-poll bench-links bench-buckets bench-remap bench-orgs bench-mapping lint advisories release clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

setup: .venv/installed ## bring the tools, at pinned versions, into .venv

.venv/installed: requirements.txt requirements.lock infra/tools/setup.py
	@$(PYTHON3) infra/tools/setup.py python
	@touch $@

build: ## compile everything (debug, which demo, tests and the local stack share)
	cargo build --workspace --bins

demo: setup build ## the guided demo: local stack, CRM sandbox, one story from event to CRM
	@$(PYTHON) infra/demo/demo.py

test: setup build check-template ## every test, against a local stack of its own (REPEAT=n runs them n times)
	@$(PYTHON3) infra/tools/setup.py nextest
	@cargo nextest run --workspace --exclude rtr-simulation --no-run
	@$(STACK) --name test run --repeat $(REPEAT) -- cargo nextest run --workspace --exclude rtr-simulation
	@cargo nextest run --cargo-profile simulation -p rtr-simulation
	@$(MAKE) --no-print-directory simulate FROM=1 SEEDS=20000 ARGS=--all-faults
	@$(MAKE) --no-print-directory simulate SEEDS=1000000 ARGS='--seconds 45'
	@$(MAKE) --no-print-directory bench-links

simulate: ## histories under every fault: [SEED=n replays one | SEEDS=n of them, FROM=n] [ARGS=…]
	@cargo run -q --profile simulation -p rtr-simulation -- $(if $(SEED),--seed $(SEED),$(if $(FROM),--from $(FROM)) \
		$(if $(SEEDS),--seeds $(SEEDS))) $(ARGS)

fuzz: ## what reads bytes of others, and what believes signatures: CASES of each target, optimised [CASES=100000] [SEED=1]
	@RTR_FUZZ_CASES=$(or $(CASES),100000) RTR_FUZZ_SEED=$(or $(SEED),1) cargo test --profile simulation -p rtr-connectors --test fuzz

bench-crowd: ## one org's CRM in trouble under 20,000 changed records: what another org feels, what catching up costs; fails beyond a line [N=20000]
	@cargo build -q --profile simulation -p rtr-simulation
	@failed=; for crm in hubspot salesforce; do for how in down hangs stalls limited misjudged; do echo; echo "its $$crm is $$how:"; \
		cargo run -q --profile simulation -p rtr-simulation -- --crowd $(or $(N),20000) --crm $$crm --trouble $$how \
		|| failed="$$failed $$crm/$$how"; done; done; test -z "$$failed" || { echo; echo "beyond a line:$$failed"; exit 1; }

bench-backfill: ## a backfill beside live traffic, simulated: what live events feel of it; fails beyond a line [N=20000] [ARGS=--small|--same-records]
	@cargo run -q --profile simulation -p rtr-simulation -- --backfill $(or $(N),20000) $(ARGS)

bench-pollers: setup build ## the same as bench-crowd with eight pollers of the real function, on a local stack of its own [N=20000]
	@$(PYTHON3) infra/tools/setup.py nextest
	@cargo nextest run -p rtr-tests --no-run
	@RTR_POLLERS_EVENTS=$(or $(N),20000) $(STACK) --name test run -- cargo nextest run --profile bench -p rtr-tests \
		-E 'test(eight_pollers)' --no-capture

bench-dlq: setup build ## N dead letters on a local stack of its own: listed, previewed, sent again; fails beyond a line [N=10000]
	@$(PYTHON3) infra/tools/setup.py nextest
	@cargo nextest run --workspace --exclude rtr-simulation --no-run
	@RTR_DEAD_LETTERS=$(or $(N),10000) $(STACK) --name test run -- cargo nextest run --profile bench --workspace --exclude rtr-simulation \
		-E 'package(rtr-tests) & test(many_dead_letters)' --no-capture

check-template: setup ## what template.yaml promises, the demo's own arithmetic, and the examples of the docs
	@$(PYTHON) -m unittest discover -q -s infra/checks -t infra/checks
	@$(PYTHON) -m unittest discover -q -s infra/demo -t infra/demo
	@$(PYTHON) -m unittest discover -q -s infra/house -t infra/house
	@$(PYTHON) -m unittest discover -q -s docs/examples/outbox -t docs/examples/outbox

local: setup build ## the local stack with the CRM sandbox, left running
	@$(STACK) up

stop: ## end the local stack
	@$(PYTHON3) infra/local/stack.py down

logs: ## what the functions of the local stack printed
	@$(STACK) logs

invoke: setup ## one event through the real binary: EVENT=events/….json [FUNCTION=sync|bulk|redrive|authorize|admin|ingest|webhook|apply|poll]
	@test -n "$(EVENT)" || { echo "which event? make invoke EVENT=events/….json"; exit 2; }
	@cargo build --workspace --bins 1>&2
	@$(PYTHON) infra/local/invoke.py $(EVENT) $(FUNCTION)

bench-poll: ## N changes made during a poll at equal times, and as many after, a kill in the middle of each: every one told once [N=50000]
	@RTR_POLL_RECORDS=$(or $(N),50000) cargo test -q --profile simulation -p rtr-engine --test it both_poll -- --nocapture

bench-links: ## N links moved in, then an event for each, in memory: time, memory, what the CRM was asked [N=10000]
	@cargo run -q -p rtr-testkit --example moving -- $(or $(N),10000)

bench-remap: ## N records, a new mapping that changes one in a hundred, the same versions again: what the CRM is asked [N=100000]
	@cargo run -q --profile simulation -p rtr-testkit --example remapping -- $(or $(N),100000)

bench-redrive: ## N dead letters of one cause, in memory: rehearsed, sent again and worked; fails under 5,000 a second sent [N=10000]
	@cargo run -q --profile simulation -p rtr-testkit --example redriving -- $(or $(N),10000)

bench-orgs: ## what the configuration of N orgs takes in one environment's memory [N=10000]
	@cargo run -q --profile simulation -p rtr-testkit --example orgs -- $(or $(N),10000)

bench-mapping: ## what one record costs the mapping engine: the reference mapping, compiled (criterion)
	@cargo bench -q -p rtr-core --bench mapping

bench-buckets: ## calls of the CRM for each record by GroupBuckets, in memory
	@cargo run -q --profile simulation -p rtr-testkit --example buckets

lint: setup ## format, clippy, template, licences and sources of what we link
	cargo fmt --check
	cargo clippy --workspace --all-targets -- -D warnings
	.venv/bin/cfn-lint
	$(SAM_REGION) .venv/bin/sam validate --lint
	@$(PYTHON3) infra/tools/setup.py deny
	cargo deny --log-level error check bans licenses sources

advisories: ## known weaknesses in what we link (asks the network)
	@$(PYTHON3) infra/tools/setup.py deny
	cargo deny check advisories

release: setup ## what is deployed: arm64, optimised, checked for size
	$(SAM_REGION) .venv/bin/sam build
	@$(PYTHON) infra/checks/size.py .aws-sam/build

clean: stop ## forget everything that was built, and the tools
	rm -rf target .aws-sam .venv .tools
