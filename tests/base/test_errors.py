import inspect
import re

import pytest

from charlm.base import errors
from charlm.base.errors import CharlmError, UsageError

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
