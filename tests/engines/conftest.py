"""The program run inside the test's own process."""

import pytest

from tests.cli.conftest import call_main


@pytest.fixture(scope="session")
def call():
    """A function that runs a command line."""
    return call_main
