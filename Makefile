# Two commands do everything on a fresh Debian 12 machine: `make demo` and `make test`.
# Both install what they need by package name, are safe to run twice, and say what they do.

CARGO ?= cargo
JOBS ?= 2
MODELS ?= $(CURDIR)/target/models

.PHONY: demo build run test check models console setup setup-test fmt lint tidy doc unit clean-demo train bench-labels

## Plays a live stream into the service and shows it turn into clips. DEMO_ARGS="--lang en", "--json", …
demo: build models
	target/release/clipmill demo --models-dir $(MODELS) $(DEMO_ARGS)

## Leaves the release binary at target/release/clipmill.
build: setup console
	$(CARGO) build --release -j$(JOBS) -p clipmill

## The service without the demo stream.
run: build models
	CLIPMILL__MODELS__DIR=$(MODELS) target/release/clipmill run

## The models of the embedded default, checked against their pinned hashes.
models: build
	target/release/clipmill models fetch --models-dir $(MODELS)

## Trains the built-in heads and writes docs/ref/selling-points.md. The heads are part of the program: build it again then.
bench-labels:
	$(CARGO) build -q -j$(JOBS) --workspace --bin clipmill
	python3 bench/label_page.py target/debug/clipmill $(MODELS)

setup:
	@scripts/setup

setup-test:
	@scripts/setup --test

## The web console, built into the binary.
console: setup
	@scripts/npm ci --no-audit --no-fund --loglevel=error
	@scripts/npm run --silent build

## Formatting, lints, docs, house rules, console tests, then every Rust test (the last lines are the test runner's).
test: setup-test fmt console lint tidy doc unit
	CLIPMILL_MODELS=$(MODELS) $(CARGO) run -q -j$(JOBS) -p clipmill -- models fetch --models-dir $(MODELS)
	CLIPMILL_MODELS=$(MODELS) scripts/run-tests

fmt:
	$(CARGO) fmt --all --check

lint: setup
	$(CARGO) clippy -j$(JOBS) --workspace --all-targets -- -D warnings

tidy: setup
	$(CARGO) xtask tidy

doc: setup
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc -j$(JOBS) --workspace --no-deps --document-private-items

unit: console
	@scripts/npm test
	@scripts/npm run --silent gen:check
	@scripts/npm run --silent e2e
