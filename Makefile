# Everything runs from a bare clone: the targets make .venv when it is missing.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := runs/demo

.PHONY: help demo test lint check format clean

help:
	@echo "make demo    install, train for about a minute, sample, and measure"
	@echo "make test    run the whole test suite"
	@echo "make lint    formatting, ruff, mypy --strict"
	@echo "make check   lint and test: the gate before a commit"
	@echo "make format  apply the formatting that lint checks"
	@echo "make clean   remove .venv and caches (never runs/)"

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "charlm needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(READY)

demo: $(READY)
	$(BIN)/charlm train --minutes 1 --out $(DEMO) --overwrite
	$(BIN)/charlm sample $(DEMO) --len 500
	$(BIN)/charlm eval perplexity $(DEMO)

test: $(READY)
	$(BIN)/python -m pytest -n 2

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check: lint test

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
