"""A run's n-gram model: counted in the training split, fitted on validation, made again where a run goes on."""

import dataclasses

import numpy as np
import pytest

from charlm.base.errors import RunError, UsageError
from charlm.config import TrainingConfig
from charlm.inference.language_model import load_run
from charlm.models.ngram.counts import count_levels
from charlm.models.ngram.trie import NgramTrie
from charlm.runs.run import Run
from charlm.training import ngram
from charlm.training.events import NgramReport
from charlm.training.fine_tune import inherited
from charlm.training.loop import train
from charlm.training.resume import resume

TEXT = "the ferry leaves at noon; bring bread and a warm coat.\n" * 20


def finish(trainer, run, should_stop=lambda: False):
    """Train to the end: what is said of the n-gram model, or None."""
    reports = [report for report in train(trainer, run, should_stop) if isinstance(report, NgramReport)]
    trainer.close()
    return reports[0] if reports else None


def ngrams_of(run):
    trie = run.load_mixture().trie
    return trie.order, len(trie), trie.symbols.tolist(), trie.counts.tolist()


@pytest.fixture
def finished(begun):
    """A run of some steps, without an n-gram model."""
    trainer, run = begun(TEXT, steps=5)
    assert finish(trainer, run) is None
    return run


def test_a_run_counts_its_training_split_and_fits_its_validation_split(begun):
    trainer, run = begun(TEXT, steps=5, ngram=6)
    report = finish(trainer, run)
    ids, _ = trainer.language_model().read(trainer.corpus.train)
    expected = NgramTrie.from_levels(count_levels(ids, len(run.vocabulary), 6))
    assert ngrams_of(run) == (6, len(expected), expected.symbols.tolist(), expected.counts.tolist())
    assert (report.context, report.ngrams, report.pruned) == (6, len(expected), False)
    assert report.bytes == run.ngram_path.stat().st_size and report.path == str(run.ngram_path)
    alone = load_run(run).tally_with(None, trainer.corpus.validated).figures
    mixed = load_run(run, mix=True).tally_with(None, trainer.corpus.validated).figures
    assert report.val_nats_per_char == pytest.approx(alone.nats_per_char)
    assert report.mixed_val_nats_per_char == pytest.approx(mixed.nats_per_char, rel=1e-5)
    assert report.mixed_val_nats_per_char < 0.5 < report.val_nats_per_char


def test_what_a_run_learns_and_logs_stays_with_the_network_alone(begun, finished):
    trainer, run = begun(TEXT, steps=5, ngram=6)
    finish(trainer, run)
    logs = [[record["val_nats_per_char"] for record in each.read_metrics()] for each in (run, finished)]
    assert logs[0] == logs[1]
    assert run.best_path.read_bytes() == finished.best_path.read_bytes()


def test_unknown_characters_of_the_validation_split_count_as_they_do_for_the_network(begun):
    trainer, run = begun(TEXT[:900] + "ferry Ω noon\n" * 4 + TEXT[:48], steps=3, ngram=3)
    report = finish(trainer, run)
    mixed = load_run(run, mix=True).tally_with(None, trainer.corpus.validated).figures
    assert mixed.unknown and report.mixed_val_nats_per_char == pytest.approx(mixed.nats_per_char, rel=1e-5)


@pytest.mark.parametrize("settings", [{"lines": True}, {"bytes": True}, {"min_count": 3}, {"lowercase": True}])
def test_any_reading_of_a_text_can_be_counted(begun, settings):
    names = ["emma", "ava", "oliviA", "noah", "liaM", "éa"]
    trainer, run = begun("\n".join(names * 30), steps=3, ngram=4, **settings)
    report = finish(trainer, run)
    assert report.mixed_val_nats_per_char < report.val_nats_per_char
    assert load_run(run, mix=True).sample(40, seed=2)


