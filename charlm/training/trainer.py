"""A run in memory: engine, batches and counters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from charlm.base.arrays import FlatVector
from charlm.base.errors import DivergenceError
from charlm.base.random import make_generator
from charlm.config import TrainingConfig
from charlm.data.batches import Batch, Batches
from charlm.engines.base import Engine, Snapshot
from charlm.engines.ranks import ALONE, Ranks, gather_states, own_columns
from charlm.inference.language_model import LanguageModel
from charlm.models.base import BaseModel
from charlm.models.char_rnn import Model
from charlm.nn.state import named_states, restore_states, select_columns
from charlm.optim.averaging import AVERAGE
from charlm.optim.rules import OPTIMIZERS
from charlm.optim.schedules import lr_factor_at
from charlm.runs.checkpoint import Checkpoint
from charlm.tasks.task import Examples, Validation, make_task
from charlm.training.fine_tune import Named, NamedNetwork, Transfer, transfer
from charlm.training.state import TrainerState

SLOT_PREFIX = "optimizer."
WEIGHTS = "optimizer.weights"  # those that learn, in a file whose model is their average


class Trainer:
    """What a training loop works on; the loop replaces its frozen ``state``."""

    def __init__(
        self, config: TrainingConfig, corpus: Examples, partition: Batches, engine: Engine, ranks: Ranks = ALONE
    ) -> None:
        self.config = config
        self.corpus = corpus
        self.partition = partition
        self.engine = engine
        self.ranks = ranks
        self.agree: Callable[[float], float] = float  # a loop sums a step's losses over ranks
        self.task = make_task(config)
        self.state = TrainerState()
        optimizer = config.optimisation
        # Runs of format 2 and before may have left the rate to the optimizer.
        default_lr = OPTIMIZERS.find(optimizer.optimizer).default_lr
        self._peak_lr = default_lr if optimizer.lr is None else optimizer.lr
        self._batches: Iterator[Batch] | None = None
        self._next: tuple[Batch, int, int] | None = None

    def close(self) -> None:
        """End the engine's workers."""
        self.engine.close()

    @property
    def peak_lr(self) -> float:
        """The highest learning rate, after rollbacks."""
        return self._peak_lr * self.state.lr_factor

    @property
    def parameters(self) -> int:
        """The number of weights."""
        return self.engine.model().params.flat.size

    def profile(self) -> dict[str, float]:
        """Seconds by activity, in the order of a step."""
        return self.engine.profile()

    def step(self, progress: float) -> tuple[TrainerState, float, int]:
        """Take one step; give the state, the mean loss in nats and the number of targets.

        Raises:
            DivergenceError: the loss or gradient is not finite; the parameters are unchanged.
        """
        state, optimizer = self.state, self.config.optimisation
        batch, epoch, index = self._next or self._gather_next(state.epoch, state.index)
        self._next = None

        def gather() -> None:
            self._next = self._gather_next(epoch, index)

        # Ranks have masks of their own, the first the same as a training on one.
        rank = (self.ranks.rank,) if self.ranks.rank else ()
        rng = make_generator(self.config.budget.seed, "dropout", state.step, *rank)
        loss_nats = self.agree(self.engine.step(batch, rng, gather)) / batch.num_targets
        norm = self.engine.clip(optimizer.clip_value, optimizer.clip)
        if not (math.isfinite(loss_nats) and math.isfinite(norm)):
            raise DivergenceError(
                f"the loss at step {state.step + 1} is {loss_nats} and the gradient's norm {norm}"
            )
        step = state.step + 1
        lr = self.peak_lr * lr_factor_at(optimizer.schedule, progress, step, optimizer.warmup)
        self.engine.update(lr, step)
        after = replace(
            self.state, step=step, epoch=epoch, index=index, lr=lr,
            targets=state.targets + batch.num_targets,
            loss_sum=state.loss_sum + loss_nats * batch.num_targets,
            loss_targets=state.loss_targets + batch.num_targets,
            unlogged_sum=state.unlogged_sum + loss_nats * batch.num_targets,
            unlogged_targets=state.unlogged_targets + batch.num_targets,
        )  # fmt: skip
        return after, loss_nats, batch.num_targets

    def _gather_next(self, epoch: int, index: int) -> tuple[Batch, int, int]:
        """The batch that follows number ``index`` of an epoch, its epoch, and its number there from 1."""
        seed = self.config.budget.seed
        if self._batches is None:
            self._batches = self.partition.epoch(make_generator(seed, "epoch", epoch), index)
        batch = next(self._batches, None)
        if batch is None:
            epoch, index = epoch + 1, 0
            self._batches = self.partition.epoch(make_generator(seed, "epoch", epoch))
            batch = next(self._batches)
        return batch, epoch, index + 1

    def validate(self) -> Validation | None:
        """Measure the model on the validation split, if there is one."""
        return self.task.validate(self.engine, self.corpus) if self.corpus.validation_targets else None

    def show(self) -> str:
        """A short text that shows what the model has learned."""
        return self.task.show(self.engine, self.corpus, self.state.step)

    def language_model(self) -> LanguageModel:
        """The model to validate and sample from."""
        return self._language_model(self.engine.model())

    def _language_model(self, network: BaseModel) -> LanguageModel:
        assert isinstance(network, Model)
        return LanguageModel(network, self.corpus.vocabulary, self.corpus.training_characters, self.config.corpus)

    def start_from(self, source: Named) -> Transfer:
        """Take another network's weights before the first step; UsageError if it does not fit."""
        before, model = self.engine.snapshot(), self.engine.model()
        params = FlatVector(model.shapes, model.dtype, before.weights_P)
        moved = transfer(source, NamedNetwork(model.with_params(params), self.corpus.vocabulary))
        average = {AVERAGE: params.flat} if AVERAGE in before.slots else {}
        self.engine.restore(Snapshot(params.flat, {**before.slots, **average}, before.states))
        return moved

    def rewind(self, snapshot: Snapshot) -> None:
        """Take the engine back to a snapshot."""
        self.engine.restore(snapshot)
        self._batches = self._next = None

    def checkpoint(self, state: TrainerState) -> Checkpoint:
        """Everything that a resumed run needs."""
        snapshot, model = self.engine.snapshot(), self.engine.model()
        slots = dict(snapshot.slots)
        model_P = slots.pop(AVERAGE, snapshot.weights_P)
        extras = {SLOT_PREFIX + name: slot for name, slot in slots.items()}
        if model_P is not snapshot.weights_P:
            extras[WEIGHTS] = snapshot.weights_P
        extras |= named_states(gather_states(self.ranks, snapshot.states), model.cell)
        return Checkpoint(FlatVector(model.shapes, model.dtype, model_P), extras, state.to_json())

    def extra_shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of a checkpoint's further arrays."""
        return {name: array.shape for name, array in self.checkpoint(self.state).extras.items()}

    def restore(self, checkpoint: Checkpoint, where: str) -> TrainerState:
        """Continue from a checkpoint; give its state.

        Raises:
            CheckpointError: a counter is missing or impossible.
        """
        state = TrainerState.from_json(checkpoint.scalars, where, checkpoint.version)
        extras, model_P, now = checkpoint.extras, checkpoint.params.flat, self.engine.snapshot()
        slots = {name: model_P if name == AVERAGE else extras[SLOT_PREFIX + name] for name in now.slots}
        states = restore_states(extras, now.states, self.engine.model().cell)
        if states:
            states = select_columns(states, own_columns(self.ranks, len(states[0][0])))
        self.rewind(Snapshot(extras.get(WEIGHTS, model_P), slots, states))
        return state
