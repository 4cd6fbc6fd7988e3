"""Faults in what the judges share that its tests must find."""

MODULE = "src/mintmark/metrics/judges.py"
TESTS = ["tests/metrics/test_judges.py"]
MUTANTS: list[tuple[str, str, str]] = [
    ("variance for its root", "sqrt(value * (1 - value) / count)", "value * (1 - value) / count"),
    ("nothing counts as none", "Share(nan, nan, 0)", "Share(0.0, 0.0, 0)"),
    ("means are cut", "np.round(means)", "np.floor(means)"),
    ("blocks too small", "-(-max(height, width) // largest)", "max(height, width) // largest"),
    ("range [0, 1]", "/ 127.5 - 1)", "/ 255)"),
    ("edges wrap round", "np.clip(np.arange(height) - down, 0, height - 1)",
     "(np.arange(height) - down) % height"),
    ("nothing is shifted", "furthest = max(1, max(pixels.shape[2:]) // 32)", "furthest = 0"),
    ("one shift for all sizes", "furthest = max(1, max(pixels.shape[2:]) // 32)", "furthest = 2"),
    ("places are averaged", "nn.AdaptiveAvgPool2d(PLACES), nn.Flatten()",
     "nn.AdaptiveAvgPool2d(1), nn.Upsample(scale_factor=PLACES), nn.Flatten()"),
    ("one order for all passes", "derive(seed, epoch)", "derive(seed, 0)"),
    ("steps of one length", "            schedule.step()\n", ""),
    ("left in training mode", "    net.eval()\n", ""),
    ("large pictures at full size", "stride = 2 if side > 32 else 1", "stride = 1"),
]  # fmt: skip
