"""The size of a page, how soon it can be used, and how fast a model writes in it, in headless Chromium.

    python -m tests.bench.page_speed

Each model has random weights, which take the same time as trained ones.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np

from charlm.config import ModelConfig
from charlm.data.vocabulary import Vocabulary
from charlm.inference.language_model import LanguageModel
from charlm.models.char_rnn import Model
from charlm.report.live_model import SCRIPTS, cell_script, make_live_model
from charlm.report.live_section import live_section
from charlm.report.page import make_page

FLAGS = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync"
MODELS = {
    "lstm 256, 80 symbols": (ModelConfig(cell="lstm", hidden=256), 80),
    "gru 256, 80 symbols": (ModelConfig(cell="gru", hidden=256), 80),
    "base (lstm 384), 200 symbols": (ModelConfig(cell="lstm", hidden=384), 200),
}
WRITE = """
const [count, done] = arguments, live = charlm.models[0], start = performance.now();
live.cut(0);
live.left = count;
live.work();
(function look() { live.left > 0 ? setTimeout(look, 5) : done(1000 * count / (performance.now() - start)); })();
"""
USABLE = "return performance.getEntriesByType('navigation')[0].domInteractive"


def live_page(config: ModelConfig, symbols: int, half: bool) -> str:
    """A page with a model and nothing else."""
    network = Model(config, symbols)
    network.initialize(np.random.default_rng(0))
    vocabulary = Vocabulary.of("".join(chr(0x21 + number) for number in range(symbols)))
    data = {
        "name": "model",
        "model": make_live_model(LanguageModel(network, vocabulary, 1000), half),
        "units": None,
    }
    scripts = ["js/text_view.js", "js/colored.js", *SCRIPTS, cell_script(config.cell), "js/page.js"]
    return make_page("speed", live_section(False, []), {"runs": [data], "colored": []}, scripts)


def main() -> None:
    """Measure each model."""
    from selenium import webdriver  # an extra; doctests are collected without it

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in FLAGS.split():
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    with tempfile.TemporaryDirectory() as folder:
        for name, (config, symbols) in MODELS.items():
            for half in (False, True):
                path = Path(folder) / "page.html"
                path.write_text(live_page(config, symbols, half), encoding="utf-8")
                driver.get(path.as_uri())
                usable = driver.execute_script(USABLE)
                speed = max(driver.execute_async_script(WRITE, 2000) for _ in range(8))
                size = path.stat().st_size / 1e6
                kind = "float16" if half else "float32"
                print(f"{name}, {kind}: {size:.2f} MB, usable after {usable:.0f} ms, {speed:,.0f} chars/s")
    driver.quit()


if __name__ == "__main__":
    main()
