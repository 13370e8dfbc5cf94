"""The parts that exported scripts share: symbols, prompt, reading the weights, quoted code."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from charlm.inference.language_model import LanguageModel
from charlm.models.equations import Step
from charlm.nn.readout import split_symbols

WIDTH = 90  # symbols of a line

MAIN = """\
if __name__ == "__main__":
    print(sample(*(kind(word) for kind, word in zip((str, int, float), sys.argv[1:]))))
"""


def write_head(model: LanguageModel, library: str, imports: str) -> str:
    """The docstring, the imports and the vocabulary; text from outside stands in escaped literals only."""
    modules = ["json", "sys", *(["unicodedata"] if model.corpus.normalize != "none" else [])]
    vocabulary = model.vocabulary
    text = "".join(vocabulary.symbols)
    lines = [f"    {text[start : start + WIDTH]!r}" for start in range(0, len(text), WIDTH)]
    return "\n".join(
        [
            f'"""A character-level language model trained by charlm, in {library} alone.',
            "",
            'python {file} "It was" 300 0.8 writes 300 characters, at temperature 0.8, with {weights}.',
            '"""',
            "",
            *(f"import {name}" for name in modules),
            "from pathlib import Path",
            "",
            imports,
            "",
            *(["SYMBOLS = (", *lines, ")"] if len(lines) > 1 else [f"SYMBOLS = {text!r}"]),
            "",
        ]
    )


def write_reader(weights: str, tensor: str) -> str:
    """The statements that read the weights, with the expression for a tensor from its bytes ``data[a:b]``."""
    return f"""\
data = Path(__file__).with_suffix(".safetensors").read_bytes()
start = 8 + int.from_bytes(data[:8], "little")  # behind its length, the header in JSON; then the numbers
{weights} = {{}}
for name, entry in json.loads(data[8:start]).items():
    if name != "__metadata__":
        a, b = (start + offset for offset in entry["data_offsets"])
        {weights}[name] = {tensor}
"""


def write_clusters(vocab_size: int, log_softmax: str, join: str) -> str:
    """The function of an adaptive softmax, with the library's expressions."""
    parts = [(ids.start, ids.stop) for ids in split_symbols(vocab_size)]
    return f"""\
def log_softmax(x):
    return {log_softmax}


def join_clusters(logits, clusters):  # of an adaptive softmax: log p(cluster) + log p(symbol | cluster)
    (_, stop), *others = {parts}
    first = log_softmax({join}([logits[..., :stop], clusters], -1))
    within = [log_softmax(logits[..., start:end]) for start, end in others]
    return {join}([first[..., :stop], *(first[..., stop + c, None] + each for c, each in enumerate(within))], -1)
"""


def write_encode(model: LanguageModel) -> str:
    """The function from a prompt to ids."""
    vocabulary, corpus = model.vocabulary, model.corpus
    lines = ["def encode(prompt):"]
    if corpus.lowercase:
        lines.append("    prompt = prompt.lower()")
    if corpus.normalize != "none":
        lines.append(f'    prompt = unicodedata.normalize("{corpus.normalize.upper()}", prompt)')
    if corpus.bytes:
        lines.append('    prompt = prompt.encode().decode("latin-1")')
    lines += [
        "    if unknown := set(prompt) - set(SYMBOLS):",
        '        raise ValueError(f"the model has never seen {sorted(unknown)}")',
        f"    return [{vocabulary.start}, *map(SYMBOLS.index, prompt)]"
        if vocabulary.has_end
        else f"    return [*map(SYMBOLS.index, prompt)] or [{vocabulary.start}]",
    ]
    return "\n".join(lines) + "\n"


def write_draw(model: LanguageModel, logits: str, infinity: str, draw: str, read: str) -> str:
    """The loop that draws symbols; the last three are the library's statements."""
    vocabulary = model.vocabulary
    decoded = 'text.encode("latin-1").decode("utf-8", "replace")' if model.corpus.bytes else "text"
    lines = ["    for _ in range(length):", f"        row = {logits} / max(temperature, 1e-6)"]
    if vocabulary.unknown is not None:
        lines.append(f"        row[{vocabulary.unknown}] = -{infinity}  # rare characters are never drawn")
    lines.append(f"        symbol = {draw}")
    if vocabulary.end is not None:
        lines += [f"        if symbol == {vocabulary.end}:  # the end of a document", "            break"]
    lines += ["        text += SYMBOLS[symbol]", f"        {read}", f"    return prompt + {decoded}"]
    return "\n".join(lines) + "\n"


def quote_step(step: Step) -> str:
    """A cell's step, called ``step``."""
    return inspect.getsource(step).replace(f"def {step.__name__}(", "def step(", 1)


def names_in(step: Step) -> Sequence[str]:
    """The functions of ``maths`` that a step calls, in order."""
    return [name for name in step.__code__.co_names if name in step.__globals__]


def tensors_in(step: Step) -> Sequence[str]:
    """The tensors of a layer that its input and a step need."""
    return ["weight_ih", "bias_ih", *(each for each in step.__code__.co_consts if _is_tensor(each))]


def _is_tensor(constant: Any) -> bool:
    return isinstance(constant, str) and constant.isidentifier()


def quote(function: Callable[..., Any]) -> str:
    """A function's source without its docstring, which its name says."""
    docstring = f'    """{function.__doc__}"""\n'
    return inspect.getsource(function).replace(docstring, "", 1)
