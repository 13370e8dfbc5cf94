"""Headless Chromium. Without it, or without selenium, the tests here are skipped with the reason."""

import json
import shutil
from pathlib import Path

import pytest

from charlm.data.reading.sources import find_text
from charlm.engines.threads import ThreadPool
from charlm.report.assets import read_asset
from charlm.report.live_model import SCRIPTS, cell_script
from charlm.report.page import make_page
from charlm.report.report import ReportOptions, make_report
from charlm.training.loop import train
from charlm.training.presets import resolve_settings
from charlm.training.start import new_run, new_trainer

FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-quic"
)
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PLAIN = 'She said "it was the best of times" (and the WORST of times), in 1859, and was gone.\n'


class Browser:
    """Chromium with one page, and what it asked for and complained of."""

    def __init__(self, driver, folder):
        self.driver, self._folder = driver, folder

    def open(self, page):
        path = Path(self._folder) / "page.html"
        path.write_bytes(page.encode())
        self.driver.get_log("browser"), self.driver.get_log("performance")
        self.driver.get(path.as_uri())
        self._own = path.as_uri()

    def run(self, script, *arguments):
        """What a script returns, which sees all names of the page's own."""
        return self.driver.execute_script(script, *arguments)

    @property
    def complaints(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]

    @property
    def requests(self):
        """The addresses that the page really asked for, itself left out."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        events = [(each["method"].removeprefix("Network."), each["params"]) for each in messages]
        refused = {
            each["requestId"] for name, each in events if name == "loadingFailed" and each.get("blockedReason")
        }
        sent = [each for name, each in events if name == "requestWillBeSent" and each["requestId"] not in refused]
        return [url for each in sent if (url := each["request"]["url"]) != self._own]


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: make test-browser")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    driver_path = shutil.which("chromedriver")
    if program is None or driver_path is None:
        pytest.skip("there is no Chromium: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver_path))
    yield Browser(driver, tmp_path_factory.mktemp("pages"))
    driver.quit()


@pytest.fixture(scope="session")
def scripts(browser):
    """The browser with a page that holds every script of the live model and no model."""
    cells = [f"cells/{path.stem}" for path in (Path(__file__).parents[2] / "charlm/report/js/cells").glob("*.js")]
    paths = ["js/text_view.js", *SCRIPTS, *(cell_script(name.removeprefix("cells/")) for name in cells)]
    assert all(map(read_asset, paths))
    browser.open(make_page("scripts", "", {}, paths))
    return browser


@pytest.fixture(scope="session")
def make_page_of(tmp_path_factory):
    """A function that trains for a few steps and gives the report of the runs."""

    def made(names, text, options=None, **settings):
        folder = tmp_path_factory.mktemp("runs")
        (folder / f"{names[0][:20].replace('/', '')}.txt").write_bytes(text.encode("utf-8", "surrogatepass"))
        (corpus,) = folder.glob("*.txt")
        runs = []
        for name in names:
            values = {"hidden": 12, "seq_len": 16, "batch_size": 4, "steps": 3, "sample_every": 0} | settings
            trainer = new_trainer(find_text(str(corpus)), resolve_settings(values))
            with new_run(trainer, folder / name) as run:
                list(train(trainer, run))
            trainer.close()
            runs.append(run)
        with ThreadPool(1) as pool:
            return make_report(runs, options or ReportOptions(), pool, lambda done, total: None)

    return made


@pytest.fixture(scope="session")
def plain(make_page_of):
    return make_page_of(["plain"], PLAIN * 60)


def wait(browser, condition):
    """Wait until a condition in JavaScript holds."""
    script = f"""const done = arguments[0], end = performance.now() + 10000;
    (function look() {{ if ({condition}) done(true); else if (performance.now() > end) done(false);
    else setTimeout(look, 10); }})();"""
    assert browser.driver.execute_async_script(script), condition
