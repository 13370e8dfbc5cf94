"""Generate text with a trained model.

One sample streams to the terminal as it is drawn; several are drawn side by side and printed one after another.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from itertools import chain
from typing import Annotated, Any

import typer

from charlm.base.errors import UsageError
from charlm.cli.options import WhichWeights, with_settings
from charlm.cli.output import print_json, write_text
from charlm.config import Config, SamplingConfig
from charlm.data.reading.sources import find_text
from charlm.inference.filters import Temperature
from charlm.inference.generate import all_filters
from charlm.inference.language_model import LanguageModel, load_run
from charlm.runs.find import find_run

app = typer.Typer(add_completion=False)

PANELS: dict[str, list[type[Config]]] = {
    "Sample": [SamplingConfig],
    "Distribution": [kind for kind in map(type, all_filters({})) if kind is not Temperature],
}
TEMPERATURE = next(iter(dataclasses.fields(Temperature)))
AUTO = "auto"


@app.command()
@with_settings(PANELS)
def command(
    settings: dict[str, Any],
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run's folder or name.", show_default="the newest")
    ] = None,
    weights: WhichWeights = None,
    prompt_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Read the prompt from a file or a built-in, without its last newline; - for standard input.",
        ),
    ] = None,
    temperature: Annotated[
        str | None,
        typer.Option(
            metavar="FLOAT|auto",
            help=f"{TEMPERATURE.metadata['limits'].help} auto: of least loss on the run's validation part.",
            show_default=str(TEMPERATURE.default),
            rich_help_panel="Distribution",
        ),
    ] = None,
    greedy: Annotated[bool, typer.Option("--greedy", help="Always take the likeliest: temperature 0.")] = False,
    stream: Annotated[
        bool | None,
        typer.Option(
            "--stream/--no-stream",
            help="Print each character when it is drawn.",
            show_default="on for one sample",
        ),
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="On a terminal, print control characters as they are, not as escapes.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a sample.")] = False,
) -> None:
    """Generate text with a trained model.

    The prompt is echoed before what is new, as the model reads it: changed as its corpus was. With no prompt
    the model starts as after a newline. A model of documents writes a new one for each sample, which the
    prompt begins, and which --len cuts off.
    """
    if temperature is not None and temperature != AUTO:
        settings["temperature"] = _number(temperature)
    _check(settings, temperature, prompt_file, greedy, stream, raw, json)
    if greedy:
        settings["temperature"] = 0.0
    found = find_run(run, weights)
    model = load_run(found)
    if prompt_file is not None:
        # The last line end is the editor's, not the prompt's: with it, the model would go on with a new line.
        settings["prompt"] = re.sub(r"\r?\n\Z", "", find_text(prompt_file).read(model.corpus.units))
    if temperature == AUTO:
        from charlm.cli.temperature import fitted_temperature  # what measures is not loaded to sample

        settings["temperature"] = fitted_temperature(run, weights)
    if stream is not False and not json and settings.get("num", 1) == 1:
        _stream(model, settings, raw)
    else:
        _print(model, settings, found.name, raw, json)


def _number(temperature: str) -> float:
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
    """Refuse what does not go together."""
    if greedy and temperature == AUTO:
        raise UsageError("--greedy is temperature 0: leave out --temperature auto")
    if raw and json:
        raise UsageError("--raw writes text as it is, and --json escapes it: leave out one of the two")
    if stream and settings.get("num", 1) != 1:
        raise UsageError(f"--stream needs --num 1, and --num is {settings['num']}: leave out one of the two")
    if stream and json:
        raise UsageError("--stream writes characters, and --json whole samples: leave out one of the two")
    if greedy and settings.get("temperature", 0) != 0:
        raise UsageError(f"--greedy is temperature 0: leave out --temperature {settings['temperature']:g}")
    if prompt_file is not None and "prompt" in settings:
        raise UsageError("--prompt and --prompt-file are given: give one of them")


def _print(model: LanguageModel, settings: dict[str, Any], name: str, raw: bool, json: bool) -> None:
    """Draw all samples, then write them."""
    texts = model.samples(**({"num": 1} | settings))
    if json:
        for number, text in enumerate(texts):
            print_json({"run": name, "number": number, "text": text})
    else:
        write_text((model.corpus.document_end or "\n\n").join(texts) + "\n", raw)


def _stream(model: LanguageModel, settings: dict[str, Any], raw: bool) -> None:
    """Draw one sample, and write each character when it is drawn."""
    characters = (character for (character,) in model.stream(**settings))
    first = next(characters, "")  # a prompt that the model cannot read is refused here, before it is echoed
    for piece in chain((model.read_prompt(settings.get("prompt", "")), first), characters):
        write_text(piece, raw)
        sys.stdout.flush()
    sys.stdout.write("\n")
