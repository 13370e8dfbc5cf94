"""GPUs that are not there, as PyTorch reports them: each is refused in one line."""

from types import SimpleNamespace

import pytest

from charlm.base.errors import UsageError
from charlm.config import DeviceConfig, ModelConfig, OptimizerConfig
from charlm.engines.devices import check_device, check_network, open_network

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from charlm.engines.torch import devices  # noqa: E402


@pytest.fixture
def gpus(monkeypatch):
    """A function that pretends a number of GPUs."""

    def pretend(count, bfloat16=True):
        monkeypatch.setattr(torch.version, "cuda", "13.0")
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"Card {index}")
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bfloat16)

    return pretend


def refusal(device="cuda", precision="float32"):
    with pytest.raises(UsageError) as caught:
        check_device(DeviceConfig("torch", device, precision))
    (line,) = str(caught.value).splitlines()
    return line


def test_what_is_missing_is_named(monkeypatch, gpus):
    monkeypatch.setattr(torch.version, "cuda", None)
    assert "built without CUDA" in refusal()
    gpus(0)
    assert "finds no driver or no GPU" in refusal()
    gpus(2)
    check_device(DeviceConfig("torch", "cuda:1", "bfloat16"))
    assert refusal("cuda:7").endswith("there are: cuda:0 (Card 0), cuda:1 (Card 1)")
    gpus(1, bfloat16=False)
    assert refusal(precision="bfloat16") == "--precision bfloat16: this GPU has none: use float32 or tf32"


def test_ranks_of_a_host_have_a_gpu_each(monkeypatch, gpus):
    gpus(2)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    assert refusal() == "torchrun starts 3 processes on this host, which has 2 GPUs: start fewer"
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert refusal("cuda:1") == "--device cuda:1 is one GPU for 2 processes: give --device cuda"


def test_an_old_version_is_refused(monkeypatch):
    monkeypatch.setattr(torch, "__version__", "2.4.1+cu121")
    assert refusal("cpu") == "PyTorch 2.4.1+cu121 is installed, and charlm needs 2.11 or later: upgrade it"


@pytest.mark.parametrize(("model", "optimizer", "precision", "reason"), [
    (ModelConfig(dtype="float64"), None, "bfloat16", "--precision bfloat16 is less than --dtype float64"),
    (ModelConfig(), OptimizerConfig(), "float32", None),
])  # fmt: skip
def test_settings_that_do_not_go_together(model, optimizer, precision, reason):
    device = DeviceConfig("torch", precision=precision)
    if reason is None:
        check_network(device, model, optimizer)
        return
    with pytest.raises(UsageError, match=reason):
        check_network(device, model, optimizer)


def test_a_cell_or_an_optimizer_without_a_counterpart_is_refused(monkeypatch):
    device = DeviceConfig("torch")
    monkeypatch.setattr(devices, "module_names", lambda package: ())
    with pytest.raises(UsageError, match="--cell gru has no implementation in PyTorch: use --engine numpy"):
        check_network(device, ModelConfig(cell="gru"))
    check_network(device, ModelConfig(cell="lstm"))
    from charlm.engines.torch import optimizer

    monkeypatch.setattr(optimizer, "RULES", {})
    with pytest.raises(UsageError, match="--optimizer adam is NumPy's alone: use --engine numpy"):
        check_network(device, ModelConfig(), OptimizerConfig())


@pytest.mark.parametrize("error", [
    torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"),
], ids=str)  # fmt: skip
def test_full_memory_names_the_card(monkeypatch, error, call, tmp_path):
    card = SimpleNamespace(name="Card 0", total_memory=80 * 2**30)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: card)

    def fill(*arguments):
        raise error

    from charlm.engines.torch.engine import TorchEngine

    monkeypatch.setattr(TorchEngine, "_differentiate", fill)
    text, run = tmp_path / "fox.txt", tmp_path / "run"
    text.write_text("the quick brown fox " * 100)
    failed = call("train", str(text), "--out", str(run), "--steps", "3", "--engine", "torch", "--quiet")
    assert failed.code == 1 and failed.err == (
        "charlm: out of memory while computing on cpu (Card 0, 80 GiB): make the model, --batch-size or "
        "--seq-len smaller, and go on from the last checkpoint\n"
    )
    with pytest.raises(RuntimeError, match="another"), devices.report_full_memory("cuda:0"):
        raise RuntimeError("another error")


@pytest.mark.parametrize("precision", ["float32", "tf32"])
def test_products_have_the_precision_that_was_asked_for(monkeypatch, precision):
    devices.open_device(DeviceConfig("torch", "cpu", precision))
    wanted = "tf32" if precision == "tf32" else "ieee"
    assert torch.backends.cudnn.rnn.fp32_precision == torch.backends.cuda.matmul.fp32_precision == wanted


def test_bfloat16_is_near(make_model):
    import numpy as np

    x_TB = np.random.default_rng(0).integers(0, 5, (8, 3)).astype(np.uint8)
    for cell in ("lstm", "gru", "mlstm", "lnlstm", "mingru"):
        model, found = make_model(cell=cell, hidden=16, dtype="float32"), []
        for precision in ("float32", "bfloat16"):
            network = open_network(model, config=DeviceConfig("torch", "cpu", precision))
            network.begin(3)
            found.append(network.read(x_TB).logits())
            assert {each.dtype for layer in network.state for each in layer} == {np.dtype("float32")}
        assert 0 < np.abs(found[0] - found[1]).max() < 0.05


@pytest.mark.parametrize("settings", [{"layers": 2}, {"layers": 2, "residual": True}], ids=str)
def test_a_network_prepares_its_weights_once(make_model, monkeypatch, settings):
    import numpy as np

    from charlm.engines.torch.native import NativeLayers

    layers, weights = [], NativeLayers.weights
    monkeypatch.setattr(NativeLayers, "weights", lambda self, own: layers.extend(own) or weights(self, own))
    network = open_network(make_model(5, cell="lstm", **settings), config=DeviceConfig("torch"))
    network.begin(2)
    for _ in range(3):
        network.step(np.zeros(2, np.uint8))
    assert len(layers) == 2
