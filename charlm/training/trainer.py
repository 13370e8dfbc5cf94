"""A run in memory: model, optimiser, batches and counters, with one method for each thing that a loop does."""

from __future__ import annotations

import math
from collections.abc import Iterator

from charlm.base.arrays import FlatVector, Floats
from charlm.base.errors import DivergenceError, UsageError
from charlm.base.random import make_generator
from charlm.base.timing import Stopwatch
from charlm.config import TrainingConfig
from charlm.data.batches import BATCHERS, Batch
from charlm.data.corpus import Corpus
from charlm.engines.numpy.engine import NumpyEngine
from charlm.engines.threads import ThreadPool
from charlm.inference.language_model import LanguageModel
from charlm.models.architecture import check_settings
from charlm.models.char_rnn import Model
from charlm.nn.state import named_states, restore_states
from charlm.optim.averaging import AVERAGE
from charlm.optim.clipping import clip_norm_, clip_value_
from charlm.optim.rules import OPTIMIZERS
from charlm.optim.schedules import lr_factor_at
from charlm.runs.checkpoint import Checkpoint
from charlm.training.fine_tune import Transfer, transfer
from charlm.training.state import TrainerState
from charlm.training.validation import validation_part

SLOT_PREFIX = "optimizer."
WEIGHTS = "optimizer.weights"  # those that learn, in a file whose model is their average


