"""The parts that exported scripts share: symbols, prompt, reading the weights, quoted code."""

from __future__ import annotations

import ast
import importlib.util
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from charlm.inference.language_model import LanguageModel
from charlm.models.equations import Step

WIDTH = 90  # symbols of a line

MAIN = """\
if __name__ == "__main__":
    prompt, length, temperature = (*sys.argv[1:], *("", "300", "0.8")[len(sys.argv) - 1 :])
    print(sample(prompt, int(length), float(temperature)))
"""


def write_head(model: LanguageModel, library: str, imports: str) -> str:
    """The docstring, the imports and the vocabulary; text from outside stands in escaped literals only."""
    modules = ["json", "sys", *(["unicodedata"] if model.corpus.normalize != "none" else [])]
    vocabulary = model.vocabulary
    text = "".join(vocabulary.symbols)
    lines = [f"    {text[start : start + WIDTH]!r}" for start in range(0, len(text), WIDTH)]
    return "\n".join(
        [
            f'"""A character-level language model trained by charlm, in {library}.',
            "",
            '    python {file} "It was" 300 0.8        a prompt, the number of characters, the temperature',
            "",
            f"The weights are in {{weights}}, beside this file. Needs {library} only.",
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


def write_reader(tensor: str) -> str:
    """The function that reads the weights, with the expression for a tensor from its bytes ``data[a:b]``."""
    return f'''\
def read_weights(path):
    """The tensors of a safetensors file: the header's length, the header in JSON, then the numbers."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header, weights = json.loads(data[8:start]), {{}}
    header.pop("__metadata__", None)
    for name, entry in header.items():
        a, b = (start + offset for offset in entry["data_offsets"])
        weights[name] = {tensor}
    return weights
'''


def write_encode(model: LanguageModel) -> str:
    """The function from a prompt to ids."""
    vocabulary, corpus = model.vocabulary, model.corpus
    lines = ["def encode(prompt):", '    """The ids that are read before the first symbol is drawn."""']
    if corpus.lowercase:
        lines.append("    prompt = prompt.lower()")
    if corpus.normalize != "none":
        lines.append(f'    prompt = unicodedata.normalize("{corpus.normalize.upper()}", prompt)')
    if corpus.bytes:
        lines.append('    prompt = prompt.encode().decode("latin-1")')
    lines += [
        "    if unknown := set(prompt) - set(SYMBOLS):",
        '        raise ValueError(f"the model has never seen {sorted(unknown)}")',
        "    ids = [SYMBOLS.index(symbol) for symbol in prompt]",
        f"    return [{vocabulary.start}, *ids]"
        if vocabulary.has_end
        else f"    return ids or [{vocabulary.start}]",
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
    return quote(step).replace(f"def {step.__name__}(", "def step(", 1)


def names_in(step: Step) -> Sequence[str]:
    """The functions of ``maths`` that a step calls, in order."""
    return [name for name in step.__code__.co_names if name in step.__globals__]


def quote(function: Callable[..., Any]) -> str:
    """A function's source."""
    return inspect.getsource(function)


def quote_class(module: str, name: str) -> str:
    """A class's source, without importing its module.

    >>> quote_class("charlm.engines.torch.unrolled", "Unrolled").partition(":")[0]
    'class Unrolled(nn.Module)'
    """
    spec = importlib.util.find_spec(module)
    assert spec is not None and spec.origin is not None
    source = Path(spec.origin).read_text(encoding="utf-8")
    (found,) = (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == name)
    return (ast.get_source_segment(source, found) or "") + "\n"
