"""Faults in path length that its tests must find."""

MODULE = "src/mintmark/metrics/path_length.py"
TESTS = ["tests/metrics/test_path_length.py"]
MUTANTS: list[tuple[str, str, str]] = [
    ("divided by the step, not its square", "/ how.epsilon**2", "/ how.epsilon"),
    ("divided by twice the square", "/ how.epsilon**2", "/ (2 * how.epsilon**2)"),
    (
        "a step to both sides",
        "for step in (0.0, how.epsilon)",
        "for step in (-how.epsilon, how.epsilon)",
    ),
    ("full and end swapped", 'if how.sampling == "end"', 'if how.sampling != "end"'),
    ("one position for all paths", '"path position", i)', '"path position", 0)'),
    ("trimmed below only", "values >= low) & (values <= high", "values >= low) & (values >= low"),
    (
        "percentiles left out",
        "(values >= low) & (values <= high)",
        "(values > low) & (values < high)",
    ),
    ("percentiles interpolated", 'trim, method="lower"', 'trim, method="linear"'),
    ("percentile rounded inwards", 'method="higher"', 'method="lower"'),
    (
        "share taken for percent",
        "np.percentile(values, 100 - trim",
        "np.percentile(values, 1 - trim",
    ),
    ("error of the kept values alone", "values.clip(low, high).std(ddof=1)", "kept.std(ddof=1)"),
    ("deviation for error", "spread * np.sqrt(len(values)) / len(kept)", "spread"),
    ("ddof", "std(ddof=1)", "std(ddof=0)"),
    ("crop off centre", "3 * eighth : 7 * eighth, 2", "2 * eighth : 6 * eighth, 2"),
    (
        "crop after the downsampling",
        'if how.crop == "face":',
        'pictures = box_downsampled(pictures, how.size)\n    if how.crop == "face":',
    ),
    ("10,000 samples", "samples: int = 50_000", "samples: int = 10_000"),
    (
        "StyleGAN1 without a crop",
        'PathProtocol("w", "end", 100_000, crop="face")',
        'PathProtocol("w", "end", 100_000)',
    ),
    (
        "rounded before the distance",
        "measured(distance, _seen(near, how), _seen(far, how))",
        "measured(distance, _seen(near.mul(127.5).round() / 127.5, how), _seen(far, how))",
    ),
    (
        "the other label at the far end",
        "generator.draw(at(t + step), labels)",
        "generator.draw(at(t + step), labels if labels is None or not step else labels.flip(0))",
    ),
]