class Trainer:
    """What a training loop works on.

    Attributes:
        config: the run's settings.
        corpus: the text, divided.
        validation: what is scored at each validation; None where nothing is, or its cost would say nothing.
        model: the network that learns.
        averaged: the network with the average of its weights, or the same one where there is none: what is
            validated, sampled from and saved as the model.
        position: how far it has come.
    """

    def __init__(self, config: TrainingConfig, corpus: Corpus, pool: ThreadPool) -> None:
        """Put the parts together, with parameters drawn from the run's seed.

        Raises:
            UsageError: a setting belongs to another cell, or what it needs is not held out.
        """
        check_settings(config.model, config.optimisation)
        self.validation = validation_part(corpus)
        if config.budget.patience and self.validation is None:
            is_there = len(corpus.validation) > 1
            reason = "most of what is held out is unknown" if is_there else "nothing is held out to validate on"
            raise UsageError(f"--patience counts validations, and {reason}: leave it out")
        batching, optimisation = config.batching, config.optimisation
        self.config = config
        self.corpus = corpus
        self.pool = pool
        self.model = Model(config.model, len(corpus.vocabulary))
        self.model.initialize(make_generator(config.budget.seed, "initialise"))
        self.position = TrainerState()
        # A new run stores its rate; those of format 2 and before may have left it to the optimiser.
        default_lr = OPTIMIZERS.find(optimisation.optimizer).default_lr
        self._peak_lr = default_lr if optimisation.lr is None else optimisation.lr
        self._engine = NumpyEngine(self.model, optimisation, batching.seq_len, batching.batch_size, pool)
        self.averaged = self.model
        if optimisation.average:
            average = FlatVector(self.model.shapes, self.model.dtype, self._engine.slots[AVERAGE])
            self.averaged = Model(config.model, len(corpus.vocabulary), average)
        partition = BATCHERS[batching.partition]
        ids, end = corpus.train.ids, corpus.vocabulary.end
        self.partition = partition(ids, batching.seq_len, batching.batch_size, corpus.table, end)
        self._batches: Iterator[Batch] | None = None
        self._stopwatch = Stopwatch()

    @property
    def peak_lr(self) -> float:
        """The learning rate at the schedule's highest, as rollbacks have left it."""
        return self._peak_lr * self.position.lr_factor

    @property
    def lr(self) -> float:
        """The learning rate of the last step."""
        return self.position.lr

    @property
    def worker_pids(self) -> list[int]:
        """The processes that share the steps with this one."""
        return self._engine.pids

    def profile(self) -> dict[str, float]:
        """Seconds by activity that training steps took, in the order of a step."""
        return self._engine.profile() | self._stopwatch.seconds

    def step(self, progress: float) -> tuple[float, int]:
        """Take one step.

        Args:
            progress: how much of the run is done, from 0 to 1.

        Returns:
            The mean cost of the step's targets in nats, and how many there were.

        Raises:
            DivergenceError: the loss or the gradient is no finite number; the parameters are as before.
        """
        batch = self._next_batch()
        position, seed = self.position, self.config.budget.seed
        loss_nats = self._engine.step(batch, make_generator(seed, "dropout", position.step))
        self._stopwatch.begin()
        optimisation = self.config.optimisation
        clip_value_(self._engine.gradient, optimisation.clip_value)
        norm = clip_norm_(self._engine.gradient, optimisation.clip)
        if not (math.isfinite(loss_nats) and math.isfinite(norm)):
            raise DivergenceError(
                f"the loss at step {position.step + 1} is {loss_nats} and the gradient's norm {norm}"
            )
        position.step += 1
        share = lr_factor_at(optimisation.schedule, progress, position.step, optimisation.warmup)
        position.lr = self.peak_lr * share
        self._engine.update(self.lr, position.step)
        self._stopwatch.end("optimiser")
        position.index += 1
        position.targets += batch.num_targets
        position.loss_sum += loss_nats * batch.num_targets
        position.loss_targets += batch.num_targets
        return loss_nats, batch.num_targets

    def _next_batch(self) -> Batch:
        position, seed = self.position, self.config.budget.seed
        if self._batches is None:
            self._batches = self.partition.epoch(make_generator(seed, "epoch", position.epoch), position.index)
        batch = next(self._batches, None)
        if batch is None:
            position.epoch, position.index = position.epoch + 1, 0
            self._batches = self.partition.epoch(make_generator(seed, "epoch", position.epoch))
            batch = next(self._batches)
        return batch

    def language_model(self) -> LanguageModel:
        """The model as it is now; it goes on changing with the training."""
        return self._language_model(self.averaged)

    def start_from(self, source: LanguageModel) -> Transfer:
        """Take another model's weights, before the first step; see ``transfer`` for what is raised."""
        moved = transfer(source, self._language_model(self.model))
        self.averaged.params.flat[:] = self.model.params.flat
        return moved

    def _language_model(self, model: Model) -> LanguageModel:
        return LanguageModel(model, self.corpus.vocabulary, len(self.corpus.train), self.config.corpus)

    def checkpoint(self) -> Checkpoint:
        """Everything that a resumed run needs; its model is the averaged one."""
        extras = {SLOT_PREFIX + name: slot for name, slot in self._own_slots().items()}
        if self.averaged is not self.model:
            extras[WEIGHTS] = self.model.params.flat
        extras |= named_states(self._engine.state, self.model.cell)
        return Checkpoint(self.averaged.params, extras, self.position.to_json())

    def _own_slots(self) -> dict[str, Floats]:
        """What the optimiser keeps beside the average."""
        return {name: slot for name, slot in self._engine.slots.items() if name != AVERAGE}

    def extra_shapes(self) -> dict[str, tuple[int, ...]]:
        """The names and shapes of what a checkpoint holds beside the model."""
        return {name: array.shape for name, array in self.checkpoint().extras.items()}

    def restore(self, checkpoint: Checkpoint, where: str) -> None:
        """Go on from a checkpoint.

        Raises:
            CheckpointError: a counter is missing or cannot be.
        """
        self.position = TrainerState.from_json(checkpoint.scalars, where, checkpoint.version)
        self.averaged.params.flat[:] = checkpoint.params.flat
        self.model.params.flat[:] = checkpoint.extras.get(WEIGHTS, checkpoint.params.flat)
        for name, slot in self._own_slots().items():
            slot[:] = checkpoint.extras[SLOT_PREFIX + name]
        self._engine.state = restore_states(checkpoint.extras, self._engine.state, self.model.cell)
        self._batches = None
