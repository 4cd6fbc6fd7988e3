"""Faults in the sliced Wasserstein distance that its tests must find."""

MODULE = "src/mintmark/metrics/distribution/sliced.py"
TESTS = ["tests/metrics/test_sliced.py"]
MUTANTS: list[tuple[str, str, str]] = [
    ("factor d", "3 * d * (gaps", "d * (gaps"),
    ("factor without the dimensions", "3 * d * (gaps", "3 * (gaps"),
    ("Wasserstein-1", "(gaps**2).mean", "abs(gaps).mean"),
    ("sum over samples", "(gaps**2).mean(axis=1)", "(gaps**2).sum(axis=1)"),
    ("directions of any length", "    lines /= np.linalg.norm(lines, axis=1, keepdims=True)\n", ""),
    ("length along the wrong axis", "np.linalg.norm(lines, axis=1, keepdims=True)",
     "np.linalg.norm(lines, axis=0, keepdims=True)"),
    ("directions from a corner", ".normal(size=(directions, d))",
     ".uniform(size=(directions, d))"),
    ("pairs not sorted", "np.sort(lines @ rows.T, axis=1)", "lines @ rows.T"),
    ("sorted along the wrong axis", "np.sort(lines @ rows.T, axis=1)",
     "np.sort(lines @ rows.T, axis=0)"),
    ("first rows of the larger set",
     "canonical(rows)[np.sort(rng.choice(len(rows), size, replace=False))]", "rows[:size]"),
    ("part by place", "canonical(rows)[", "rows["),
    ("seed forgotten", 'derive(seed, "sliced", "directions")', "0"),
    ("with replacement", "replace=False", "replace=True"),
    ("spread of directions for the error", "/ np.sqrt(directions)", "/ 1"),
    ("last block of directions left out", "range(0, directions, BLOCK)",
     "range(0, directions - BLOCK, BLOCK)"),
]  # fmt: skip
