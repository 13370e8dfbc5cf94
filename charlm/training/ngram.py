"""Count an n-gram model of the training split, and fit its mixture with the network on the validation split."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from charlm.base.arrays import TokenIds
from charlm.base.errors import annotate_memory_error
from charlm.config import TrainingConfig
from charlm.data.corpus import Corpus
from charlm.data.encoded import EncodedText
from charlm.engines.threads import ThreadPool
from charlm.inference.language_model import LanguageModel, load_run
from charlm.inference.mixed_network import MixedNetwork, MixedOutputs
from charlm.inference.scoring import Costs, score_stretches, tally_of
from charlm.inference.unroll import read_text
from charlm.models.ngram.counts import count_levels
from charlm.models.ngram.mixture import TENTHS, NgramMixture, fit_weights, mix_log_probs
from charlm.models.ngram.trie import NgramTrie
from charlm.runs.ngram_file import MOST_NGRAMS, save_ngram
from charlm.runs.run import Run
from charlm.tasks.task import Examples
from charlm.training.events import CountingReport, NgramReport
from charlm.training.trainer import Trainer

MOST_CHARACTERS = 4_000_000  # of the training split, its last, that are counted, so that memory is bounded


def why_unmixed(config: TrainingConfig, examples: Examples) -> str | None:
    """Why a run cannot have an n-gram model, or None."""
    if config.task.task != "predict":
        return f"--ngram counts characters, and --task is {config.task.task}"
    if config.task.labels is not None:
        return "--ngram knows nothing of --labels"
    if not examples.validation_targets:
        return f"--ngram is fitted on the validation split, and {examples.why_unvalidated}"
    return None


def add_ngram(trainer: Trainer, run: Run, order: int) -> Iterator[CountingReport | NgramReport]:
    """Count contexts of up to ``order`` characters, fit the mixture with the run's best weights, and store both.

    Raises:
        RunError: the file cannot be written.
    """
    corpus = trainer.corpus
    assert isinstance(corpus, Corpus) and corpus.validated is not None  # no training starts without
    training = corpus.train[-MOST_CHARACTERS:]
    yield CountingReport(len(training))
    model = load_run(run)
    with annotate_memory_error("counting n-grams: give a smaller --ngram"):
        ids, _ = model.read(training)
        levels = count_levels(ids, len(model.vocabulary), order, model.vocabulary.end)
        trie = NgramTrie.from_levels(levels, MOST_NGRAMS)
    mixture, network_nats, mixed_nats = fit_mixture(model, trie, corpus.validated)
    counted = {"characters": len(training), "training_characters": len(corpus.train)}
    save_ngram(run.ngram_path, mixture, counted)
    yield NgramReport(
        path=str(run.ngram_path),
        context=order,
        ngrams=len(trie),
        bytes=run.ngram_path.stat().st_size,
        pruned=len(trie) < sum(len(level.keys) for level in levels),
        val_nats_per_char=network_nats,
        mixed_val_nats_per_char=mixed_nats,
        **counted,
    )


def fit_mixture(model: LanguageModel, trie: NgramTrie, text: EncodedText) -> tuple[NgramMixture, float, float]:
    """The mixture with the highest likelihood of a text, and the losses per character: the network's, its own."""
    vocabulary, stretches = model.vocabulary, []
    with ThreadPool() as pool:
        network = MixedNetwork(model.open(pool), NgramMixture(trie, np.ones((TENTHS, TENTHS))))
        network.begin(1)

        def network_nll(x_N: TokenIds, y_N: TokenIds) -> Costs:
            found = np.empty(len(y_N)), np.empty(len(y_N)), np.empty(len(y_N), np.int64)
            for window, outputs in read_text(network, x_N, vocabulary.end):
                assert isinstance(outputs, MixedOutputs)
                for found_N, values_TB in zip(found, outputs.parts(y_N[window.places_TB]), strict=True):
                    window.store(found_N, values_TB)
            stretches.append(found)
            return found[0]

        tally = tally_of(score_stretches(text, vocabulary, model.training_characters, network_nll))
    network_N, ngram_N, buckets_N = map(np.concatenate, zip(*stretches, strict=True))
    mixture = NgramMixture(trie, fit_weights(network_N, ngram_N, buckets_N))
    mixed_N = -mix_log_probs(mixture.weights_of(buckets_N), -network_N, -ngram_N)
    mixed_nats = tally.nats + float((mixed_N - network_N).sum())
    return mixture, tally.nats / tally.characters, mixed_nats / tally.characters
