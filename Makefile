# Everything a person or CI runs. `make run` and `make test` install what they miss.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run demo build static arm dist test lint advisories unit bench faults soak fuzz \
	test-api test-compose test-lab arm-machine measure-arm measure-day \
	pictures pictures-luci tools compiler no-static install-bridge install-exporter uninstall-bridge \
	uninstall-exporter

# For build_info and the page.
export BUILD_REVISION := $(shell git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)

EXPORTER := target/release/netmonitor-exporter
BRIDGE := target/release/netmonitor-bridge
HOST_ARCH := $(shell uname -m)
STATIC := target/static/$(HOST_ARCH)-unknown-linux-musl/release/netmonitor-exporter

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## everything on this machine, or for ROUTER=192.168.1.1: exporter, bridge, Prometheus, Alertmanager, Grafana if installed
	@tests/install-tools.sh run
	@prometheus/run.sh

# Given as `make run ROUTER=…`, or in the environment.
export ROUTER

demo: build ## the same with fake routers and a made-up past, for those without a router; data is in target/demo
	cargo build --release --locked -p netmonitor-tests --bin fake-router
	@tests/install-tools.sh run
	@DATA=target/demo FAKE_ROUTERS=target/release/fake-router ROUTER= prometheus/run.sh

build: compiler ## exporter and bridge for this machine
	cargo build --release --locked -p netmonitor-exporter -p netmonitor-bridge

static: compiler ## a small static exporter for this machine's architecture
	openwrt/build-static.sh

# With sudo there may be no cargo: what was built before is installed then.
BUILT := $(if $(shell command -v cargo 2>/dev/null),build)
SYSTEMD := compose/systemd

# DESTDIR and ROUTER_IP reach the scripts as make was given them.
install-bridge: $(BUILT) ## the bridge as a service of systemd, for ROUTER_IP=192.168.1.1; as root
	@$(SYSTEMD)/install.sh bridge $(BRIDGE) $(if $(OLD),--old "$(OLD)")

install-exporter: $(BUILT) ## the exporter as a service of systemd, to watch this machine's own line; as root
	@$(SYSTEMD)/install.sh exporter $(EXPORTER)

uninstall-bridge: ## take the service away; PURGE=1 its settings and database, too
	@$(SYSTEMD)/uninstall.sh bridge $(if $(PURGE),--purge)

uninstall-exporter: ## the same of the exporter
	@$(SYSTEMD)/uninstall.sh exporter $(if $(PURGE),--purge)

# Of another CPU family than this machine's, and the one that most routers have.
FOREIGN_CPUS ?= aarch64-unknown-linux-musl

arm: tools ## the static exporter for FOREIGN_CPUS (aarch64), tried under QEMU
	for target in $(FOREIGN_CPUS); do openwrt/build-static.sh $$target || exit 1; done
	FOREIGN_CPUS="$(FOREIGN_CPUS)" cargo test --locked --workspace \
	  --features netmonitor-tests/foreign-cpus --test foreign_cpus

dist: tools ## what routers install, into target/dist: for all CPUs, tried under QEMU
	$(MAKE) arm FOREIGN_CPUS="$$(openwrt/package.sh targets | tr '\n' ' ')"
	openwrt/dist.sh

test: tools lint unit arm ## everything that must be green before a change lands

compiler:
	@tests/install-tools.sh build

tools:
	@tests/install-tools.sh test
	@tests/newer-prometheus.sh
	@tests/victoriametrics.sh
	@tests/containers/install.sh compose
	@tests/grafana/install.sh

lint: tools ## format, clippy, documents, dependencies, shell scripts, Dockerfiles
	cargo fmt --all --check
	for crate in exporter event-bridge; do cargo fmt --check --manifest-path $$crate/fuzz/Cargo.toml || exit 1; done
	cargo clippy --locked --workspace --all-targets --features netmonitor-tests/foreign-cpus,netmonitor-tests/containers -- -D warnings
	cargo clippy --locked -p netmonitor-exporter -p netmonitor-bridge --features netmonitor-exporter/fuzzing,netmonitor-bridge/fuzzing -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items --quiet
	tests/check-dependencies.sh
	tests/check-scripts.sh
	tests/check-dockerfiles.sh

