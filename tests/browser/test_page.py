"""Whole pages: what they ask for, complain of and let run, and what a person does in them."""

import pytest

from charlm.report.report import ReportOptions
from tests.browser.conftest import PLAIN, wait

HOSTILE = (
    '</script><script>window.hacked = 1</script><img src=x onerror="window.hacked = 2">'
    "<!--<script>\u2028\u2029\u202e\u2066&quot;&#39;'\"`${window.hacked = 3}\\u003c\x07\x1b[31m\ufeff"
    "<a href=javascript:1>\n"
)


@pytest.mark.parametrize(
    "settings", [{}, {"bytes": True}, {"lines": True}, {"layers": 2, "cell": "gru"}], ids=str
)
def test_hostile_text_and_names_do_nothing(browser, make_page_of, settings):
    name = 'run <img onerror="window.hacked = 4"> \u202e &amp;'
    text = HOSTILE + "\x00\ud800" if settings.get("bytes") else HOSTILE
    report = make_page_of([name], text * 40, **settings)
    browser.open(report.html)
    wait(browser, "charlm.models[0].items.length > 100 && document.querySelector('#colored-0 span')")
    browser.run("document.getElementById('prompt').value = arguments[0];", HOSTILE)
    browser.run("document.getElementById('prompt').dispatchEvent(new Event('input'));")
    wait(browser, "charlm.models[0].isRead()")
    browser.run("document.querySelector('.column .text span').click();")
    assert browser.run("return window.hacked ?? null") is None
    assert browser.run("return document.images.length + document.links.length") == 0
    assert browser.run("return document.scripts.length") == 2
    shown = browser.run("return document.querySelector('#colored-0').textContent + document.title")
    assert not set("\u2028\u2029\u202e\u2066\x00\x07\x1b") & set(shown)
    assert browser.complaints == [] and browser.requests == []


def test_nothing_but_the_pages_own_script_runs(browser, plain):
    page = plain.html
    assert "</main>" in page
    for planted in (
        "<script>window.hacked = 1</script>",
        '<img src="data:image/png;base64,x" onerror="window.hacked = 2">',
        '<iframe srcdoc="<script>parent.hacked = 3</script>"></iframe>',
        '<img src="https://example.org/pixel.png"><link rel="stylesheet" href="https://example.org/a.css">',
        '<svg onload="window.hacked = 4"></svg><form action="https://example.org"><button id="go"></form>',
    ):
        browser.open(page.replace("</main>", planted + "</main>"))
        browser.run("document.getElementById('go')?.click();")
        assert browser.run("return window.hacked ?? null") is None
        assert any("Content Security Policy" in each for each in browser.complaints)
        assert [url for url in browser.requests if url.startswith("http")] == []


def test_a_page_asks_for_nothing_and_complains_of_nothing(browser, plain):
    browser.open(plain.html)
    wait(browser, "charlm.models[0].items.length >= 300")
    assert browser.run("return document.querySelectorAll('figure svg').length") >= 3
    assert browser.complaints == [] and browser.requests == []


def test_typing_colors_and_a_click_branches(browser, plain):
    browser.open(plain.html)
    browser.run(
        """document.getElementById('prompt').value = 'She said';
        document.getElementById('prompt').dispatchEvent(new Event('input'));"""
    )
    wait(browser, "charlm.models[0].isRead() && document.querySelectorAll('.next button').length === 10")
    spans = "Array.from(document.querySelectorAll('.column .text span'))"
    assert browser.run(f"return {spans}.map((span) => span.textContent).join('')") == "She said"
    classes = browser.run(f"return {spans}.slice(1).map((span) => span.className)")
    assert all(each.startswith("prompt l") for each in classes), classes
    likeliest = browser.run("return document.querySelector('.next .char').textContent")
    browser.run("document.querySelector('.next button').click();")
    wait(browser, "charlm.models[0].items.length === 9")
    assert browser.run("return label(charlm.models[0].items[8].char)") == likeliest
    browser.run("document.getElementById('write').click();")
    wait(
        browser,
        "charlm.models[0].items.length === 309 && document.getElementById('write').textContent === 'Write'",
    )
    before = browser.run("return charlm.models[0].items.map((item) => item.char).join('')")
    browser.run(f"{spans}[20].click();")
    assert browser.run("return document.querySelector('.tip.pinned button.actual .char') !== null")
    browser.run("document.querySelectorAll('.tip button:not(.actual)')[2].click();")
    wait(browser, "charlm.models[0].isRead() && charlm.models[0].left === 0")
    after = browser.run("return charlm.models[0].items.map((item) => item.char).join('')")
    assert (after[:20], len(after)) == (before[:20], len(before)) and after[20] != before[20]
    assert browser.complaints == []


