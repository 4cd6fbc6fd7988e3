"""Faults in the figures of memorisation that their tests must find."""

MODULE = "src/mintmark/metrics/memorisation.py"
TESTS = ["tests/metrics/test_memorisation.py"]
MUTANTS: list[tuple[str, str, str]] = [
    ("distances between the wrong sets", "held_out_distances, _ = nearest(held_out, train)",
     "held_out_distances, _ = nearest(train, held_out)"),
    ("the threshold is below itself", "(distances < threshold)", "(distances <= threshold)"),
    ("rank from 0", "np.sort(distances)[rank - 1]", "np.sort(distances)[min(rank, 0)]"),
    ("repeats hide copies", ", repeats + 1)", ", 1)"),
    ("null without the sampling of the quantile", "len(held_out) + 1 - rank)\n",
     "len(held_out) * 1000)\n"),
    ("two-sided tail", "THREE_SIGMA = 0.00135", "THREE_SIGMA = 0.0455"),
    ("tail beyond the count", "null.sf(copies - 1)", "null.sf(copies)"),
    ("unequal sizes", "size = min(len(train), len(held_out))\n    to_train, train_indices = "
     "nearest(fake, _some(train, size, seed))",
     "size = min(len(train), len(held_out))\n    to_train, train_indices = nearest(fake, train)"),
    ("ties count for training", "to_train == to_held_out, 0.5", "to_train == to_held_out, 1.0"),
    ("nearer to the held-out set", "to_train < to_held_out)", "to_train > to_held_out)"),
    ("independent fakes", "variance = weights.var() * size * size / (2 * size - 1)",
     "variance = 0.25 / len(fake)"),
    ("drawn with replacement", "variance = weights.var() * size * size / (2 * size - 1)",
     "variance = weights.var() * size"),
    ("the order decides the part", "canonical(rows)[rng", "rows[rng"),
    ("the seed does not", 'derive(seed, "closer")', 'derive(0, "closer")'),
    ("sign of the cosine counts", "np.minimum(nearest(fake, train)[0], nearest(fake, -train)[0])",
     "nearest(fake, train)[0]"),
    ("distance of the training samples", "gaps = np.minimum(nearest(fake, train)[0], "
     "nearest(fake, -train)[0])",
     "gaps = np.minimum(nearest(train, fake)[0], nearest(train, -fake)[0])"),
    ("euclidean for cosine", "float(np.mean(gaps**2) / 2)", "float(np.mean(gaps))"),
    ("half lost", "float(np.mean(gaps**2) / 2)", "float(np.mean(gaps**2))"),
    ("divided at the threshold", "if distance < tau", "if distance <= tau"),
    ("lengths count", "rows / np.linalg.norm(rows, axis=1, keepdims=True)", "rows"),
]  # fmt: skip
