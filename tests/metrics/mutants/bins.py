"""Faults in the bins of the real samples that their tests must find."""

MODULE = "src/mintmark/metrics/distribution/bins.py"
TESTS = ["tests/metrics/test_bins.py"]
MUTANTS: list[tuple[str, str, str]] = [
    ("the samples that made the bins are counted", "_counts(model, counted)",
     "_counts(model, made)"),
    ("0 / 0 where a bin is empty in both", "where=error > 0)", "where=error >= 0)"),
    ("one-sided test", "2 * norm.sf(z)", "norm.sf(z)"),
    ("error of one set only", "(1 / n + 1 / m)", "(1 / n)"),
    ("shares pooled as if the sets were equal", "(first + second) / (n + m)",
     "(first / n + second / m) / 2"),
    ("share of bins that agree", "second) < alpha", "second) >= alpha"),
    ("level is fixed", "_p_values(first, second) < alpha", "_p_values(first, second) < 0.05"),
    ("divergence in bits", "rel_entr(q, middle).sum()) / 2)",
     "rel_entr(q, middle).sum()) / 2 / np.log(2))"),
    ("one side of the divergence", "rel_entr(p, middle).sum() + rel_entr(q, middle).sum()",
     "2 * rel_entr(p, middle).sum()"),
    ("counts compared without their sums", "first / first.sum(), second / second.sum()",
     "first / first.sum(), second / first.sum()"),
    ("the order of the samples matters", "canonical(real)[order]", "real[order]"),
    ("the seed does not", 'derive(seed, "halves")', "0"),
    ("the first half of the order given", "canonical(real)[order]", "np.sort(real, axis=0)"),
    ("empty last bins are dropped", ", minlength=model.n_clusters)", ")"),
]  # fmt: skip
