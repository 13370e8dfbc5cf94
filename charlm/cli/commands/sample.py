"""Generate text with a trained model.

The prompt is printed first; without one the model starts as after a newline. A model of separate lines (--lines)
generates whole lines, of at most --len characters.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from charlm.base.errors import CharlmError, MissingCorpusError, UsageError, alternative, hinting
from charlm.cli.options import (
    Mix,
    OneLabel,
    OneRun,
    RawText,
    SkipUnknown,
    WhichWeights,
    take_device,
    with_settings,
)
from charlm.cli.output import write_note, write_text
from charlm.config import Config, DeviceConfig, SamplingConfig
from charlm.inference.filters import FILTERS, Temperature
from charlm.inference.selection import Selection

if TYPE_CHECKING:
    from charlm.inference.language_model import LanguageModel
    from charlm.runs.run import Run

PLACE = ("Start", 2)
ALIASES = ("generate",)
EXAMPLES = """
charlm sample -n 300 -t 0.7
charlm sample novel-1 --prompt "It was" --temperature 0.3,0.7,1.0
charlm sample names-1 --new --unique --max-len 8
charlm sample --interactive
"""
BASIC = (
    "len", "prompt", "prompt_file", "num", "temperature", "greedy", "top_k", "top_p", "seed", "new", "unique",
    "interactive", "weights",
)  # fmt: skip
PANELS: dict[str, list[type[Config]]] = {
    "Sample": [SamplingConfig],
    "Lines": [Selection],
    "Distribution": [kind for kind in FILTERS.values() if kind is not Temperature],
    "Engine": [DeviceConfig],
}
TEMPERATURE = next(iter(dataclasses.fields(Temperature)))
AUTO = "auto"
LINES = 10  # samples of a model of lines, unless told


@with_settings(PANELS, BASIC)
def command(
    settings: dict[str, Any],
    run: OneRun = None,
    weights: WhichWeights = None,
    prompt_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Read the prompt from a file, without its last newline; - for standard input.",
        ),
    ] = None,
    skips: SkipUnknown = False,
    temperature: Annotated[
        str | None,
        typer.Option(
            "-t",
            "--temperature",
            metavar="FLOAT[,FLOAT]|auto",
            help=f"{TEMPERATURE.metadata['limits'].help} auto: lowest validation loss.",
            show_default=str(TEMPERATURE.default),
            rich_help_panel="Distribution",
        ),
    ] = None,
    greedy: Annotated[bool, typer.Option("--greedy", help="Always take the likeliest character.")] = False,
    interactive: Annotated[
        bool, typer.Option("--interactive", help="Write a text together with the model.")
    ] = False,
    stream: Annotated[
        bool | None,
        typer.Option(
            "--stream/--no-stream",
            help="Print each character as it is sampled.",
            show_default="on for one sample",
        ),
    ] = None,
    mix: Mix = None,
    label: OneLabel = None,
    raw: RawText = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per sample.")] = False,
) -> None:
    from charlm.cli.display.samples import SamplePrinter
    from charlm.cli.pick import pick_run
    from charlm.cli.prompts import hinting_skip, skip_unknown
    from charlm.data.reading.sources import find_text
    from charlm.inference.conditioned import load_model

    device = take_device(settings)
    temperatures = _parse_temperatures(temperature)
    selection = Selection(**{name: settings.pop(name) for name in Selection.settings() if name in settings})
    if greedy:
        if temperature is not None and temperatures != [0]:
            raise UsageError(f"--greedy is temperature 0: leave out --temperature {temperature}")
        temperatures = [0.0]
    _check(settings, prompt_file, stream, raw, json)
    if interactive:
        _check_interactive(settings, temperatures, selection, stream, json)
    found = pick_run(run, weights, "sample")
    model = load_model(found, label, mix).on(device)
    if prompt_file is not None:
        # The last newline is the editor's: with it, the model would start a new line.
        settings["prompt"] = re.sub(r"\r?\n\Z", "", find_text(prompt_file).read(model.corpus.units))
    if skips:
        settings["prompt"] = skip_unknown(model, settings.get("prompt", ""))
    if model.corpus.lines and not stream:
        settings = {"num": LINES, **settings}
    chosen = [fit_temperature(run, weights, model) if each == AUTO else float(each) for each in temperatures]
    for each in chosen:
        Temperature(each)  # refused before anything is printed
    if interactive:
        from charlm.cli.interactive import run_session

        run_session(model, settings | {"temperature": chosen[0]}, found.name)
        return
    known = _read_training_documents(found) if selection.new else frozenset()
    printer = SamplePrinter(
        model, found.name, selection, known, raw, json, is_streamed=stream is not False and not json, label=label
    )
    with hinting_skip():
        for place, each in enumerate(chosen):
            if len(chosen) > 1 and not json:
                write_text("\n" * bool(place) + f"--- temperature {each:g} ---\n")
            printer.print(settings | {"temperature": each})
    if printer.shortages:
        raise CharlmError("; ".join(printer.shortages))


def _parse_temperatures(given: str | None) -> Sequence[float | str]:
    """The temperatures of --temperature, numbers or ``auto``.

    >>> _parse_temperatures("0.3, auto"), _parse_temperatures(None)
    ([0.3, 'auto'], [1.0])
    """
    if given is None:
        return [1.0]
    try:
        return [each if each == AUTO else float(each) for each in map(str.strip, given.split(","))]
    except ValueError:
        raise UsageError(
            f"--temperature is {given!r}: it must be a number, several with commas, or {AUTO}"
        ) from None


def _check(settings: dict[str, Any], prompt_file: str | None, stream: bool | None, raw: bool, json: bool) -> None:
    """Refuse conflicting options."""
    number = settings.get("num", 1)
    for is_conflict, message in (
        (raw and json, "--raw writes text unescaped, and --json escapes it: leave out one of the two"),
        (stream and number != 1, f"--stream needs --num 1, and --num is {number}: leave out one of the two"),
        (stream and json, "--stream writes characters, and --json whole samples: leave out one of the two"),
        (prompt_file is not None and "prompt" in settings, "--prompt and --prompt-file exclude each other"),
    ):
        if is_conflict:
            raise UsageError(message)


def _check_interactive(
    settings: dict[str, Any],
    temperatures: Sequence[float | str],
    selection: Selection,
    stream: bool | None,
    json: bool,
) -> None:
    """Refuse what makes no sense in a session."""
    others = {
        "--num": "num" in settings,
        "several temperatures": len(temperatures) > 1,
        "--new, --unique, --min-len and --max-len": selection != Selection(),
        "--no-stream": stream is False,
        "--json": json,
    }
    for name, is_given in others.items():
        if is_given:
            raise UsageError(f"--interactive writes one text as it is sampled: leave out {name}")


def _read_training_documents(run: Run) -> frozenset[str]:
    """The documents of a run's training split.

    Raises:
        CorpusError: the corpus moved or changed.
    """
    from charlm.data.reload import CorpusSearch
    from charlm.data.reload_splits import reload_splits
    from charlm.inference.selection import documents_of

    with alternative("leave out --new"):
        corpus = reload_splits(run.corpus, run.config, run.vocabulary, CorpusSearch(run.folder))
    return documents_of(corpus.train)


def fit_temperature(run: str | None, weights: str | None, model: LanguageModel) -> float:
    """Find the temperature of a run's model with the lowest validation loss.

    Raises:
        CorpusError: the corpus moved or changed.
        UsageError: no validation split.
    """
    # These imports take longer than sampling.
    from charlm.cli.display.progress import progress_bar
    from charlm.engines.threads import ThreadPool
    from charlm.evaluate.base import beginnings
    from charlm.evaluate.measures.calibration import CHARACTERS, best_temperature, outcomes_of
    from charlm.evaluate.subjects import subjects_of

    hint = "put the run's corpus back, or give --temperature a number"
    with hinting(hint, MissingCorpusError, UsageError):
        subjects, cuts = beginnings(subjects_of([] if run is None else [run], "val", weights), CHARACTERS)
    (subject,) = subjects
    with ThreadPool() as pool, progress_bar("temperature", quiet=False) as progress:
        best = best_temperature(outcomes_of(model, subject.part, pool, progress))
    start = f"the first {CHARACTERS:,} {model.corpus.units} of " if cuts else ""
    write_note(f"temperature {best:.3f} minimizes the loss on {start}{subject.text_name}")
    return best
