# `make help` lists the targets.
.DEFAULT_GOAL := help
.PHONY: help install demo up down test check format bench pictures lock sbom notices audit secrets api platform stream load engine

# Python compiles what it imports once, also where the environment says not to: start-up is ten times faster.
export PYTHONDONTWRITEBYTECODE :=

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## Install everything below this folder (done by the others when needed)
	@sh local/install.sh

demo: install ## Start the platform, load the sample data, print a summary, leave it running
	@.venv/bin/c360 demo

up: install ## Start the platform, empty
	@.venv/bin/c360 up

down: ## Stop the platform; the database's data stays
	@if [ -x .venv/bin/c360 ]; then .venv/bin/c360 down; else echo "nothing is installed, so nothing runs"; fi

test: install ## Run every test
	@.venv/bin/pytest --numprocesses=logical --maxprocesses=4 --dist=loadscope --no-loadscope-reorder

check: install secrets ## Lint, check the format and the types, look for secrets
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@cd dashboards/web && node_modules/.bin/tsc --noEmit

format: install ## Format the code
	@.venv/bin/ruff check --fix
	@.venv/bin/ruff format

bench: install ## Print the benchmark tables
	@.venv/bin/python -m benchmarks $(filter-out $@,$(MAKECMDGOALS))

api platform stream load engine: # `make bench load`: the word is for the target before it
	@:

pictures: install ## Photograph the dashboard of the running demo for the README
	@.venv/bin/python -m tests.browser.pictures

sbom: install ## Print the software bill of materials, CycloneDX JSON
	@.venv/bin/python -m local.bill_of_materials sbom

notices: install ## Print the licences of all packages
	@.venv/bin/python -m local.bill_of_materials notices

audit: install ## Ask PyPI and npm for known vulnerabilities of what is pinned
	@.venv/bin/uvx --quiet pip-audit==2.9.0 --strict --require-hashes --disable-pip -r requirements/functions.txt
	@.venv/bin/uvx --quiet pip-audit==2.9.0 --strict --require-hashes --disable-pip -r requirements/export.txt
	@npm audit && npm audit --prefix dashboards/web

secrets: ## Look for keys and tokens in what git tracks
	@sh .ci/secrets.sh

lock: ## Resolve requirements/*.in again
	@sh requirements/compile.sh
