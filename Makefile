# `make help` lists the targets. tests/support/setup.sh prepares the machine and .venv.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup test lint demo bench attacks campaign wheel lock filters clean

PYTHON := .venv/bin/python
# Two workers; a file's tests stay together, so module fixtures are made once. A test that hangs
# fails by its name after five minutes.
PYTEST := $(PYTHON) -m pytest -n 2 --dist loadfile --timeout 300
# At most so long for each part of the campaign that goes on until it is stopped.
MINUTES := 60
SHELL_FILES := hooks/* tests/support/*.sh .ci/run

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

setup:  ## install missing programs, make .venv
	@tests/support/setup.sh

lint: setup  ## ruff, ruff format, mypy --strict, shellcheck
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy --strict
	shellcheck $(SHELL_FILES)

test: lint  ## everything that must hold: lint, then the tests (ends with pytest's summary)
	@$(PYTEST)

demo: setup  ## the whole way, from an edit to a landing and a refusal, on this machine, offline
	@$(PYTHON) -m tests.support.demo

bench: setup  ## the figures of docs/performance.md, beside their peers; writes benchmarks/results/
	@$(PYTHON) -m benchmarks

attacks: setup  ## every attack over git daemon and ssh or http, with and without the gate: a table
	$(PYTHON) -m tests.attacks --jobs 2

campaign: setup  ## hours, not minutes: property tests with many examples, drawn pushes, mutation testing
	HYPOTHESIS_PROFILE=campaign $(PYTHON) -m pytest -n 2 --dist load -m hypothesis
	$(PYTHON) -m tests.properties --pushes 10000 --minutes $(MINUTES)
	$(PYTHON) -m tests.properties --switches --minutes $(MINUTES)
	$(PYTHON) -m tests.mutation
	$(PYTHON) -m tests.mutation --attacks --only .gate.

wheel: setup  ## build the wheel into dist/
	$(PYTHON) -m hatchling build --target wheel

lock:  ## renew requirements-dev.txt from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	  --custom-compile-command 'make lock' --group dev --output-file requirements-dev.txt pyproject.toml

filters: setup  ## compile the sandbox's filters of system calls again, with libseccomp
	$(PYTHON) -m tests.support.seccomp_filters

clean:  ## remove what the targets made
	rm -rf .venv build dist benchmarks/results .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
