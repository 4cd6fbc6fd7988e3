"""Faults in the kernel distance that its tests must find."""

MODULE = "src/mintmark/metrics/distribution/kernel.py"
TESTS = ["tests/metrics/test_kernel.py"]
MUTANTS: list[tuple[str, str, str]] = [
    ("biased form keeps the diagonal", "(within.sum() - np.trace(within))", "within.sum()"),
    ("denominator of the biased form", "(n * (n - 1))", "(n * n)"),
    ("gamma of the between term is 1", "(x @ y.T / d + 1)", "(x @ y.T + 1)"),
    ("offset of the kernel", "(x @ x.T / d + 1)", "(x @ x.T / d)"),
    ("degree 2", "(y @ y.T / d + 1) ** 3", "(y @ y.T / d + 1) ** 2"),
    ("cross term once", "pairs - 2 * between", "pairs - between"),
    ("sign", "pairs - 2 * between.mean()", "2 * between.mean() - pairs"),
    ("one set within", "np.trace(within)) / (n", "np.trace(within)) / 2 / (n"),
    ("negative values clipped", "float(draws.mean())", "max(float(draws.mean()), 0.0)"),
    ("with replacement", "real[rng.choice(len(real), size, replace=False)]",
     "real[rng.choice(len(real), size, replace=True)]"),
    ("spread of the subsets for the error", "spread * float(", "spread + 0 * float("),
    ("error of the subsets alone", "1 / subsets + size / (smaller - size)", "1 / subsets"),
    ("subsets of the whole set", "smaller // 2", "smaller - 1"),
    ("seed forgotten", 'derive(seed, "kid", i)', 'derive(0, "kid", i)'),
    ("one subset again and again", 'derive(seed, "kid", i)', 'derive(seed, "kid")'),
    ("subsets by place", "canonical(real), canonical(fake)", "real, canonical(fake)"),
]  # fmt: skip
