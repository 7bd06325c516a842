"""The pictures in the docs show today's pages."""

import re

from tests.images.inputs import FOLDER, RECORD, ROOT, inputs_hash


def test_the_pictures_are_of_todays_pages() -> None:
    assert RECORD.read_text().strip() == inputs_hash(), "Run `make images` and look at them."


def test_each_picture_is_shown_and_each_shown_one_is_there() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    named = {
        name for page in pages for name in re.findall(r"images/([\w-]+\.png)", page.read_text())
    }
    assert named == {path.name for path in FOLDER.glob("*.png")}
