"""Files that a stranger made to do harm: each is refused, in little memory, and none is ever unpickled."""

import ast
import re
import tracemalloc
from pathlib import Path

import pytest

import charlm
from charlm.base.errors import CheckpointError, RunError
from charlm.config import ModelConfig
from charlm.models.base import NetworkSpec
from charlm.runs.checkpoint import check_checkpoint
from charlm.runs.run import Run
from charlm.training.resume import resume
from tests.torture.hostile_files import CASES, MB, load, make_run

SOURCES = sorted(Path(charlm.__file__).parent.rglob("*.py"))
RUNS_CODE = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_file_is_refused_in_little_memory(tmp_path, case):
    make_run(tmp_path / "run")
    CASES[case](tmp_path / "run")
    tracemalloc.start()
    try:
        with pytest.raises(RunError) as caught:
            load(tmp_path / "run")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100 * MB
    assert str(caught.value).isprintable() and len(str(caught.value)) < 400 + len(str(tmp_path))


def test_a_run_that_is_none_of_these_is_read(tmp_path):
    make_run(tmp_path / "run")
    assert load(tmp_path / "run").vocabulary.symbols == ("\n", "a", "b", "c")


def test_the_header_alone_tells_whether_a_file_is_of_a_model(tmp_path):
    run = make_run(tmp_path / "run")
    check_checkpoint(run.last_path, run.network)
    for config, symbols in ((run.config.model, 5), (ModelConfig(hidden=65_536, layers=64), 4)):
        tracemalloc.start()
        try:
            with pytest.raises(CheckpointError, match=r"config\.json"):
                check_checkpoint(run.last_path, NetworkSpec("char-rnn", config, symbols, symbols))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < MB


def test_a_file_whose_weights_are_no_numbers_passes_the_check_of_its_header_alone(tmp_path):
    run = make_run(tmp_path / "run")
    CASES["weights: no numbers"](tmp_path / "run")
    check_checkpoint(run.best_path, run.network)
    with pytest.raises(CheckpointError, match="holds a number that is not finite"):
        Run.open(tmp_path / "run").load_model()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(SOURCES[0].parent)))
def test_no_file_of_the_package_reads_pickles(path):
    text = path.read_text(encoding="utf-8")
    assert "allow_pickle=True" not in text.replace(" ", "")
    # PyTorch's own files and its exchanges of objects are pickles.
    assert not re.search(r"torch\.(load|save)\(|_object(_list)?\(", text)
    for node in ast.walk(ast.parse(text)):
        imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        imported += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not {name.partition(".")[0] for name in imported} & RUNS_CODE
        # What is not said is False.
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert isinstance(node.value, ast.Constant) and node.value.value is False


def test_resuming_compares_the_settings_with_the_weights_before_it_takes_memory(tmp_path):
    make_run(tmp_path / "run")
    CASES["config: 65,536 hidden units"](tmp_path / "run")
    run = Run.open(tmp_path / "run")
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match=r"weight_ih_l0 has the shape \[16, 4\]"):
            resume(run, {})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MB
