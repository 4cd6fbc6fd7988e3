"""Faults in precision, recall, density and coverage that their tests must find."""

MODULE = "src/mintmark/metrics/distribution/neighbours.py"
TESTS = ["tests/metrics/test_neighbours.py"]
MUTANTS: list[tuple[str, str, str]] = [
    ("k counts the sample itself", "kth_neighbour(real, k), kth_neighbour(fake, k)",
     "kth_neighbour(real, k - 1 or 1), kth_neighbour(fake, k - 1 or 1)"),
    ("radii swapped", "real_radii, fake_radii =", "fake_radii, real_radii ="),
    ("conventions of ties swapped", 'if ties == "<" else', 'if ties == "<=" else'),
    ("density without k", "float(1 / k * balls.mean())", "float(balls.mean())"),
    ("density of shares", "float(1 / k * balls.mean())", "float(1 / k * (balls > 0).mean())"),
    ("coverage in the balls of fakes",
     "covered += int(in_real.any(axis=1).sum())",
     "covered += int(within(block, fake_radii, inside).any(axis=1).sum())"),
    ("precision and recall swapped", "return Prdc(precision, recall,",
     "return Prdc(recall, precision,"),
    ("recall over the fakes", "recalled / len(real)", "recalled / len(fake)"),
    ("coverage over the fakes", "coverage = covered / len(real)", "coverage = covered / len(fake)"),
    ("ddof of the error of density", "balls.std(ddof=1)", "balls.std()"),
    ("error of density without k", "/ sqrt(len(fake)) / k", "/ sqrt(len(fake))"),
    ("error of precision over the reals", "_binomial(precision, len(fake))",
     "_binomial(precision, len(real))"),
    ("error of recall over the fakes", "_binomial(recall, len(real))",
     "_binomial(recall, len(fake))"),
    ("variance for its root", "sqrt(share * (1 - share) / count)", "share * (1 - share) / count"),
    ("errors are compared", "default=UNKNOWN, compare=False", "default=UNKNOWN"),
]  # fmt: skip
