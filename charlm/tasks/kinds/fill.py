"""Fill in missing characters: a network that sees a text from both sides."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from charlm.base.errors import UsageError
from charlm.base.progress import Progress
from charlm.base.random import make_generator
from charlm.config import TrainingConfig, flag
from charlm.config.task import BLANK
from charlm.tasks.task import Examples, Task, Validation

if TYPE_CHECKING:
    from charlm.data.reading.sources import Source
    from charlm.data.reload import CorpusSearch, StoredCorpus
    from charlm.data.two_sides import FillCorpus
    from charlm.data.vocabulary import Vocabulary
    from charlm.engines.base import Engine
    from charlm.inference.two_sided import TwoSidedModel

RECIPE: Mapping[str, Any] = MappingProxyType(
    {
        "cell": "lstm", "hidden": 256, "forget_bias": 0.0, "optimizer": "adamw", "lr": 1.2e-2,
        "weight_decay": 0.025, "batch_size": 64, "seq_len": 64, "partition": "varied", "schedule": "linear",
        "average": 300,
    }
)  # fmt: skip
BY_PRESET: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "tiny": {"hidden": 128, "lr": 2e-2, "average": 100},
        "base": {"hidden": 384, "lr": 9e-3, "average": 600},
        "large": {"hidden": 512, "lr": 6e-3, "average": 1000},
    }
)
SHOWN = 60  # characters that are shown during training
SHOWN_BLANKS = 0.15  # of them that are missing


class Fill(Task):
    """Fill in missing characters."""

    network: ClassVar[str] = "two-sided"
    commands: ClassVar[tuple[str, ...]] = ("fill", "eval cloze")
    recipe: ClassVar[Mapping[str, Any] | None] = RECIPE
    by_preset: ClassVar[Mapping[str, Mapping[str, Any]]] = BY_PRESET

    @classmethod
    def sizes(cls, vocab_size: int, labels: int) -> tuple[int, int]:
        """One more symbol is read: the missing character."""
        return vocab_size + 1, vocab_size

    def complete(self, source: Source) -> TrainingConfig:
        """The settings; those of labels and of other output layers are refused."""
        if self.config.task.labels is not None:
            raise UsageError("--labels belongs to other tasks: leave it out with --task fill")
        for name in ("tied", "adaptive_softmax"):
            if getattr(self.config.model, name):
                raise UsageError(
                    f"{flag(name)} belongs to --task predict: with --task fill the output layer is twice as wide"
                )
        return self.config

    def read(self, source: Source, progress: Progress | None = None) -> FillCorpus:
        """A text in its splits."""
        from charlm.data.corpus import prepare_corpus
        from charlm.data.two_sides import FillCorpus

        return FillCorpus(**vars(prepare_corpus(source, self.config, progress)))

    def reload(
        self, known: StoredCorpus, vocabulary: Vocabulary, search: CorpusSearch, progress: Progress | None = None
    ) -> FillCorpus:
        """The text of a stored run."""
        from charlm.data.reload import reload_corpus
        from charlm.data.two_sides import FillCorpus

        return FillCorpus(**vars(reload_corpus(known, self.config, vocabulary, search, progress)))

    def guess_loss(self, vocabulary: Vocabulary) -> float:
        """That of the uniform distribution over characters."""
        return math.log(len(vocabulary))

    def validate(self, engine: Engine, examples: Examples) -> Validation:
        """The loss of one missing character, at the beginning of the validation split."""
        from charlm.data.corpus import Corpus
        from charlm.engines.threads import ThreadPool

        assert isinstance(examples, Corpus) and examples.validated is not None
        with ThreadPool(self.config.engine.workers) as pool:
            found = _make_model(engine, examples).cloze(examples.validated, pool)
        return Validation(found.nats, figures={"val_accuracy": found.accuracy})

    def show(self, engine: Engine, examples: Examples, seed: int) -> str:
        """A line of the text with blanks, and as the network fills it."""
        from charlm.data.corpus import Corpus
        from charlm.tasks.text_filler import TextFiller

        assert isinstance(examples, Corpus)
        rng = make_generator(self.config.budget.seed, "show", seed)
        part = examples.train if examples.validated is None else examples.validated
        start = int(rng.integers(max(len(part) - 4 * SHOWN, 1)))
        text = max(part[start : start + 4 * SHOWN].text.splitlines() or [""], key=len)[:SHOWN]
        blanks = [place for place in range(len(text)) if rng.random() < SHOWN_BLANKS] or [0]
        with_blanks = "".join(BLANK if place in blanks else each for place, each in enumerate(text))
        if not with_blanks.count(BLANK):
            return text
        return f"{with_blanks}\n{TextFiller(_make_model(engine, examples)).fill(with_blanks, BLANK)}"


def _make_model(engine: Engine, examples: Examples) -> TwoSidedModel:
    """The engine's model with its vocabulary."""
    from charlm.inference.two_sided import TwoSidedModel
    from charlm.models.two_sided import TwoSided

    network = engine.model()
    assert isinstance(network, TwoSided)
    return TwoSidedModel(network, examples.vocabulary, examples.training_characters, examples.prepared.config)
