"""Faults of `sequence`, each of which a test must see."""

MODULE = "src/mintmark/metrics/sequence.py"
TESTS = ["tests/metrics/test_sequence.py"]
MUTANTS: list[tuple[str, str, str]] = [
    (
        "clips from the start only",
        "starts = rng.integers(np.asarray(lengths)[videos] - frames, endpoint=True)",
        "starts = videos * 0",
    ),
    (
        "the last start left out",
        "endpoint=True",
        "endpoint=False",
    ),
    (
        "videos drawn with replacement",
        "rng.permutation(len(lengths))",
        "rng.integers(len(lengths), size=len(lengths))",
    ),
    (
        "one order for all rounds",
        "np.concatenate([rng.permutation(len(lengths)) for _ in range(rounds)])",
        "np.tile(rng.permutation(len(lengths)), rounds)",
    ),
    (
        "the seed forgotten",
        'derive(seed, "clips")',
        'derive(0, "clips")',
    ),
    (
        "unequal sets of clips",
        "real_clips.shape != fake_clips.shape",
        "real_clips.shape[1:] != fake_clips.shape[1:]",
    ),
    (
        "the last batch lost",
        "range(0, len(samples), BATCH)",
        "range(0, len(samples) - BATCH + 1, BATCH)",
    ),
    (
        "batches without their end",
        "samples[start : start + BATCH]",
        "samples[start:]",
    ),
    (
        "windows without their hop",
        "sliding_window_view(sound, size)[::hop]",
        "sliding_window_view(sound, size)[::size]",
    ),
    (
        "a line in N",
        "linregress(1 / sizes, distances)",
        "linregress(sizes, distances)",
    ),
    (
        "a line in 1 / sqrt(N)",
        "linregress(1 / sizes, distances)",
        "linregress(sizes**-0.5, distances)",
    ),
    (
        "slope for intercept",
        "float(line.intercept)",
        "float(line.slope)",
    ),
    (
        "r for its square",
        "line.rvalue**2",
        "line.rvalue - 1",
    ),
    (
        "subsets with replacement",
        "replace=False",
        "replace=True",
    ),
    (
        "subsets of real samples",
        "frechet_distance(first, _subset(second, size",
        "frechet_distance(_subset(first, size",
    ),
    (
        "one subset for all",
        'derive(seed, "fad", i)',
        'derive(0, "fad", i)',
    ),
    (
        "order of the windows decides",
        "    second = canonical(second)\n",
        "",
    ),
    (
        "subsets from 2 windows on",
        "np.linspace(smallest,",
        "np.linspace(2,",
    ),
]
