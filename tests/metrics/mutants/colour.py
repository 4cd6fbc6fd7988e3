"""Faults of `colour`, each of which a test must see."""

MODULE = "src/mintmark/metrics/colour.py"
TESTS = ["tests/metrics/test_colour.py"]
MUTANTS: list[tuple[str, str, str]] = [
    (
        "the middle of the longer arc",
        "np.abs(h1 - h2) > 180, around, 0",
        "np.abs(h1 - h2) > 180, 0, 0",
    ),
    (
        "the middle always 180 degrees on",
        "np.where(h1 + h2 < 360, 180, -180)",
        "180",
    ),
    (
        "rotation of the other sign",
        "rotation = -2 *",
        "rotation = 2 *",
    ),
    (
        "rotation of half the angle",
        "_sin(60 *",
        "_sin(30 *",
    ),
    (
        "hue difference not brought to half a turn",
        "turn = np.where(np.abs(turn) > 180, turn - 360 * np.sign(turn), turn)",
        "turn = np.asarray(turn)",
    ),
    (
        "a* not stretched",
        "c1, h1 = _polar(stretch * a1, b1)",
        "c1, h1 = _polar(a1, b1)",
    ),
    (
        "lightness without its weight",
        "/ (1 + 0.015 * offset / np.sqrt(20 + offset))",
        "",
    ),
    (
        "a term of T lost",
        "        - 0.20 * _cos(4 * hue - 63)\n",
        "",
    ),
    (
        "sixth power of chroma",
        "chroma**7",
        "chroma**6",
    ),
    (
        "gamma 2.2 for sRGB",
        "np.where(encoded > 0.04045, ((encoded + 0.055) / 1.055) ** 2.4, encoded / 12.92)",
        "encoded**2.2",
    ),
    (
        "white of D50",
        "linear @ TO_XYZ.T / WHITE",
        "linear @ TO_XYZ.T / np.array([0.9642, 1.0, 0.8249])",
    ),
    (
        "blue before red",
        "encoded = np.moveaxis(picture, 0, -1)",
        "encoded = np.moveaxis(picture, 0, -1)[..., ::-1]",
    ),
    (
        "another percentile",
        "np.percentile(pixels, 95)",
        "np.percentile(pixels, 90)",
    ),
    (
        "the range forgotten",
        "lab(x / data_range), lab(y / data_range)",
        "lab(x), lab(y)",
    ),
]
