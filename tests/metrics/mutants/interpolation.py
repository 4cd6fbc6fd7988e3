"""Faults in interpolation that its tests must find."""

MODULE = "src/mintmark/metrics/interpolation.py"
TESTS = ["tests/metrics/test_interpolation.py"]
MUTANTS: list[tuple[str, str, str]] = [
    ("distances to the start", "        here = there\n", ""),
    ("a step too long", "step / steps, dtype", "step / (steps - 1 or 1), dtype"),
    ("positions of the starts", "(step + 0.5) / steps for", "step / steps for"),
    ("mean over the steps", "distances.mean(axis=0)", "distances.mean(axis=1)"),
    ("quantiles over the steps", "(0.1, 0.5, 0.9), axis=0)", "(0.1, 0.5, 0.9), axis=1)"),
    ("other quantiles", "(0.1, 0.5, 0.9)", "(0.25, 0.5, 0.75)"),
    ("low and high swapped", "low, median, high = np", "high, median, low = np"),
    (
        "pairs drawn twice",
        "samples(generator, seed, chosen, points=2)",
        "samples(generator, seed, range(len(chosen)), points=2)",
    ),
    (
        "steps laid on pairs",
        "np.stack(columns, axis=1)",
        "np.stack(columns, axis=0).reshape(-1, steps)",
    ),
    (
        "no downsampling",
        "box_downsampled(generator.draw(at(t), labels), SIZE)",
        "generator.draw(at(t), labels)",
    ),
    ("always arcs", "path(generator, space, ends", 'path(generator, "z", ends'),
]
