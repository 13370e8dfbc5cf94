"""A page used with the keyboard alone."""

from tests.browser.conftest import wait


def test_the_keyboard_reads_the_colored_text(browser, plain):
    browser.open(plain.html)
    wait(browser, "document.querySelectorAll('#colored-0 span').length > 100")
    browser.run(
        """const text = document.getElementById('colored-0'); text.focus();
        for (const key of ['ArrowRight', 'ArrowRight', 'ArrowLeft', 'ArrowDown'])
          text.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));"""
    )
    focused = browser.run("return Array.from(document.querySelectorAll('#colored-0 .focus')).map((s) => s.place)")
    said = browser.run("return document.querySelector('[aria-live]').textContent")
    assert focused == [21] and "bits" in said and "%" in said
    browser.run("dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }));")
    assert browser.run("return document.querySelector('.tip').hidden")


def test_escape_goes_back_from_the_likely_characters_to_the_text(browser, plain):
    browser.open(plain.html)
    wait(browser, "charlm.models[0].isRead() && charlm.models[0].left === 0")
    browser.run(
        """const text = document.querySelector('.column .text'); text.focus();
        for (const key of ['ArrowRight', 'Enter'])
          text.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));"""
    )
    assert browser.run("return document.activeElement.closest('.tip.pinned') !== null")
    browser.run("dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }));")
    assert browser.run("return document.activeElement === document.querySelector('.column .text')")


def test_a_long_passage_scrolls_with_the_keyboard(browser, plain):
    browser.open(plain.html)
    wait(browser, "document.querySelectorAll('#colored-0 span').length > 100")
    browser.run(
        """const text = document.getElementById('colored-0'); text.style.maxHeight = '6rem'; text.focus();
        for (let i = 0; i < 30; i++)
          text.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown', bubbles: true }));"""
    )
    tip, character = (
        f"document.querySelector('{each}').getBoundingClientRect()" for each in (".tip", "#colored-0 .focus")
    )
    wait(browser, "document.getElementById('colored-0').scrollTop > 0")
    wait(browser, f"Math.abs({tip}.top - {character}.bottom - 6) < 2")
    assert not browser.run("return document.querySelector('.tip').hidden")


def test_every_control_has_a_name(browser, plain):
    browser.open(plain.html)
    wait(browser, "charlm.models[0].isRead() && charlm.models[0].left === 0")
    nameless = """return Array.from(document.querySelectorAll('input, textarea, button'))
        .filter((each) => !(each.labels?.length && each.tagName !== 'BUTTON')
          && !each.textContent && !each.getAttribute('aria-label')).map((each) => each.outerHTML)"""
    assert browser.run(nameless) == []
