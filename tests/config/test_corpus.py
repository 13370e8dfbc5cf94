"""The settings of reading a corpus: what does not go together, and what follows from them."""

import pytest

from charlm.base.errors import UsageError
from charlm.config import CorpusConfig


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"bytes": True, "lowercase": True}, "--lowercase changes characters, and --bytes reads none"),
        ({"bytes": True, "normalize": "nfc"}, "--normalize nfc changes characters, and --bytes reads none"),
        ({"bytes": True, "min_count": 2}, "--min-count is about characters"),
        ({"glob": ""}, "--glob is empty"),
        ({"normalize": "nfd"}, "--normalize is 'nfd': it must be one of none, nfc, nfkc"),
        ({"min_count": 0}, "--min-count is 0: it must be at least 1"),
    ],
)
def test_what_cannot_be_is_refused(settings, words):
    with pytest.raises(UsageError, match=words):
        CorpusConfig(**settings)


def test_only_a_text_that_is_changed_is_lossy():
    assert [CorpusConfig(**each).is_lossy for each in ({"lowercase": True}, {"normalize": "nfc"})] == [True, True]
    assert [CorpusConfig(**each).is_lossy for each in ({}, {"bytes": True}, {"lines": True})] == [False] * 3


def test_the_units_are_characters_or_bytes():
    assert [CorpusConfig(bytes=choice).units for choice in (False, True)] == ["characters", "bytes"]
