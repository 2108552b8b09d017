"""Eight kinds of images of no digit, made by other code than the outliers of training."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from inkfast.core.digits import Images

# printed letters that no digit looks like
LETTERS = "AEFHKMNRTWXYaehkmnrtwxy"
SIGNS = "#%&@?$+=*"


def make(kind: str, n: int, digits: Images, seed: int = 0) -> Images:
    """Return uint8 ``(n, 28, 28)`` of one of `KINDS`; pairs are made of `digits`."""
    rng = np.random.default_rng([seed, sorted(KINDS).index(kind)])
    return np.stack([KINDS[kind](digits, rng) for _ in range(n)])


def _blank(digits: Images, rng: np.random.Generator) -> Images:
    """Blank paper, at most with a little grain."""
    grain = rng.normal(rng.choice([0, 20, 120]), rng.uniform(0, 8), (28, 28))
    return grain.clip(0, 255).astype(np.uint8)


def _letter(digits: Images, rng: np.random.Generator) -> Images:
    return _printed(LETTERS, rng)


def _sign(digits: Images, rng: np.random.Generator) -> Images:
    return _printed(SIGNS, rng)


def _printed(glyphs: str, rng: np.random.Generator) -> Images:
    """One glyph, 20 pixels high or wide, rotated a little."""
    page = Image.new("L", (120, 120))
    font = ImageFont.load_default(64)
    ImageDraw.Draw(page).text(
        (60, 60), rng.choice(list(glyphs)), 255, font, "mm", stroke_width=int(rng.integers(0, 4))
    )
    turned = page.rotate(rng.uniform(-12, 12), Image.Resampling.BICUBIC)
    glyph = turned.crop(turned.getbbox())
    scale = 20 / max(glyph.size)
    glyph = glyph.resize([max(1, round(scale * side)) for side in glyph.size])
    field = Image.new("L", (28, 28))
    field.paste(glyph, ((28 - glyph.width) // 2, (28 - glyph.height) // 2))
    return np.asarray(field)


def _scribble(digits: Images, rng: np.random.Generator) -> Images:
    """A long random walk of a thin pen."""
    field = Image.new("L", (112, 112))
    steps = np.cumsum(rng.normal(0, 22, (40, 2)), axis=0) % 80 + 16
    ImageDraw.Draw(field).line([tuple(step) for step in steps], 255, 8, joint="curve")
    return np.asarray(field.resize((28, 28), Image.Resampling.BOX))


def _weave(digits: Images, rng: np.random.Generator) -> Images:
    """Cloth: threads in both directions."""
    y, x = np.mgrid[:28, :28]
    a, b = rng.uniform(3, 9, 2)
    cloth = np.sin(2 * np.pi * x / a + rng.uniform(0, 6)) * np.sin(2 * np.pi * y / b)
    return (127 + 120 * rng.uniform(0.3, 1) * cloth).astype(np.uint8)


def _hiss(digits: Images, rng: np.random.Generator) -> Images:
    """Noise, independent in every pixel."""
    return (255 * rng.beta(0.5, rng.uniform(0.5, 3), (28, 28))).astype(np.uint8)


def _two_digits(digits: Images, rng: np.random.Generator) -> Images:
    """Two digits side by side in one frame, each two thirds as large."""
    field = Image.new("L", (28, 28))
    for left in (0, 14):
        own = Image.fromarray(digits[rng.integers(len(digits))][4:24, 4:24])
        field.paste(own.resize((14, 18), Image.Resampling.BOX), (left, int(rng.integers(3, 8))))
    return np.asarray(field)


def _two_lines(digits: Images, rng: np.random.Generator) -> Images:
    """One digit above another, as where two lines of writing are read as one."""
    field = Image.new("L", (28, 28))
    for top in (0, 14):
        own = Image.fromarray(digits[rng.integers(len(digits))][4:24, 4:24])
        field.paste(own.resize((18, 14), Image.Resampling.BOX), (int(rng.integers(3, 8)), top))
    return np.asarray(field)


KINDS = {
    "blank": _blank,
    "letter": _letter,
    "sign": _sign,
    "scribble": _scribble,
    "cloth": _weave,
    "hiss": _hiss,
    "two digits": _two_digits,
    "two lines": _two_lines,
}
