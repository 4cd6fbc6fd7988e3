"""Faults in the coverage of modes that its tests must find."""

MODULE = "src/mintmark/metrics/distribution/modes.py"
TESTS = ["tests/metrics/test_modes.py"]
MUTANTS: list[tuple[str, str, str]] = [
    ("samples of one class share a split", "ordered[rng.permutation(len(ordered))]", "logits"),
    ("the order given decides", "ordered = canonical(_checked_logits(logits, splits))",
     "ordered = _checked_logits(logits, splits)"),
    ("exponential before the mean", "np.exp(rel_entr(part, part.mean(axis=0)).sum(axis=1).mean())",
     "np.exp(rel_entr(part, part.mean(axis=0)).sum(axis=1)).mean()"),
    ("marginal over all splits", "rel_entr(part, part.mean(axis=0))",
     "rel_entr(part, probabilities.mean(axis=0))"),
    ("softmax over samples", "splits), axis=1)", "splits), axis=0)"),
    ("sample deviation", "scores.std()", "scores.std(ddof=1)"),
    ("unseeded shuffle", 'derive(seed, "inception score")', "0"),
    ("KL from data to generated", "rel_entr(shares, law).sum()", "rel_entr(law, shares).sum()"),
    ("KL in bits", "rel_entr(shares, law).sum()", "rel_entr(shares, law).sum() / np.log(2)"),
    ("reference ignored", "np.ones(modes) if reference is None else reference", "np.ones(modes)"),
    ("modes that the data lacks are found", "(shares > 0) & (law > 0)", "shares > 0"),
    ("floor against itself always", "law if against is None else _law(against, len(counts))",
     "law if against is None else _law(counts, len(against))"),
    ("floor of half the samples", "rng.multinomial(samples, law, size=DRAWS) / samples",
     "rng.multinomial(samples // 2, law, size=DRAWS) / (samples // 2)"),
    ("error of the mean for the deviation", "divergences.std(ddof=1)",
     "divergences.std(ddof=1) / DRAWS**0.5"),
]  # fmt: skip
