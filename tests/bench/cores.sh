#!/usr/bin/env bash
# Measures training with 1, 2, 4, 8 and 16 workers, by columns and by rows, in under 8 minutes: tests/bench/cores.sh
# With TORCH_PYTHON, an interpreter that has PyTorch, also PyTorch with as many threads. Options go to cores.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PYTHONPATH=$PWD
exec "${PYTHON:-.venv/bin/python}" tests/bench/cores.py ${TORCH_PYTHON:+--torch-python "$TORCH_PYTHON"} "$@"
