"""Headless Chromium. Without it, or without selenium, the tests here are skipped with the reason."""

import json
import shutil
from pathlib import Path

import pytest

from charlm.report.assets import read_asset
from charlm.report.live_model import SCRIPTS, cell_script
from charlm.report.page import make_page

FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-quic"
)
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


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