def test_a_finished_run_gets_one_and_loses_nothing(finished):
    before = {path.name: path.read_bytes() for path in finished.folder.glob("*.safetensors")}
    with pytest.raises(RunError, match="has finished"):
        resume(Run.open(finished.folder), {})
    report = finish(*resume(Run.open(finished.folder), {"ngram": 4}))
    assert report.context == 4
    assert finished.best_path.read_bytes() == before["model.safetensors"]
    assert len(finished.read_metrics()) == len(Run.open(finished.folder).read_metrics())
    assert Run.open(finished.folder).config.budget.ngram == 4
    # Another length takes its place; a deleted one is made again; what is there is not.
    assert finish(*resume(Run.open(finished.folder), {"ngram": 2})).context == 2
    finished.ngram_path.unlink()
    assert finish(*resume(Run.open(finished.folder), {})).context == 2
    with pytest.raises(RunError, match="has finished"):
        resume(Run.open(finished.folder), {"ngram": 2})


def test_a_run_that_goes_on_is_fitted_again(begun):
    trainer, run = begun(TEXT, steps=5, ngram=3)
    finish(trainer, run)
    before = run.load_mixture()
    finish(*resume(Run.open(run.folder), {"steps": 60}))
    after = run.load_mixture()
    assert after.trie.counts.tolist() == before.trie.counts.tolist()
    assert after.weights.mean() > before.weights.mean()  # the network has learned


def test_a_run_that_is_stopped_has_one_and_continues_bit_for_bit(begun):
    trainer, whole = begun(TEXT, steps=12, ngram=3)
    finish(trainer, whole)
    trainer, run = begun(TEXT, steps=12, ngram=3)
    assert finish(trainer, run, lambda: trainer.state.step >= 4).context == 3
    finish(*resume(Run.open(run.folder), {}))
    assert run.ngram_path.read_bytes() == whole.ngram_path.read_bytes()


def test_a_long_text_is_counted_at_its_end_and_pruned(begun, monkeypatch):
    monkeypatch.setattr(ngram, "MOST_CHARACTERS", 200)
    monkeypatch.setattr(ngram, "MOST_NGRAMS", 150)
    trainer, run = begun(TEXT, steps=3, ngram=5)
    report = finish(trainer, run)
    assert (report.characters, report.training_characters) == (200, len(trainer.corpus.train))
    assert report.pruned and report.ngrams <= 150
    ids, _ = trainer.language_model().read(trainer.corpus.train[-200:])
    expected = NgramTrie.from_levels(count_levels(ids, len(run.vocabulary), 5), 150)
    assert ngrams_of(run)[2:] == (expected.symbols.tolist(), expected.counts.tolist())


def test_without_a_validation_split_it_is_refused_before_training(begun):
    with pytest.raises(UsageError, match="--ngram is fitted on the validation split, and nothing is held out"):
        begun(val_fraction=0.0, steps=3, ngram=3)
    trainer, run = begun(val_fraction=0.0, steps=3)
    assert not [*train(trainer, run)][-1].can_mix


def test_what_cannot_be_mixed_is_refused_and_not_proposed(begun, finished):
    trainer, run = begun(TEXT, steps=3)
    summary = [*train(trainer, run)][-1]
    assert summary.can_mix and "can_mix" not in summary.to_json() and summary.to_json()["ngram"] is None
    labelled = TrainingConfig.from_settings(task="classify", labels="tab", ngram=3)
    assert ngram.why_unmixed(labelled, trainer.corpus) == "--ngram counts characters, and --task is classify"
    labelled = TrainingConfig.from_settings(lines=True, labels="tab", ngram=3)
    assert ngram.why_unmixed(labelled, trainer.corpus) == "--ngram knows nothing of --labels"
    assert ngram.why_unmixed(TrainingConfig(), trainer.corpus) is None


def test_a_fine_tuned_run_counts_its_own_text():
    origin = TrainingConfig.from_settings(ngram=5)
    assert inherited(origin, {})["ngram"] == 5
    assert inherited(origin, {"ngram": 3})["ngram"] == 3
    assert "ngram" not in inherited(TrainingConfig.from_settings(), {})


def test_weights_are_those_of_the_best_network(begun):
    trainer, run = begun(TEXT, steps=5, ngram=3)
    finish(trainer, run)
    mixture = run.load_mixture()
    model = dataclasses.replace(load_run(run), mixture=None)
    again, *_ = ngram.fit_mixture(model, mixture.trie, trainer.corpus.validated)
    np.testing.assert_array_equal(again.weights, mixture.weights)
