# `make help` lists what there is. Every target works in a fresh clone on a bare Debian 12, as root or with sudo.
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed

.DEFAULT_GOAL := help
.PHONY: help demo test test-long check lint types floors fix bench model vitess test-vitess services services-down lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 16

$(STAMP): requirements.lock pyproject.toml scripts/environment.sh
	scripts/environment.sh "$(PYTHON)" "$(VENV)"
	touch $(STAMP)

demo: $(STAMP) ## show the main job on a sample wiki: ends by itself, leaves nothing running
	$(BIN)/cutover demo --once

test: $(STAMP) services ## run the tests, against the real MediaWiki too
	eval "$$(scripts/services.sh env)" && $(BIN)/python -m pytest $(ARGS)

test-long: $(STAMP) services model ## the full counts: every property 10,000 times, every kill and race (hours)
	eval "$$(scripts/services.sh env)" && CUTOVER_LONG=1 $(BIN)/python -m pytest --hypothesis-profile=nightly $(ARGS)

check: lint types floors test ## what CI runs

lint: $(STAMP) ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP) ## static types
	$(BIN)/mypy

floors: $(STAMP) ## imports only point down
	$(BIN)/lint-imports

fix: $(STAMP) ## mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) services ## measure against named peers, print ratios
	$(BIN)/python bench/passthrough.py

model: ## check the model of flips with Spin (docs/model)
	command -v spin >/dev/null || scripts/services.sh install spin gcc libc6-dev
	docs/model/run.sh

vitess: ## build a real Vitess with Go, once (minutes), and see that it answers
	scripts/vitess.sh run true

test-vitess: $(STAMP) ## run what has "vitess" in its name on it, then stop it
	scripts/vitess.sh run $(BIN)/python -m pytest -k vitess tests/backends tests/export tests/cutover $(ARGS)

services: ## start the real MediaWiki and MariaDB on loopback (installs Debian packages)
	scripts/services.sh up

services-down: ## stop them
	scripts/services.sh down

lock: $(STAMP) ## make requirements.lock anew from pyproject.toml
	scripts/lock.sh "$(VENV)"

clean: ## remove what was made here
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
