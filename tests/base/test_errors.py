import inspect
import re
from contextlib import ExitStack
from functools import partial

import pytest

from charlm.base import errors
from charlm.base.errors import (
    CharlmError,
    CorpusError,
    MissingCorpusError,
    UsageError,
    WorkerError,
    alternative,
    hinting,
)

CLASSES = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, Exception) and not issubclass(value, Warning)
]


def test_the_docstring_draws_the_tree_as_it_is():
    drawn = re.findall(r"^ +((?:[|] +)?(?:[|`]-- )?)(\w+Error)\b", errors.__doc__, re.MULTILINE)
    above, parents = {}, {}
    for lead, name in drawn:
        depth = len(lead) // 4
        above[depth] = name
        parents[name] = above.get(depth - 1, "Exception")
    assert parents == {each.__name__: each.__base__.__name__ for each in CLASSES}


@pytest.mark.parametrize("kind", CLASSES)
def test_only_a_wrong_use_ends_with_2(kind):
    assert issubclass(kind, CharlmError)
    assert kind("what, where, remedy").exit_code == (2 if issubclass(kind, UsageError) else 1)
    assert inspect.getdoc(kind).endswith(".")


def test_a_caller_that_knows_better_gives_the_hint():
    def complain(error, *contexts):
        with ExitStack() as stack:
            raised = stack.enter_context(pytest.raises(type(error)))
            for context in contexts:
                stack.enter_context(context)
            raise error
        return str(raised.value)

    missing = partial(MissingCorpusError, "no file 'a'")
    assert complain(missing("name one"), hinting("name another")) == "no file 'a': name another"
    assert complain(missing("name one"), alternative("name another")) == "no file 'a': name one, or name another"
    assert complain(missing(""), alternative("name another")) == "no file 'a': name another"
    full = CorpusError("the disk is full", "make room")
    assert complain(full, hinting("name another"), alternative("wait")) == "the disk is full: make room"
    whole = WorkerError("a worker failed")
    assert complain(whole, hinting("use fewer", WorkerError)) == "a worker failed"
    assert complain(WorkerError("killed", hint=""), hinting("use fewer", WorkerError)) == "killed: use fewer"
