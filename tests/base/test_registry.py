"""A room's members are found by looking: one new file is one new member."""

import sys

import pytest

from charlm.base.errors import UsageError
from charlm.base.registry import Registry, module_names
from charlm.nn.cells import CELLS
from charlm.optim.base import Optimizer
from charlm.optim.rules import OPTIMIZERS

MEMBER = """
from charlm.optim import Optimizer
from charlm.optim.rules.sgd import SGD

class {name}(SGD):
    pass

class _Hidden(Optimizer):
    pass
"""


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A package with two members, a private module, and a member that is imported, not defined."""
    folder = tmp_path / "planted_room"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "_private.py").write_text("raise AssertionError('imported')")
    (folder / "slow_descent.py").write_text(MEMBER.format(name="SlowDescent"))
    (folder / "fast.py").write_text(MEMBER.format(name="Fast"))
    monkeypatch.syspath_prepend(tmp_path)
    module_names.cache_clear()
    yield Registry("planted_room", Optimizer)
    module_names.cache_clear()
    for name in [name for name in sys.modules if name.startswith("planted_room")]:
        del sys.modules[name]


def test_names_are_the_files_with_hyphens_sorted(room):
    assert room.names() == ("fast", "slow-descent")


def test_listing_imports_no_member(room):
    room.names()
    assert not any(name.startswith("planted_room.") for name in sys.modules)


def test_a_member_is_the_class_that_its_file_defines(room):
    member = room.find("slow-descent")
    assert member.__name__ == "SlowDescent" and issubclass(member, Optimizer)
    assert room.find("slow-descent") is member


@pytest.mark.parametrize("name", ["slow_descent", "_private", "private", "", "SLOW-DESCENT", "os.path"])
def test_a_name_without_a_file_is_a_usage_error_that_lists_those_there_are(room, name):
    with pytest.raises(UsageError, match=r"no optimizer is called .*there are: fast, slow-descent"):
        room.find(name)


def test_a_room_that_is_no_package_is_an_error():
    with pytest.raises(ModuleNotFoundError, match="not a package"):
        module_names("charlm.base.errors")


@pytest.mark.parametrize("registry", [CELLS, OPTIMIZERS], ids=["cells", "optim"])
def test_every_name_of_a_room_is_found(registry):
    found = [registry.find(name) for name in registry.names()]
    assert all(issubclass(member, registry.base) for member in found)
    assert len(set(found)) == len(found) >= 3
