#!/usr/bin/env bash
# Checks and measures the PyTorch engine on a GPU, in under 8 minutes, without a network.
#     tests/gpu/run.sh [FOLDER] [--device cpu]
# It needs Python 3.11 and PyTorch 2.11 or later with CUDA; the figures are written to FOLDER/gpu.json. With
# --device cpu every check runs, small, on a CPU, which shows that the script itself works.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PYTHONPATH=$PWD CUBLAS_WORKSPACE_CONFIG=:4096:8
folder=${1:-${OUT:-.}}
exec "${PYTHON:-python3}" tests/gpu/check.py "$folder" "${@:2}"
