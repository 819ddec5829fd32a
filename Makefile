# Everything is installed into this directory (.venv, node_modules, .demo); `make clean` removes it again.

PYTHON ?= python3
PORT ?= 8000
NODES ?= 1
SEARCH ?= 20
SOAK_SECONDS ?= 300
SOAK_PAIRS ?= 200
VENV := .venv
BIN := $(VENV)/bin
PEERS := benchmarks/peers
STATIC := server/idcontact/static
BUILT := $(STATIC)/manifest.json
FRONT_END_SOURCES := $(shell find client widget agent_console server/idcontact/texts -type f 2>/dev/null) package-lock.json tsconfig.json
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11
# A file at a time, in the order of tests/conftest.py. Two: with three on two processors real time-outs passed.
AT_ONCE := -n 2 --dist loadfile --no-loadscope-reorder
MAKEFLAGS += --no-print-directory

# Where it is set, each of the processes that tests start would compile all of its modules: seconds instead of one.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test soak lint format generate bench locks upgrade-locks needs-demo needs-test clean
.DELETE_ON_ERROR:
.NOTPARALLEL:

help:
	@echo 'make demo      the whole product on this machine, on port 8000 (or PORT=…), by one process (or NODES=…)'
	@echo 'make test      all checks and tests'
	@echo 'make soak      people talk for SOAK_SECONDS=… while everything breaks, and nothing is lost; then the rules that'
	@echo '               tests hold against examples, against many more at random (SEARCH=… times as many)'
	@echo 'make lint      formatting, lint and types of Python and TypeScript; generated files up to date'
	@echo 'make format    put Python and TypeScript in the project'"'"'s format'
	@echo 'make generate  JSON Schema and TypeScript types from the Python messages'
	@echo 'make bench     speed, as ratios to a bare server in the same run'
	@echo 'make locks     lock files from pyproject.toml; upgrade-locks takes the newest versions'
	@echo 'make clean     remove everything that was installed, built or stored here, the demo'"'"'s data too'

# exec: no shell stays between the terminal and the server, so that Ctrl-C or a kill ends it in good order.
demo: $(VENV)/.installed $(BUILT)
	@exec $(BIN)/idcontact demo --port $(PORT) --nodes $(NODES)

test: needs-test lint
	npm test --silent
	npm run size --silent
	$(BIN)/python -m pytest $(AT_ONCE)

# At random: what it finds is kept in .hypothesis and tried first the next time, until it is repaired.
# And the fault test, alone: it is to have the machine for itself. SOAK_SECONDS and SOAK_PAIRS: how long, how many.
soak: needs-test $(VENV)/.installed-dev node_modules/.installed-dev $(BUILT)
	IDCONTACT_SOAK_SECONDS=$(SOAK_SECONDS) IDCONTACT_SOAK_PAIRS=$(SOAK_PAIRS) $(BIN)/python -m pytest -m soak -s
	IDCONTACT_SEARCH=$(SEARCH) $(BIN)/python -m pytest $(AT_ONCE) -m 'hypothesis and not soak' --hypothesis-profile=search

lint: $(VENV)/.installed-dev node_modules/.installed-dev $(BUILT)
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	npm run check --silent
	$(BIN)/python -m idcontact.generate --check

format: $(VENV)/.installed-dev node_modules/.installed-dev
	$(BIN)/ruff format --quiet .
	$(BIN)/ruff check --quiet --fix .
	npm run fix --silent

generate: $(VENV)/.installed-dev
	$(BIN)/python -m idcontact.generate

bench: $(VENV)/.installed-dev $(PEERS)/.installed
	@tools/need 'cc --version' 'gcc libc6-dev' 'a C compiler, for the load generator'
	@$(BIN)/python -m benchmarks

clean:
	rm -rf $(PEERS)/.venv $(PEERS)/node_modules $(PEERS)/.installed
	rm -rf $(VENV) node_modules .demo .cache $(STATIC) dist test-results
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What the machine must have; the rest is installed into this directory.
needs-demo:
	@tools/need '$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))"' - 'Python 3.11 or newer (one that is not the default: make PYTHON=…)'
	@tools/need '$(PYTHON) -m ensurepip --version' python3-venv 'the Python module venv'
	@tools/need 'node --version | grep -Eq "^v(2[0-9]|[3-9][0-9])\."' - 'Node 20 or newer'
	@tools/need 'npm --version' - 'npm, which comes with Node'

needs-test: needs-demo
	@tools/need 'redis-server --version' redis-server 'a real Redis 7, for the tests'
	@tools/need 'chromium-headless-shell --version || chromium --version' chromium-headless-shell 'Chromium, for the tests'
	@tools/need 'firefox-esr --version || firefox --version' firefox-esr 'Firefox, for the tests'
	@tools/need 'openssl version' openssl 'OpenSSL, for the test of what the image is given'
	@tools/need 'fc-list | grep -q .' 'fontconfig fonts-dejavu-core' 'a font for the pages in the tests'

$(BIN)/uv: requirements-build.lock
	@$(MAKE) needs-demo
	@echo 'Making $(VENV)'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV)/.installed: requirements.lock pyproject.toml hatch_build.py $(BIN)/uv
	@echo 'Installing Python packages'
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $<
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo 'Installing Python packages for development'
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $<
	@touch $@

# What builds the front ends is there in both; the second adds what checks them.
node_modules/.installed: package.json package-lock.json .npmrc
	@echo 'Installing front-end packages'
	@npm ci --omit=dev --loglevel=error --no-audit --no-fund --no-update-notifier >/dev/null
	@touch $@

node_modules/.installed-dev: package.json package-lock.json .npmrc
	@echo 'Installing front-end packages for development'
	@npm ci --loglevel=error --no-audit --no-fund --no-update-notifier >/dev/null
	@touch node_modules/.installed $@

# What the product is measured against: in directories of their own, and in no lock file of the product.
$(PEERS)/.installed: $(PEERS)/requirements.lock $(PEERS)/package.json $(PEERS)/package-lock.json $(BIN)/uv
	@echo 'Installing what the product is measured against'
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(PEERS)/.venv
	@$(BIN)/uv pip install --quiet --python $(PEERS)/.venv/bin/python --require-hashes -r $<
	@cd $(PEERS) && npm ci --loglevel=error --no-audit --no-fund --no-update-notifier >/dev/null
	@touch $@

$(BUILT): $(FRONT_END_SOURCES) | node_modules/.installed
	@echo 'Building the front ends'
	@npm run build --silent

locks: $(BIN)/uv
	$(COMPILE) $(UPGRADE) pyproject.toml --output-file requirements.lock
	$(COMPILE) $(UPGRADE) pyproject.toml --group dev --constraint requirements.lock --output-file requirements-dev.lock
	$(COMPILE) $(UPGRADE) --group build --constraint requirements-dev.lock --output-file requirements-build.lock
	$(COMPILE) $(UPGRADE) $(PEERS)/requirements.in --output-file $(PEERS)/requirements.lock

upgrade-locks:
	@$(MAKE) locks UPGRADE=--upgrade
