"""Two hosts, as network namespaces of this one: they train together, lose the network, and go on."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from charlm.runs.run import Run
from tests.cli.conftest import TEXT

pytest.importorskip("torch", reason="PyTorch is not installed")
OWN = os.getpid()  # another run of the tests has other names
HOSTS, ADDRESSES, LINKS = (
    (f"charlm-a-{OWN}", f"charlm-b-{OWN}"),
    ("10.77.0.1", "10.77.0.2"),
    (f"va{OWN}", f"vb{OWN}"),
)
SETTINGS = (
    "--hidden 12 --seq-len 12 --batch-size 6 --workers 1 --steps 1500 --save-every 20 --rank-timeout 20 --quiet"
)


def ip(*words):
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=True)


def inside(host, *words):
    return ip("netns", "exec", HOSTS[host], "ip", *words)


@pytest.fixture
def network():
    """Two hosts with a link, or a skip where namespaces are not permitted."""
    try:
        for name in HOSTS:
            ip("netns", "add", name)
        ip("link", "add", LINKS[0], "type", "veth", "peer", "name", LINKS[1])
        for host, (name, link, address) in enumerate(zip(HOSTS, LINKS, ADDRESSES, strict=True)):
            ip("link", "set", link, "netns", name)
            inside(host, "addr", "add", f"{address}/24", "dev", link)
            inside(host, "link", "set", "lo", "up")
            inside(host, "link", "set", link, "up")
        yield
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"network namespaces are not permitted here: {error}")
    finally:
        for name in HOSTS:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def begin(folder, text):
    """The same command on both hosts."""
    launcher = (
        f"--no-python --nnodes 2 --nproc-per-node 1 --rdzv-backend static --rdzv-endpoint {ADDRESSES[0]}:29400"
    )
    charlm = [sys.executable, "-m", "charlm", "train", text, "--out", folder, "--or-resume", *SETTINGS.split()]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
    return [
        subprocess.Popen(
            ["ip", "netns", "exec", HOSTS[host], sys.executable, "-m", "torch.distributed.run",
             *launcher.split(), "--node-rank", str(host), *map(str, charlm)],
            env={**environment, "GLOO_SOCKET_IFNAME": LINKS[host]},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for host in (0, 1)
    ]  # fmt: skip


def end(processes, seconds):
    """Wait for both; those that still wait for the other then are asked to end."""
    until = time.monotonic() + seconds
    for process in processes:
        try:
            process.wait(max(1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait(60)
    return [process.returncode for process in processes]


def test_two_hosts_train_and_go_on_after_the_network_was_lost(network, tmp_path):
    text, whole, cut = (tmp_path / name for name in ("fox.txt", "whole", "cut"))
    text.write_text(TEXT)
    assert end(begin(whole, text), 240) == [0, 0]
    processes = begin(cut, text)
    while not (cut / "last.safetensors").exists():
        time.sleep(0.05)
    time.sleep(0.3)
    inside(0, "link", "set", LINKS[0], "down")
    assert 0 not in end(processes, 120)
    inside(0, "link", "set", LINKS[0], "up")
    assert end(begin(cut, text), 240) == [0, 0]
    weights = [Run.open(folder).load_model("last").params.flat for folder in (cut, whole)]
    np.testing.assert_array_equal(*weights)
