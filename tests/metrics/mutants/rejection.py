"""Faults in the rejection of flawed candidates that its tests must find."""

MODULE = "src/mintmark/metrics/rejection.py"
TESTS = ["tests/metrics/test_rejection.py"]
MUTANTS: list[tuple[str, str, str]] = [
    ("balls of the candidates", "radii = kth_neighbour(real, k)",
     "radii = np.resize(kth_neighbour(fake, min(k, len(fake) - 1) or 1), len(real))"),
    ("the surface is inside", "np.less)", "np.less_equal)"),
    ("not over k", "return balls / k", "return balls / 1.0"),
    ("any ball counts as one", "within(block, radii[block.rows, None], np.less).sum(axis=0)",
     "within(block, radii[block.rows, None], np.less).any(axis=0)"),
    ("the next neighbour", "kth_neighbour(real, k)", "kth_neighbour(real, k + 1)"),
    ("the worst are kept", "np.argsort(-ranks", "np.argsort(ranks"),
    ("values for ranks", "rankdata(scores_by_discriminator) + rankdata(typicality)",
     "scores_by_discriminator + typicality"),
    ("the discriminator alone", "rankdata(scores_by_discriminator) + rankdata(typicality)",
     "rankdata(scores_by_discriminator)"),
    ("equal values ranked as they come", "rankdata(typicality)",
     'rankdata(typicality, method="ordinal")'),
    ("NaN is let in", "not np.isfinite(values).all()", "False"),
]  # fmt: skip
