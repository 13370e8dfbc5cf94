"""A run in memory: model, optimiser, batches and counters, with one method for each thing that a loop does."""

from __future__ import annotations

import math
from collections.abc import Iterator

from charlm.arrays import Floats
from charlm.checkpoint.checkpoint import Checkpoint
from charlm.clipping import clip_norm_, clip_value_
from charlm.config import TrainingConfig
from charlm.engine.local import LocalEngine
from charlm.engine.pool import WorkerPool
from charlm.errors import DivergenceError
from charlm.language_model import LanguageModel
from charlm.model import Model, check_settings
from charlm.optim import OPTIMIZERS
from charlm.profiling import Laps
from charlm.randomness import generator
from charlm.schedules import rate_share
from charlm.states import named_states, states_of
from charlm.text.prepare import Corpus
from charlm.text.streams import PARTITIONS, Batch
from charlm.training.position import Position

SLOT_PREFIX = "optimizer."


class Trainer:
    """What a training loop works on.

    Attributes:
        config: the run's settings.
        corpus: the text, divided.
        model: the network that learns.
        position: how far it has come.
        lr: the learning rate of the last step.
    """

    def __init__(self, config: TrainingConfig, corpus: Corpus, pool: WorkerPool) -> None:
        """Put the parts together, with parameters drawn from the run's seed.

        Raises:
            UsageError: a setting belongs to another cell.
        """
        check_settings(config.model)
        batching, optimisation = config.batching, config.optimisation
        self.config = config
        self.corpus = corpus
        self.pool = pool
        self.model = Model(config.model, len(corpus.vocabulary))
        self.model.initialise(generator(config.budget.seed, "initialise"))
        self.position = Position()
        rule = OPTIMIZERS.find(optimisation.optimizer)
        self._optimizer = rule(optimisation.weight_decay)
        self._slots = self._optimizer.init(self.model.params.flat)
        self._peak_lr = rule.default_lr if optimisation.lr is None else optimisation.lr
        self.lr = 0.0
        self._engine = LocalEngine(self.model, batching.seq_len, batching.batch_size, optimisation.dropout, pool)
        partition = PARTITIONS[batching.partition]
        self.partition = partition(corpus.train_codes, batching.seq_len, batching.batch_size)
        self._batches: Iterator[Batch] | None = None
        self._laps = Laps()

    def profile(self) -> dict[str, float]:
        """Seconds by activity that training steps took, in the order of a step."""
        return self._engine.profile() | self._laps.seconds

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
        loss_nats = self._engine.step(batch, generator(seed, "dropout", position.step))
        self._laps.begin()
        optimisation = self.config.optimisation
        clip_value_(self._engine.gradient, optimisation.clip_value)
        norm = clip_norm_(self._engine.gradient, optimisation.clip)
        if not (math.isfinite(loss_nats) and math.isfinite(norm)):
            raise DivergenceError(
                f"the loss at step {position.step + 1} is {loss_nats} and the gradient's norm {norm}: "
                f"start again with a smaller --lr than {self._peak_lr:g}, or a smaller --clip"
            )
        position.step += 1
        self.lr = self._peak_lr * rate_share(optimisation.schedule, progress, position.step, optimisation.warmup)
        self._optimizer.update(self.model.params.flat, self._engine.gradient, self._slots, self.lr, position.step)
        self._laps.end("optimiser")
        position.index += 1
        position.targets += batch.targets
        position.loss_sum += loss_nats * batch.targets
        position.loss_targets += batch.targets
        return loss_nats, batch.targets

    def _next_batch(self) -> Batch:
        position, seed = self.position, self.config.budget.seed
        if self._batches is None:
            self._batches = self.partition.epoch(generator(seed, "epoch", position.epoch), position.index)
        batch = next(self._batches, None)
        if batch is None:
            position.epoch, position.index = position.epoch + 1, 0
            self._batches = self.partition.epoch(generator(seed, "epoch", position.epoch))
            batch = next(self._batches)
        return batch

    def language_model(self) -> LanguageModel:
        """The model as it is now; it goes on changing with the training."""
        return LanguageModel(self.model, self.corpus.vocabulary, len(self.corpus.train_codes))

    def checkpoint(self) -> Checkpoint:
        """Everything that a resumed run needs."""
        extras: dict[str, Floats] = {SLOT_PREFIX + name: slot for name, slot in self._slots.items()}
        extras |= named_states(self._engine.state, self.model.cell)
        return Checkpoint(self.model.params, extras, self.position.to_json())

    def extra_shapes(self) -> dict[str, tuple[int, ...]]:
        """The names and shapes of what a checkpoint holds beside the model."""
        return {name: array.shape for name, array in self.checkpoint().extras.items()}

    def restore(self, checkpoint: Checkpoint, where: str) -> None:
        """Go on from a checkpoint.

        Raises:
            CheckpointError: a counter is missing or cannot be.
        """
        self.position = Position.from_json(checkpoint.scalars, where)
        self.model.params.flat[:] = checkpoint.params.flat
        for name, slot in self._slots.items():
            slot[:] = checkpoint.extras[SLOT_PREFIX + name]
        self._engine.state = states_of(checkpoint.extras, self._engine.state, self.model.cell)
        self._batches = None
