"""Copy: say each character when it is read; the smallest task, for ``tests/tasks/test_new_task.py``."""

from dataclasses import replace
from typing import ClassVar

from charlm.data.corpus import Corpus
from charlm.data.windows import SequentialBatcher
from charlm.tasks.kinds import predict
from charlm.tasks.task import Validation


class EchoBatcher(SequentialBatcher):
    def _batch(self, *window, **reset):
        batch = super()._batch(*window, **reset)
        return replace(batch, fields={**batch.fields, "y_TB": batch["x_TB"]})


class Echo(Corpus):
    def batches(self, config):
        return EchoBatcher(self.train.ids, config.seq_len, config.batch_size)


class Copy(predict.Predict):
    unit: ClassVar = "symbol"
    loss: ClassVar = "nats_per_symbol"
    commands: ClassVar = ("copy",)

    def read(self, source, progress=None):
        return Echo(**vars(super().read(source, progress)))

    def reload(self, known, vocabulary, search, progress=None):
        return Echo(**vars(super().reload(known, vocabulary, search, progress)))

    def validate(self, engine, examples):
        network, x_TB = engine.network(), examples.validated.ids[:, None]
        network.begin(1)
        return Validation(float(network.read(x_TB).nll(x_TB).mean()))
