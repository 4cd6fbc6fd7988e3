"""Faults in the search for copied pictures that their tests must find."""

MODULE = "src/mintmark/metrics/copies.py"
TESTS = ["tests/metrics/test_copies.py"]
MUTANTS: list[tuple[str, str, str]] = [
    ("mirror images are not searched", "for m in (False, True) for i", "for m in (False,) for i"),
    ("candidates are not mirrored", "_thumbnail(centres[..., ::-1])]", "_thumbnail(centres)]"),
    ("mirrored top to bottom", "candidates[..., ::-1])}", "candidates[..., ::-1, :])}"),
    ("shifts are not searched", "range(-reach, reach + 1)", "range(0, 1)"),
    ("half of the reach", "LEAST_REACH = 2", "LEAST_REACH = 1"),
    ("shift of the wrong sign", "_overlap(picture, *shift) - _overlap(others, "
     "-shift[0], -shift[1])",
     "_overlap(picture, -shift[0], -shift[1]) - _overlap(others, *shift)"),
    ("down and right swapped", "*shift) - _overlap(others, -shift[0], -shift[1])",
     "*shift[::-1]) - _overlap(others, -shift[1], -shift[0])"),
    ("not refined to a pixel", "around = range(1 - factor, factor)", "around = range(0, 1)"),
    ("only the best fit is refined", "FITS = 3", "FITS = 1"),
    ("only the nearest thumbnail is aligned", "CANDIDATES = 8", "CANDIDATES = 1"),
    ("candidates by dot product", "distances += y_squares", "distances += 0 * y_squares"),
    ("squares of the query lost", "distances += x_squares", "distances += 0 * x_squares"),
    ("distance is not per pixel", "gaps, gaps) / gaps.shape[1]", "gaps, gaps)"),
    ("squared distance", "float(np.sqrt(exact[0]))", "float(exact[0])"),
    ("the whole quantile", "MARGIN = 0.7", "MARGIN = 1.0"),
    ("contrast does not count", "np.minimum(threshold, LEFT * _contrast(fake))", "threshold"),
    ("colour counts as contrast", "pictures.var(axis=(2, 3)).mean(axis=1)",
     "pictures.var(axis=(1, 2, 3))"),
    ("blank pictures in the quantile", "(_contrast(held_out) >= FLAT) &", ""),
    ("repeats in the quantile", "& (distances > 0)", ""),
    ("rank of another quantile", "QUANTILE = 0.01", "QUANTILE = 0.05"),
    ("uint8 wraps around", "picture.astype(np.float64), original[None].astype(np.float64)",
     "picture, original[None]"),
]  # fmt: skip
