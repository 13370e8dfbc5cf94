"""Any text and any bytes, read in any way: prepared, trained on for a step, saved, loaded, sampled and scored.

Where something cannot be done, that is said in one of charlm's own errors; anything else that is raised fails.
"""

import math
import tempfile
from pathlib import Path

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from charlm.base.errors import CharlmError
from charlm.data.reading.sources import find_source
from charlm.engines.threads import ThreadPool
from charlm.evaluate.subjects import subjects_of
from charlm.inference.language_model import load_run
from charlm.inference.scoring import text_metrics
from charlm.runs.run import Run
from charlm.training.loop import train
from charlm.training.presets import resolve_settings
from charlm.training.resume import resume
from charlm.training.start import new_run, new_trainer

TINY = {"hidden": 2, "seq_len": 2, "batch_size": 2, "steps": 1, "sample_every": 0}
TEXTS = st.text(max_size=60) | st.text("ab\n\r|é𝄞\u0301", min_size=12, max_size=60)
CONTENTS = st.binary(max_size=60) | TEXTS.map(lambda text: text.encode())
WAYS = st.builds(
    lambda *parts: {name: value for part in parts for name, value in part.items()},
    st.just({"bytes": True})
    | st.fixed_dictionaries(
        {
            "lowercase": st.booleans(),
            "normalize": st.sampled_from(["none", "nfc", "nfkc"]),
            "min_count": st.integers(1, 3),
        }
    ),
    st.sampled_from([{}, {"lines": True}, {"delimiter": "|"}, {"delimiter": "\n\n"}, {"delimiter": "é"}]),
    st.fixed_dictionaries(
        {
            "partition": st.sampled_from(["sequential", "varied", "random"]),
            "split": st.none() | st.sampled_from(["80/10/10", "50/25/25", "nanogpt", "torch-rnn"]),
            "cell": st.sampled_from(["rnn", "gru", "lstm"]),
        }
    ),
)


@pytest.fixture(scope="module")
def pool():
    with ThreadPool(1) as pool:
        yield pool


def whole_way(pool, folder, content, other, ways):
    """The way of a text through charlm; the mean costs of a character that came of it."""
    (folder / "corpus.txt").write_bytes(content)
    (folder / "other.txt").write_bytes(other)
    trainer = new_trainer(
        find_source([str(folder / "corpus.txt")], ""), resolve_settings(TINY | {"workers": 1} | ways)
    )
    with new_run(trainer, folder / "run") as run:
        list(train(trainer, run))
    run = Run.open(folder / "run")
    model = load_run(run)
    assert len("".join(model.samples(2, len=5))) <= 10
    again, _ = resume(run, {"steps": 2})
    assert again.corpus.vocabulary == trainer.corpus.vocabulary
    again.step(0.5)
    found = []
    here, beside = str(run.folder), str(folder / "other.txt")
    for targets, split in (([here], "train"), ([here], "val"), ([here], "test"), ([here, beside], None)):
        try:
            (subject,) = subjects_of(targets, split)
            found.append(text_metrics(model.score_with(pool, subject.part)).nats_per_char)
        except CharlmError:
            continue
    return found


@settings(max_examples=60)
@given(content=CONTENTS, other=CONTENTS, ways=WAYS)
def test_any_text_goes_the_whole_way_or_is_refused(pool, content, other, ways):
    refusal = None
    with tempfile.TemporaryDirectory() as folder:
        try:
            costs = whole_way(pool, Path(folder), content, other, ways)
        except CharlmError as error:
            refusal = error
    if refusal is not None:
        event(f"refused: {type(refusal).__name__}")
        assert len(str(refusal).splitlines()) == 1
        return
    event("went the whole way")
    assert costs and all(math.isfinite(cost) and cost >= 0 for cost in costs)
