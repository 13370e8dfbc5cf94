"""The live model: greedy text, seeds, filters, documents, bytes and characters that it does not know."""

import numpy as np
import pytest

from charlm.config import CorpusConfig
from charlm.data.vocabulary import Vocabulary
from charlm.inference.filters import FILTERS, probabilities
from charlm.inference.language_model import LanguageModel
from charlm.report.live_model import make_live_model

MAT = "the cat sat on a mat, big\n"
PLAIN = {"temperature": 1, "top_k": 0, "top_p": 1, "min_p": 0, "seed": 1}
WRITE = """
const [model, prompt, count, settings] = arguments;
const live = new LiveModel({ name: "m", model }, { settings: () => settings });
live.setPrompt(prompt);
while (!live.isRead()) live.readNext();
for (let i = 0; i < count; i++) { live.writeNext(); live.readNext(); }
return live.items.map((item, i) => ({ ...item, glyph: live.glyph(i) }));
"""


@pytest.fixture
def make_language_model(make_model):
    """A function that makes a model with noise for weights, which are float32 numbers in float64."""

    def make(vocabulary, config=None, **settings):
        network = make_model(len(vocabulary), hidden=24, cell="lstm", **settings)
        noise = np.random.default_rng(4).normal(0, 1.2, network.params.flat.shape)
        network.params.flat[:] = (network.params.flat + noise).astype(np.float32)
        return LanguageModel(network, vocabulary, 100, config or CorpusConfig())

    return make


@pytest.fixture
def write(scripts):
    def written(model, prompt, count, **settings):
        return scripts.run(WRITE, make_live_model(model, half=False), prompt, count, PLAIN | settings)

    return written


@pytest.mark.parametrize("prompt", ["", "b", "the cat"])
def test_greedy_text_is_charlms(write, make_language_model, prompt):
    model = make_language_model(Vocabulary.of("the cat sat on a mat, big\n"))
    text = "".join(item["char"] for item in write(model, prompt, 300, temperature=0))
    assert text == model.sample(300, prompt=prompt, temperature=0)
    assert len(set(text)) > 3


def test_greedy_text_of_documents_is_charlms_up_to_the_end(write, make_language_model):
    vocabulary = Vocabulary(tuple("abcdefgh"), 8, has_end=True)
    model = make_language_model(vocabulary, CorpusConfig(lines=True))
    for prompt in ("", "ab", "hag"):
        text = "".join(item["char"] for item in write(model, prompt, 300, temperature=0))
        sample = model.sample(300, prompt=prompt, temperature=0)
        assert text.startswith(sample)
        assert len(sample) == len(prompt) + 300 or text[len(sample)] == "\n"


def test_bytes_are_read_and_shown_as_characters(write, make_language_model):
    model = make_language_model(Vocabulary(tuple(map(chr, range(256))), 10, "bytes"), CorpusConfig(bytes=True))
    items = write(model, "né€𝄞", 300, temperature=0)
    raw = bytes(item["id"] for item in items)
    assert raw.startswith("né€𝄞".encode())
    assert [item["glyph"] for item in items[:10]] == ["n", "é", "", "€", "", "", "𝄞", "", "", ""]
    sample = model.sample(300, prompt="né€𝄞", temperature=0)
    assert sample == raw.decode(errors="replace")


@pytest.mark.parametrize("is_bytes", [False, True])
def test_bits_are_charlms_losses(write, make_language_model, is_bytes):
    vocabulary = Vocabulary(tuple(map(chr, range(256))), 10, "bytes") if is_bytes else Vocabulary.of(MAT)
    model = make_language_model(vocabulary, CorpusConfig(bytes=is_bytes))
    text = ("né€𝄞 on a mat\n" if is_bytes else MAT) * 15
    items = write(model, text, 0)
    assert items[0]["bits"] is None
    np.testing.assert_allclose(
        [item["bits"] for item in items[1:]], model.score(text).costs_nats / np.log(2), atol=1e-9
    )


def test_a_seed_gives_the_same_text_twice_and_another_seed_another(write, make_language_model):
    model = make_language_model(Vocabulary.of("the cat sat on a mat, big\n"))
    one, same, other = (write(model, "the", 300, seed=seed) for seed in (5, 5, 6))
    assert one == same
    assert one != other


def test_unknown_characters_are_skipped_or_read_as_unk(write, make_language_model):
    model = make_language_model(Vocabulary.of("abc\n"))
    items = write(model, "aXb", 0)
    assert items[1]["id"] is None and items[1]["bits"] is None
    assert items[2]["bits"] == pytest.approx(write(model, "ab", 0)[1]["bits"], abs=1e-12)
    with_unk = make_language_model(Vocabulary(("a", "b", "c"), 0, rare=("z",)))
    items = write(with_unk, "aXb", 300)
    assert items[1]["id"] == 3
    assert all(item["id"] != 3 for item in items[3:])  # <unk> is never written


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"temperature": 0.5},
        {"top_k": 3},
        {"top_p": 0.6},
        {"min_p": 0.3},
        {"temperature": 1.7, "top_k": 5, "top_p": 0.8},
    ],
    ids=str,
)
def test_characters_are_drawn_as_often_as_charlm_draws_them(scripts, settings):
    rng = np.random.default_rng(6)
    logits_BV = rng.normal(0, 1.5, (1, 9))
    counts = scripts.run(
        """const [logits, settings] = arguments, counts = logits.map(() => 0);
        for (let i = 0; i < 40000; i++) counts[draw(Float64Array.from(logits), settings, uniformAt(7, i))]++;
        return counts;""",
        logits_BV[0].tolist(),
        PLAIN | settings,
    )
    for name, kind in FILTERS.items():
        if name in settings:
            kind(**{name: settings[name]}).apply(logits_BV)
    wanted = probabilities(logits_BV)[0]
    assert all(count == 0 for count, p in zip(counts, wanted, strict=True) if p == 0)
    errors = np.sqrt(wanted * (1 - wanted) / 40000)
    assert (np.abs(np.array(counts) / 40000 - wanted) <= 4.5 * errors + 1e-12).all()


def test_uniform_numbers_are_uniform_and_unrelated(scripts):
    drawn = np.array(
        scripts.run("return [1, 2, 1000].map((s) => Array.from({ length: 20000 }, (_, i) => uniformAt(s, i)));")
    )
    assert (drawn >= 0).all() and (drawn < 1).all()
    counts = np.array([np.histogram(row, 50, (0, 1))[0] for row in drawn])
    assert (((counts - 400) ** 2 / 400).sum(axis=1) < 100).all()  # chi square, 49 degrees of freedom
    steps = [np.corrcoef(row[:-1], row[1:])[0, 1] for row in drawn]
    assert np.abs([*steps, *np.corrcoef(drawn)[np.triu_indices(3, 1)]]).max() < 0.03
