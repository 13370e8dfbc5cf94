"""Any text and any bytes: prepared, trained on, saved, loaded, sampled and scored; or refused in one line."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.base.errors import CharlmError
from charlm.data.corpus import prepare
from charlm.data.encoded import EncodedText
from charlm.data.reading.sources import find_source
from charlm.engines.threads import ThreadPool
from charlm.inference.language_model import load_run
from charlm.runs.run import Run
from charlm.training.loop import train
from charlm.training.presets import resolve_settings
from charlm.training.start import new_run, new_trainer, resume

TINY = {"hidden": 2, "seq_len": 2, "batch_size": 2, "steps": 1, "sample_every": 0, "val_fraction": 0.4}
UNITS = st.one_of(
    st.just({}),
    st.just({"bytes": True}),
    st.fixed_dictionaries({"min_count": st.integers(1, 3)}),
    st.fixed_dictionaries({"normalize": st.sampled_from(["nfc", "nfkc"]), "lowercase": st.booleans()}),
)
DOCUMENTS = st.sampled_from([{}, {}, {"lines": True}, {"delimiter": " "}, {"delimiter": "ab"}])
CONTENTS = st.one_of(
    st.text("ab \n", min_size=8).map(str.encode),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=8).map(str.encode),
    st.binary(min_size=4),
)


@pytest.fixture(scope="module")
def pool():
    with ThreadPool(1) as pool:
        yield pool


@settings(max_examples=60)
@given(CONTENTS, UNITS, DOCUMENTS, st.sampled_from(["sequential", "random"]))
def test_it_comes_through_or_is_refused_in_one_line(tmp_path_factory, pool, content, units, documents, partition):
    folder = tmp_path_factory.mktemp("any")
    (folder / "corpus.txt").write_bytes(content)
    source = find_source([str(folder / "corpus.txt")], "")
    given = {**TINY, **units, **documents, "partition": partition}
    refusal = None
    try:
        trainer = new_trainer(source, resolve_settings(given))
    except CharlmError as error:
        refusal = str(error)
    if refusal is not None:
        assert len(refusal.splitlines()) == 1
        return
    with new_run(trainer, folder / "run") as run:
        list(train(trainer, run))
    model = load_run(Run.open(run.folder))
    assert isinstance(model.sample(5, seed=1), str)
    whole = EncodedText.of(prepare(source, trainer.config.corpus))
    scores = model.score_with(pool, whole)
    assert len(scores.costs_nats) == len(whole) - 1 and all(map(math.isfinite, scores.costs_nats))
    again, _ = resume(Run.open(run.folder), {"steps": 2})
    assert again.corpus.vocabulary == trainer.corpus.vocabulary
