"""The pictures of the pages are small and load nothing, and a text is drawn as it is."""

from xml.etree import ElementTree

import pytest

from tests.docs.pages import files
from tests.docs.pictures import svg_of

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("picture", files(".svg"), ids=lambda picture: picture.name)
def test_a_picture_is_small_and_loads_nothing(picture):
    content = picture.read_bytes()
    assert len(content) < 45_000
    elements = list(ElementTree.fromstring(content).iter())
    assert f"{SVG}script" not in {element.tag for element in elements}
    links = [value for element in elements for name, value in element.items() if name.endswith("href")]
    assert all(link.startswith("#") for link in links)


def test_every_letter_of_a_text_is_at_its_place_in_the_color_of_its_bits():
    drawn = ElementTree.fromstring(svg_of("a<\nb &", [None, 0.5, 0.0, 9.0, 1.0, 2.0]))
    letters = {
        (float(x), float(text.get("y"))): (letter, text.get("fill"))
        for text in drawn.iter(f"{SVG}text")
        for x, letter in zip(text.get("x").split(), text.text, strict=True)
    }
    black, white = "#000000", "#ffffff"
    shown = [(0, 14.4), (9, 14.4), (0, 34.4), (18, 34.4)]
    assert [letters[place] for place in shown] == [("a", black), ("<", black), ("b", white), ("&", black)]
    squares = [path.get("d") for path in drawn.iter(f"{SVG}path")]
    assert squares[0].startswith("M1 0h1v1h-1zM2 0")
    assert squares[8].startswith("M0 1h1v1h-1z")