advisories: compiler ## whether a dependency has a fault that is known: fetches the list of them
	tests/check-dependencies.sh advisories

unit: tools ## the tests of all crates
	cargo test --locked --workspace

no-static:
	@test -e $(STATIC) || echo "the static build is not measured: there is none yet, see make static"

# `make bench ONLY=bridge`, `make bench ONLY=exporter`.
BENCHED := $(or $(ONLY),exporter bridge)
MEASURED := $(if $(filter bridge,$(BENCHED)),--bridge $(BRIDGE)) \
	$(if $(filter exporter,$(BENCHED)),$(EXPORTER) $(wildcard $(STATIC)))

bench: tools build no-static ## speed and memory, events under load, the bridge with 1 to 5,000 routers
	cargo build --release --locked -q -p netmonitor-tests --bins
	cargo run --release --locked -q -p netmonitor-tests --bin bench -- $(MEASURED)

soak: build no-static ## an hour of pings, scrapes and log lines, two days of polls: memory, threads, CPU
	cargo build --release --locked -q -p netmonitor-tests --bins
	cargo run --release --locked -q -p netmonitor-tests --bin soak -- --bridge $(BRIDGE) \
	  $(EXPORTER) $(wildcard $(STATIC))

faults: tools build ## the released programs under kills, full disks, bad routers, storms of lines and scrapes; a report
	cargo run --release --locked -q -p netmonitor-tests --bin faults -- --bridge $(BRIDGE) \
	  --exporter $(EXPORTER)

test-compose: compiler ## the containers from first start to restore, with an engine of the test's own; PROFILE=release as they are released
	tests/containers/run.sh

test-api: compiler ## requests made up from the bridge's OpenAPI document, in a minute
	cargo build --locked -p netmonitor-bridge
	tests/test-api.sh target/debug/netmonitor-bridge

arm-machine: compiler
	@tests/install-tools.sh vm
	openwrt/build-static.sh aarch64-unknown-linux-musl

measure-arm: arm-machine ## the static exporter in an emulated ARM64 machine: start, memory, pings, log (100 MB of downloads)
	tests/arm-machine/measure.sh minutes

measure-day: arm-machine ## 24 hours of such a machine, in half an hour: is anything lost, does anything grow
	tests/arm-machine/measure.sh day

# x86_64 and aarch64, or one of them.
LAB_CPUS ?= x86_64 aarch64

test-lab: compiler ## a line that breaks in many ways, in emulated machines with a real pppd and access server (200 MB of downloads)
	@tests/install-tools.sh lab
	cargo build --locked -p netmonitor-tests --bin lab-check
	for cpu in $(LAB_CPUS); do \
	  openwrt/build-static.sh $$cpu-unknown-linux-musl && tests/pppoe-lab/run.sh $$cpu \
	    && target/debug/lab-check target/lab-vm/$$cpu/results || exit 1; \
	done

pictures: build ## the dashboards with the demo's data, into docs/images: 1280 and 390 pixels wide
	@tests/install-tools.sh pictures
	tests/pictures/test.sh
	tests/pictures/make.sh $(DASHBOARDS)

pictures-luci: ## LuCI's pages with what a router might say, into docs/images
	@tests/install-tools.sh pictures
	node tests/luci/pictures.mjs

# Read by tests/fuzz.sh.
export FUZZ_SECONDS JOBS ONLY

fuzz: compiler ## feed each parser of outside input with made-up bytes for FUZZ_SECONDS (600), JOBS at once; ONLY="config queue"
	@tests/install-tools.sh fuzz
	@tests/fuzz.sh
