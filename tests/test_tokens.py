"""The style sheet's colours, held to the contrast that tired eyes need, in both themes."""

import re
from itertools import product
from pathlib import Path

import pytest

CSS = (Path(__file__).parent.parent / "static/css/app.css").read_text()

TEXT = 7.0  # WCAG 1.4.6
SHAPE = 3.0  # WCAG 1.4.11: borders, icons, focus

TEXT_ON_GROUND = [
    *product(("ink", "muted", "link", "visited", "error"), ("page", "surface")),
    ("on-button", "button"),
    *((name, f"{name}-ground") for name in ("booked", "time-to-book", "book-now", "late")),
    *((name, f"{name}-ground") for name in ("paused", "saved")),
]
SHAPE_ON_GROUND = [
    *product(("border", "button", "error"), ("page", "surface")),
    ("late-ground", "page"),
    ("late-ground", "surface"),
]


def block(opening: str) -> dict[str, str]:
    """The colours that the first block after `opening` sets."""
    found = re.search(re.escape(opening) + r"\s*\{([^{}]*)\}", CSS)
    assert found, f"{opening} is not in the style sheet"
    return dict(re.findall(r"--([a-z-]+): (#[0-9A-F]{6})\b", found[1]))


LIGHT = block(":root")
DARK_BY_DEVICE = block(':root:not([data-theme="light"])')
DARK_BY_HAND = block(':root[data-theme="dark"]')
THEMES = {"light": LIGHT, "dark": LIGHT | DARK_BY_DEVICE}


def luminance(color: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_computed_as_wcag_does():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("text", "ground"), TEXT_ON_GROUND)
def test_text_is_readable_on_its_ground(theme, text, ground):
    assert contrast(THEMES[theme][text], THEMES[theme][ground]) >= TEXT


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("shape", "ground"), SHAPE_ON_GROUND)
def test_shapes_stand_out_from_their_ground(theme, shape, ground):
    assert contrast(THEMES[theme][shape], THEMES[theme][ground]) >= SHAPE


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", ["page", "surface", "button", "book-now-ground", "late-ground"])
def test_one_half_of_the_focus_ring_shows_on_any_ground(theme, ground):
    colors = THEMES[theme]
    halves = (colors["focus-line"], colors["focus-ring"])
    assert max(contrast(half, colors[ground]) for half in halves) >= SHAPE


def test_the_halves_of_the_focus_ring_differ():
    assert contrast(LIGHT["focus-line"], LIGHT["focus-ring"]) >= TEXT


@pytest.mark.parametrize("theme", THEMES)
def test_late_differs_in_brightness_from_every_quiet_status(theme):
    colors = THEMES[theme]
    quiet = ("booked-ground", "time-to-book-ground", "paused-ground", "saved-ground")
    assert all(contrast(colors["late-ground"], colors[ground]) >= SHAPE for ground in quiet)


def test_dark_by_hand_is_dark_by_device():
    assert DARK_BY_HAND == DARK_BY_DEVICE


def test_every_color_comes_from_a_token():
    rules = re.sub(r":root[^{]*\{[^{}]*\}", "", CSS)
    assert (
        re.findall(r"#[0-9A-Fa-f]{3,8}\b|\brgba?\(|\bhsla?\(", rules.split("@media print")[0]) == []
    )


@pytest.mark.parametrize("word", ["transition", "animation", "@keyframes", "position: sticky"])
def test_nothing_moves_and_nothing_sticks(word):
    assert word not in CSS


@pytest.mark.parametrize("side", ["left", "right"])
def test_sides_are_logical_for_languages_that_run_the_other_way(side):
    assert re.findall(rf"(?:margin|padding|border)-{side}|text-align: {side}", CSS) == []


def test_the_style_sheet_asks_no_third_party():
    assert "//" not in CSS.replace("/*", "")
