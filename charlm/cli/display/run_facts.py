"""What is worth knowing of a run, in words."""

from __future__ import annotations

import math
from pathlib import Path

from charlm.base.errors import CharlmError
from charlm.base.timing import format_date, format_seconds
from charlm.cli.display.describe import describe_loss, describe_network, describe_task, find_unit, format_speed
from charlm.cli.display.facts import draw_sparkline, list_characters
from charlm.config import DataConfig
from charlm.data.split import Split
from charlm.runs.manage import read_note
from charlm.runs.run import Run
from charlm.runs.status import find_status

STATES = {"training": "training now", "untrained": "not trained yet", "weights": "saved without its training"}


def describe_state(run: Run) -> str:
    """The state, the date and the time taken."""
    status, seconds = find_status(run), run.summarize().seconds
    parts = [STATES.get(status.state, status.state), format_date(status.saved_at)]
    return ", ".join(parts + ([] if seconds is None else [format_seconds(seconds)]))


def collect_facts(run: Run, draws_curve: bool = True) -> dict[str, str]:
    """Data, characters, model, training, result and note; a curve is drawn for people."""
    facts = {
        "Task": describe_task(run.config.task),
        "Data": _describe_data(run),
        "Characters": _describe_characters(run),
        "Model": _describe_model(run),
        "N-gram": _describe_ngram(run),
        "Started": _describe_origin(run),
        "Training": _describe_training(run),
        "Result": _describe_result(run) + (_draw_curve(run) if draws_curve else ""),
        "Note": read_note(run.folder),
    }
    return {name: text for name, text in facts.items() if text}


def _describe_data(run: Run) -> str:
    corpus, config = run.corpus, run.config
    name = Path(corpus.path).name if corpus.path else corpus.name
    return f"{name}: {_describe_splits(run, config.batching)}"


def _describe_splits(run: Run, batching: DataConfig) -> str:
    corpus, units = run.corpus, run.config.corpus.units
    if run.config.task.kind.unit != "char":
        files = {"val": batching.val_file, "test": batching.test_file}
        rules = [f"{name} from {Path(file).name}" for name, file in files.items() if file]
        rules += [f"split {batching.split}"] if batching.split else []
        return " · ".join([f"texts of {corpus.training_characters:,} {units} to train on", *rules])
    if run.vocabulary.has_end:
        return f"{corpus.characters:,} {units}, of them {corpus.training_characters:,} to train on"
    try:
        train, val, test = Split.of(batching).lengths(corpus.characters)
    except CharlmError:  # settings of another length
        return f"{corpus.characters:,} {units}"
    held_out = f"val {val:,}" if batching.val_file is None else f"val from {Path(batching.val_file).name}"
    tested = f"test {test:,}" if test else "no test split"
    if batching.test_file is not None:
        tested = f"test from {Path(batching.test_file).name}"
    if not val and batching.val_file is None:
        held_out = "no validation split"
    return " · ".join([f"train {train:,}", held_out, tested])


def _describe_characters(run: Run) -> str:
    symbols, rare = run.vocabulary.symbols, run.vocabulary.rare
    if run.config.corpus.bytes:
        return f"{len(symbols):,} bytes"
    text = f"{len(symbols):,}: {list_characters(symbols)}"
    return f"{text}; {len(rare):,} rare ones are <unk>: {list_characters(rare)}" if rare else text


def _describe_model(run: Run) -> str:
    model = run.config.model
    source = f"embedding of {model.embedding_size}" if model.encoding == "embedding" else "one-hot input"
    extras = [name.replace("_", " ") for name in ("tied", "adaptive_softmax", "residual") if getattr(model, name)]
    given = [(name.replace("_", " "), value) for name, value in run.network.options.items()]
    extras += [
        name if value is True else f"{name} {value}" for name, value in given if value not in (None, False)
    ]
    count = sum(map(math.prod, run.network.shapes.values()))
    return f"{', '.join([describe_network(model), source, *extras])}: {count:,} parameters"


def _describe_ngram(run: Run) -> str:
    if not run.ngram_path.exists():
        return ""
    size = run.ngram_path.stat().st_size / 1e6
    return f"context {run.config.budget.ngram}, {size:.1f} MB, mixed with the network"


def _describe_origin(run: Run) -> str:
    origin = run.origin
    if origin is None or origin.name is None:
        return ""
    which = {None: "", "best": "", "last": "last "}.get(origin.weights, f"step {origin.weights} ")
    return f"from the {which}weights of {origin.name}"


def _describe_training(run: Run) -> str:
    config, rule = run.config, run.config.optimisation
    unit, amount = config.budget.length
    length = f"{amount:g} {unit.removesuffix('s') if amount == 1 else unit}"
    parts = [f"preset {config.budget.preset} ({length})" if config.budget.preset else length]
    rate = "" if rule.lr is None else f", lr {rule.lr:g} {rule.schedule}"
    parts[0] += f": {rule.optimizer}{rate}"
    drops = {"dropout": rule.dropout, "weight drop": rule.weight_drop, "input dropout": rule.input_dropout}
    parts += [f"{name} {share:g}" for name, share in drops.items() if share]
    window = f" x {config.batching.seq_len} {config.corpus.units}" if config.task.kind.unit == "char" else ""
    parts.append(f"{config.batching.batch_size} sequences{window}")
    parts += [f"EMA {rule.average}"] if rule.average else []
    return ", ".join([*parts, f"seed {config.budget.seed}"])


def _describe_result(run: Run) -> str:
    summary, status, kind = run.summarize(), find_status(run), run.config.task.kind
    unit = find_unit(kind, run.config.corpus.bytes)
    if summary.best_val_nats_per_char is None:
        text = "no validation loss"
    else:
        text = f"best val loss {describe_loss(summary.best_val_nats_per_char, unit)}"
        text += f" at step {summary.best.get('step')} of {summary.steps}"
    speed = "" if status.chars_per_second is None else f"; {format_speed(status.chars_per_second)} {unit}s/s"
    return text + speed


def _draw_curve(run: Run) -> str:
    """The validation losses in a few letters, behind a space."""
    trained = [record for record in run.read_metrics() if record.get("step")]
    losses = [record.get(f"val_{run.config.task.kind.loss}") for record in trained]
    curve = draw_sparkline([loss for loss in losses if isinstance(loss, float)])
    return f"   {curve}" if curve else ""
