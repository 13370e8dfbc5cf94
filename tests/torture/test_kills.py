import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(sys.platform == "win32", reason="this platform has neither fork nor SIGKILL")
def test_ten_kills_at_random_instants_end_in_the_same_bits():
    script = Path(__file__).with_name("kills.py")
    done = subprocess.run([sys.executable, script, "--count", "10"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("10 kills in ")
