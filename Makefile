# Everything runs from a bare clone: the targets make .venv when it is missing.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TORCH_BIN := .venv-torch/bin
TORCH_READY := .venv-torch/.ready

.PHONY: help demo test test-browser test-torch lint check format readme bench torture soak clean

help:
	@echo "make demo         install, train for about a minute, sample, and measure"
	@echo "make test         run the whole test suite"
	@echo "make test-browser check the pages of charlm report in headless Chromium"
	@echo "make test-torch   check what uses PyTorch, which it installs; or TORCH=/path/to/python that has it"
	@echo "make lint         formatting, ruff, mypy --strict, import-linter"
	@echo "make check        lint and test: the gate before a commit"
	@echo "make format       apply the formatting that lint checks"
	@echo "make readme       write the generated parts of the pages: help, presets, measured tables"
	@echo "make bench        compare the speed with PyTorch's, into bench.json"
	@echo "make torture      search for examples that break a law, kill training 200 times, read 100,000 damaged files"
	@echo "make soak         train for an hour with a save every five seconds, and see that nothing grows"
	@echo "make clean        remove .venv and caches (never runs/)"

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "charlm needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(READY)

demo: $(READY)
	$(BIN)/charlm train --minutes 1
	$(BIN)/charlm sample --len 500
	$(BIN)/charlm eval perplexity

test-browser: $(READY)
	@$(BIN)/python -c 'import selenium' 2>/dev/null || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[browser]'
	$(BIN)/python -m pytest tests/browser

# Compiled modules are kept between runs: compiling them takes eight seconds.
test: $(READY)
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n 2

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

readme: $(READY)
	$(BIN)/python -m tests.docs.render

$(TORCH_READY): pyproject.toml
	@echo "installing PyTorch: about 200 MB, or several GB where the package index has CUDA builds"
	@test -x $(TORCH_BIN)/python || $(PYTHON) -m venv .venv-torch
	@$(TORCH_BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 --editable '.[dev]' && \
	  touch $@ || echo "PyTorch cannot be installed here"

# With TORCH, an interpreter that has PyTorch and what the tests need; else one is made.
test-torch: $(if $(TORCH),,$(TORCH_READY))
	@test -n "$(TORCH)" -o -f $(TORCH_READY) || { echo "skipped: PyTorch is not installed"; exit 0; }; \
	  $(or $(TORCH),$(TORCH_BIN)/python) -m pytest tests/engines/torch tests/inference/test_export.py tests/models/test_equations.py tests/docs/test_readme.py

bench: $(READY) $(TORCH_READY)
	@test -f $(TORCH_READY) || { echo "skipped: PyTorch is not installed, so there is nothing to compare with"; exit 0; }; \
	  $(BIN)/python tests/bench/compare_torch.py --torch-python $(TORCH_BIN)/python --out bench.json && \
	  $(BIN)/python tests/bench/compare_torch.py --engine torch --torch-python $(TORCH_BIN)/python --out bench-torch.json && \
	  PYTHONPATH=. $(TORCH_BIN)/python -m torch.distributed.run --standalone --nproc-per-node 2 tests/bench/scaling.py python-docs --out bench-scaling.json
	$(BIN)/python tests/bench/cost_growth.py

torture: $(READY)
	$(BIN)/python -m pytest -n 2 -m hypothesis --hypothesis-profile=search tests
	$(BIN)/python tests/torture/kills.py --count 200
	$(BIN)/python tests/torture/fuzz_files.py --count 100000
	$(BIN)/python -m tests.torture.hostile_files
	$(if $(TORCH),$(TORCH),$(BIN)/python) tests/torture/ranks.py --kills 20 --stops 3

soak: $(READY)
	$(BIN)/python tests/torture/soak.py --minutes 60

clean:
	rm -rf $(VENV) .venv-torch .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
