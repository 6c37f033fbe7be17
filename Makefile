# `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.locked
LOCKS := requirements.txt requirements-dev.txt
LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'
# Type checking loads the settings, and so needs their variables; it reaches no server.
CHECK_ENV := PORTAL_DATABASE_URL=postgresql://check@127.0.0.1/check PORTAL_DEBUG=true \
	PORTAL_SECRET_KEY=only-for-the-type-checker-which-signs-nothing-at-all-00000 \
	PORTAL_RESULT_KEYS=check:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 10

# The virtual environment is remade only when a lock has changed in content, not merely in date.
.PHONY: venv
venv: ## Make the virtual environment in .venv, from the locks
	@sum=$$(cat $(LOCKS) | sha256sum); \
	if [ "$$(cat $(STAMP) 2>/dev/null)" != "$$sum" ]; then \
		$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 …")'; \
		[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV); \
		echo "Installing the locked packages into $(VENV) …"; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes $(addprefix -r ,$(LOCKS)); \
		echo "$$sum" > $(STAMP); \
	fi

.PHONY: demo
demo: venv ## Start the portal with sample databases, people and requests (PORT, DEMO_DIR, DEMO_PASSWORD)
	@exec $(BIN)/python -m devtools.demo

.PHONY: screenshots
screenshots: venv ## Take the pictures in docs/screenshots anew, of a running demo (PORT, DEMO_PASSWORD; ARGS names some)
	$(BIN)/python -m devtools.screenshots $(ARGS)

.PHONY: check
check: venv ## Lint, formatting, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(CHECK_ENV) $(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: test
test: browser postgresql nginx check ## Everything CI runs: the checks, then all tests on real servers and a real browser
	$(BIN)/python -m devtools.servers $(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m pytest --numprocesses=auto --maxprocesses=4 --dist=worksteal $(ARGS)

.PHONY: browser
browser: ## Install Chromium for the browser tests, where it is missing and we are root
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit 0; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Chromium …"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null; \
	else \
		echo "No Chromium: the browser tests will be skipped. To run them: sudo apt-get install chromium"; \
	fi

.PHONY: nginx
nginx: ## Install nginx for the test of a rolling restart, where it is missing and we are root
	@command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing nginx …"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends nginx-light >/dev/null; \
	else \
		echo "No nginx: the test of a rolling restart will be skipped. To run it: sudo apt-get install nginx"; \
	fi

# The programs alone: the package would make a cluster of its own and start it.
.PHONY: postgresql
postgresql: ## Install the older PostgreSQL that tests run on as well, where it is missing and we are root
	@ls /usr/lib/postgresql/1[3-7]/bin/postgres >/dev/null 2>&1 && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing an older PostgreSQL …"; \
		export DEBIAN_FRONTEND=noninteractive; \
		apt-get update -qq; \
		apt-get install -qq -y --no-install-recommends postgresql-common >/dev/null; \
		sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf; \
		package=$$(apt-cache search --names-only '^postgresql-1[3-7]$$' | sort | cut -d' ' -f1 | head -n 1); \
		apt-get install -qq -y --no-install-recommends "$$package" >/dev/null; \
	else \
		echo "No older PostgreSQL: tests on it will be skipped. To run them: sudo apt-get install postgresql-15"; \
	fi

.PHONY: lock
lock: venv ## Lock the dependencies anew, with hashes (ARGS=--upgrade for newer versions)
	$(LOCK) $(ARGS) requirements.in --output-file requirements.txt
	$(LOCK) $(ARGS) requirements-dev.in --output-file requirements-dev.txt

.PHONY: bench
bench: venv ## Measure the speed goals, each beside its floor, on servers of its own
	$(BIN)/python -m bench $(ARGS)

.PHONY: clean
clean: ## Remove the virtual environment, the demo's data and every cache
	rm -rf $(VENV) .venv-peers .demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis staticfiles test-output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
