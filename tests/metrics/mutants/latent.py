"""Faults in latent that its tests must find."""

MODULE = "src/mintmark/metrics/latent.py"
TESTS = ["tests/metrics/test_latent.py", "tests/metrics/test_path_length.py"]
MUTANTS: list[tuple[str, str, str]] = [
    ("lines in z", "lambda t: generator.mapped(slerp(", "lambda t: generator.mapped(lerp("),
    ("unit sphere", "math.sqrt(start.shape[1])", "1.0"),
    ("ends are not normalised", "a = start / start.norm(dim=1, keepdim=True)", "a = start"),
    ("a direction that is not orthogonal", "across = stop - along * a", "across = stop - a"),
    ("sine and cosine swapped", "torch.atan2(sine, along)", "torch.atan2(along, sine)"),
    ("the angle of its cosine alone", "torch.atan2(sine, along)", "torch.asin(sine)"),
    ("w of z on an arc", "lerp(start, stop, t)\n\n", "slerp(start, stop, t)\n\n"),
    ("the path backwards", "return start + (stop - start)", "return stop + (start - stop)"),
    ("one stream for all samples", '"latent metrics", i)', '"latent metrics", 0)'),
    ("the seed is ignored", "derive(seed, ", "derive(0, "),
    (
        "samples and points swapped",
        "generator.latent)) for rng in streams], axis=1)",
        "generator.latent)) for rng in streams], axis=0)",
    ),
    ("the first label only", "rng.integers(len(generator.labels))", "rng.integers(1)"),
    ("largest pixel for means", "F.avg_pool2d(pictures, factor)", "F.max_pool2d(pictures, factor)"),
    ("blocks that overlap", "avg_pool2d(pictures, factor)", "avg_pool2d(pictures, factor, 1)"),
    ("factor rounded up", "max(1, height // size)", "max(1, -(-height // size))"),
    ("fresh noise is let through", "if not torch.equal(first, again):", "if False:"),
]
