"""What all rooms share: hypothesis with the same examples every time, a pool of one worker, small models."""

import os

import numpy as np
import pytest
from hypothesis import settings

from charlm.config import ModelConfig
from charlm.engines.threads import ThreadPool
from charlm.models.char_rnn import Model

# The suite tries the same examples in every run; `make torture` searches among others.
settings.register_profile("charlm", deadline=None, max_examples=25, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=300)
settings.load_profile("charlm")

collect_ignore_glob = ["golden/make_*"]  # they import torch, which the suite never needs


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_tests(tmp_path_factory):
    """A cache of their own: no test reads or fills the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHARLM_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def bytecode_of_the_tests(tmp_path_factory):
    """Processes that tests start share compiled modules, also where Python is told to store none."""
    with pytest.MonkeyPatch.context() as patch:
        if os.environ.get("PYTHONDONTWRITEBYTECODE"):
            patch.delenv("PYTHONDONTWRITEBYTECODE")
            patch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path_factory.getbasetemp().parent / "bytecode"))
        yield


@pytest.fixture(scope="session")
def pool():
    """Workers that measure and train; rooms where they share the work have more of them."""
    with ThreadPool(1) as pool:
        yield pool


@pytest.fixture(scope="session")
def make_model():
    """A function that makes an initialised model, of double precision where nothing else is said."""

    def make(vocab_size=5, seed=0, **model):
        model = {"hidden": 4, "dtype": "float64", "embedding_size": 3, **model}
        made = Model(ModelConfig(**model), vocab_size)
        made.initialize(np.random.default_rng(seed))
        return made

    return make
