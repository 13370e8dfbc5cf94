"""The rule for workers and their split: it follows from cores, units and batch, and refuses what cannot be."""

import pytest

from charlm.base.errors import UsageError
from charlm.config import TrainingConfig
from charlm.engines import split
from charlm.engines.split import settle_split


@pytest.fixture
def settle(monkeypatch):
    def settle(cores, **settings):
        monkeypatch.setattr(split, "default_workers", lambda: cores)
        monkeypatch.setattr(split, "has_small_kernels", lambda: False)
        engine = settle_split(TrainingConfig.from_settings(**{"cell": "lstm", "hidden": 256} | settings))
        return engine.workers, engine.split_by

    return settle


@pytest.mark.parametrize(
    ("cores", "settings", "expected"),
    [
        (1, {}, (1, "columns")),
        (2, {}, (2, "columns")),
        (3, {}, (3, "rows")),
        (16, {}, (16, "rows")),
        (32, {}, (16, "rows")),
        (40, {"hidden": 512}, (32, "rows")),
        (8, {"hidden": 255}, (8, "columns")),
        (8, {"hidden": 255, "batch_size": 12}, (3, "columns")),
        (8, {"hidden": 255, "batch_size": 3}, (2, "columns")),
        (16, {"task": "classify"}, (8, "columns")),
        (16, {"optimizer": "es"}, (8, "columns")),
        (8, {"engine": "torch"}, (8, None)),
        (2, {"workers": 6}, (6, "rows")),
        (8, {"split_by": "columns", "batch_size": 16}, (4, "columns")),
        (8, {"split_by": "rows", "hidden": 64}, (4, "rows")),
        (2, {"split_by": "rows"}, (2, "rows")),
        (2, {"split_by": "rows", "workers": 20}, (20, "rows")),
    ],
)
def test_workers_and_split_follow_from_cores_units_and_batch(settle, cores, settings, expected):
    assert settle(cores, **{"batch_size": 32} | settings) == expected


@pytest.mark.parametrize(
    ("settings", "named"), [({"task": "tag"}, "--task tag"), ({"optimizer": "pso"}, "--optimizer pso")]
)
def test_rows_are_refused_where_units_cannot_be_shared(settle, settings, named):
    with pytest.raises(UsageError, match=f"--split-by rows does not work with {named}: use --split-by columns"):
        settle(2, split_by="rows", **settings)


def test_another_engine_takes_no_split_but_a_run_that_has_one(settle):
    with pytest.raises(UsageError, match="--split-by belongs to --engine numpy"):
        settle(2, split_by="rows", engine="torch")
    split.check_split(TrainingConfig.from_settings(split_by="rows", engine="torch"))


def test_products_in_blocks_need_more_units_to_gain_by_rows(settle, monkeypatch):
    settle(8)
    monkeypatch.setattr(split, "has_small_kernels", lambda: True)
    for hidden, expected in ((511, "columns"), (512, "rows")):
        config = TrainingConfig.from_settings(hidden=hidden, cell="lstm")
        assert settle_split(config).split_by == expected