def test_text_is_stopped_goes_on_and_comes_again(browser, plain):
    browser.open(plain.html)
    wait(browser, "charlm.models[0].items.length >= 300")
    text = "return charlm.models[0].items.map((item) => item.char).join('')"
    whole = browser.run(text)
    browser.run("document.getElementById('again').click();")
    wait(browser, "charlm.models[0].items.length >= 300")
    other = browser.run(text)
    assert browser.run("return document.getElementById('seed').value") == "2" and other != whole
    browser.run(
        "charlm.models[0].cut(0); charlm.models[0].draw(true); document.getElementById('seed').value = 1;"
    )
    browser.run("""const { page } = charlm.models[0]; charlm.models[0].left = 150; charlm.models[0].work();""")
    wait(browser, "charlm.models[0].items.length === 150 && charlm.models[0].left === 0")
    browser.run("charlm.models[0].left = 150; charlm.models[0].work();")
    wait(browser, "charlm.models[0].items.length === 300")
    assert browser.run(text) == whole


def test_units_color_the_text(browser, plain):
    browser.open(plain.html)
    wait(browser, "charlm.models[0].isRead() && charlm.models[0].left === 0")
    names = browser.run(
        "return Array.from(document.querySelectorAll('.units .chips > span')).map((s) => s.textContent)"
    )
    assert {"inside quotes", "inside brackets"} <= set(names)
    browser.run("document.querySelectorAll('.units button')[1].click();")
    unit, values, colors = browser.run(
        """const live = charlm.models[0];
        return [live.unit, live.items.map((_, i) => live.unitAt(i)),
        Array.from(document.querySelectorAll('.column .text span')).map((span) => span.style.background)];"""
    )
    assert min(values) >= -1 and max(values) <= 1 and len(set(values)) > 10
    state = browser.run(
        "const [h, c] = charlm.models[0].states[6][0]; return [...h, ...Array.from(c, Math.tanh)];"
    )
    assert values[5] == pytest.approx(state[unit])
    assert all(
        ("235, 120" in color) == (value > 0)
        for value, color in zip(values, colors, strict=True)
        if abs(value) > 0.02
    )


def test_two_models_read_the_same_prompt(browser, make_page_of):
    report = make_page_of(["one", "two"], PLAIN * 60)
    browser.open(report.html)
    browser.run(
        """document.getElementById('prompt').value = 'it was';
        document.getElementById('prompt').dispatchEvent(new Event('input'));"""
    )
    wait(browser, "charlm.models.length === 2 && charlm.models.every((each) => each.isRead())")
    texts = browser.run(
        "return Array.from(document.querySelectorAll('.column .text')).map((each) => each.textContent)"
    )
    assert texts == ["it was", "it was"]
    headings = "return Array.from(document.querySelectorAll(arguments[0])).map((each) => each.textContent)"
    assert browser.run(headings, "h1") == ["one and two"]
    titles = browser.run(headings, "h2")
    assert titles[:3] == ["one", "two", "Try it"] and {"How it learned one", "How it learned two"} <= set(titles)
    assert len(set(titles)) == len(titles)
    assert browser.run(
        "return Array.from(document.querySelectorAll('.column h3')).map((each) => each.textContent)"
    ) == [
        "one",
        "two",
    ]


def test_a_phone_sees_the_whole_width(browser, plain):
    browser.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True},
    )
    try:
        browser.open(plain.html)
        wait(browser, "charlm.models[0].items.length >= 300")
        assert browser.run("return document.documentElement.scrollWidth") <= 390
    finally:
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_without_text_model_or_known_cell_the_page_says_so(browser, make_page_of, monkeypatch):
    page = make_page_of(["bare"], PLAIN * 60, ReportOptions(has_model=False, has_text=False)).html
    assert "She said" not in page and 'id="prompt"' not in page
    browser.open(page)
    assert browser.complaints == []
    monkeypatch.setattr("charlm.report.live_model.has_asset", lambda path: False)
    page = make_page_of(["other"], PLAIN * 60).html
    assert "the page has no JavaScript for the cell lstm" in page
    browser.open(page)
    assert browser.complaints == [] and browser.run("return document.getElementById('prompt')") is None
