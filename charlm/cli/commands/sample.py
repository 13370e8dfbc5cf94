"""Generate text with a trained model.

The prompt is printed first; without one the model starts as after a newline. A model of separate lines (--lines)
generates whole lines, of at most --len characters.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from itertools import chain
from typing import Annotated, Any

import typer

from charlm.base.errors import MissingCorpusError, UsageError, hinting
from charlm.cli.options import OneRun, RawText, WhichWeights, with_settings
from charlm.cli.output import print_json, write_note, write_text
from charlm.config import Config, SamplingConfig
from charlm.data.reading.sources import find_text
from charlm.inference.filters import Temperature
from charlm.inference.generate import all_filters
from charlm.inference.language_model import LanguageModel, load_run
from charlm.runs.find import find_run

PLACE = ("Start", 2)
ALIASES = ("generate",)
EXAMPLES = """
charlm sample -n 300 -t 0.7
charlm sample novel-1 --prompt "It was" --num 3
"""
PANELS: dict[str, list[type[Config]]] = {
    "Sample": [SamplingConfig],
    "Distribution": [kind for kind in map(type, all_filters({})) if kind is not Temperature],
}
TEMPERATURE = next(iter(dataclasses.fields(Temperature)))
AUTO = "auto"


@with_settings(PANELS)
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
    temperature: Annotated[
        str | None,
        typer.Option(
            "-t",
            "--temperature",
            metavar="FLOAT|auto",
            help=f"{TEMPERATURE.metadata['limits'].help} auto: lowest validation loss.",
            show_default=str(TEMPERATURE.default),
            rich_help_panel="Distribution",
        ),
    ] = None,
    greedy: Annotated[bool, typer.Option("--greedy", help="Always take the likeliest character.")] = False,
    stream: Annotated[
        bool | None,
        typer.Option(
            "--stream/--no-stream",
            help="Print each character as it is sampled.",
            show_default="on for one sample",
        ),
    ] = None,
    raw: RawText = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per sample.")] = False,
) -> None:
    if temperature is not None and temperature != AUTO:
        settings["temperature"] = _parse_number(temperature)
    _check(settings, temperature, prompt_file, greedy, stream, raw, json)
    if greedy:
        settings["temperature"] = 0.0
    found = find_run(run, weights)
    model = load_run(found)
    if prompt_file is not None:
        # The last newline is the editor's: with it, the model would start a new line.
        settings["prompt"] = re.sub(r"\r?\n\Z", "", find_text(prompt_file).read(model.corpus.units))
    if temperature == AUTO:
        settings["temperature"] = fit_temperature(run, weights)
    if stream is not False and not json and settings.get("num", 1) == 1:
        _stream(model, settings, raw)
    else:
        _print(model, settings, found.name, raw, json)


def _parse_number(temperature: str) -> float:
    try:
        return float(temperature)
    except ValueError:
        raise UsageError(f"--temperature is {temperature!r}: it must be a number, or {AUTO}") from None


def _check(
    settings: dict[str, Any],
    temperature: str | None,
    prompt_file: str | None,
    greedy: bool,
    stream: bool | None,
    raw: bool,
    json: bool,
) -> None:
    """Refuse conflicting options."""
    number, fixed = settings.get("num", 1), settings.get("temperature", 0)
    for is_conflict, message in (
        (greedy and temperature == AUTO, "--greedy is temperature 0: leave out --temperature auto"),
        (raw and json, "--raw writes text unescaped, and --json escapes it: leave out one of the two"),
        (stream and number != 1, f"--stream needs --num 1, and --num is {number}: leave out one of the two"),
        (stream and json, "--stream writes characters, and --json whole samples: leave out one of the two"),
        (greedy and fixed != 0, f"--greedy is temperature 0: leave out --temperature {fixed:g}"),
        (prompt_file is not None and "prompt" in settings, "--prompt and --prompt-file exclude each other"),
    ):
        if is_conflict:
            raise UsageError(message)


def fit_temperature(run: str | None, weights: str | None) -> float:
    """Find the temperature with the lowest validation loss.

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
        best = best_temperature(outcomes_of(subject.model, subject.part, pool, progress))
    start = f"the first {CHARACTERS:,} {subject.model.corpus.units} of " if cuts else ""
    write_note(f"temperature {best:.3f} minimizes the loss on {start}{subject.text_name}")
    return best


def _print(model: LanguageModel, settings: dict[str, Any], name: str, raw: bool, json: bool) -> None:
    """Generate samples, then write them."""
    texts = model.samples(**({"num": 1} | settings))
    if json:
        for number, text in enumerate(texts):
            print_json({"run": name, "number": number, "text": text})
    else:
        write_text((model.corpus.document_end or "\n\n").join(texts) + "\n", raw)


def _stream(model: LanguageModel, settings: dict[str, Any], raw: bool) -> None:
    """Write each character of one sample at once."""
    characters = (character for (character,) in model.stream(**settings))
    first = next(characters, "")  # refuses a prompt that the model cannot read, before it is printed
    for piece in chain((model.read_prompt(settings.get("prompt", "")), first), characters):
        write_text(piece, raw)
        sys.stdout.flush()
    sys.stdout.write("\n")
