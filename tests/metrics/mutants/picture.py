"""Faults of `picture`, each of which a test must see."""

MODULE = "src/mintmark/metrics/picture.py"
TESTS = ["tests/metrics/test_picture.py"]
MUTANTS: list[tuple[str, str, str]] = [
    (
        "PSNR of the mean error of the batch",
        "    with np.errstate(divide",
        "    errors[:] = errors.mean()\n    with np.errstate(divide",
    ),
    (
        "PSNR with 20 for amplitudes",
        "10 * np.log10(data_range**2 / errors)",
        "20 * np.log10(data_range**2 / errors)",
    ),
    (
        "a Gaussian of another width",
        "SIGMA = 1.5",
        "SIGMA = 1.6",
    ),
    (
        "a window of 13 taps",
        "RADIUS = 5 ",
        "RADIUS = 6 ",
    ),
    (
        "K1 and K2 swapped",
        "K1, K2 = 0.01, 0.03",
        "K1, K2 = 0.03, 0.01",
    ),
    (
        "constants without the data range",
        "c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2",
        "c1, c2 = K1**2, K2**2",
    ),
    (
        "sample covariance",
        "covariance = _windowed(x * y) - mean_x * mean_y",
        "covariance = (_windowed(x * y) - mean_x * mean_y) * 121 / 120",
    ),
    (
        "borders kept",
        "return smooth[:, RADIUS:-RADIUS, RADIUS:-RADIUS]",
        "return smooth",
    ),
    (
        "weights from the coarsest scale",
        "enumerate(SCALES):",
        "enumerate(reversed(SCALES)):",
    ),
    (
        "luminance at each scale",
        "(similarity if last else structure)",
        "similarity",
    ),
    (
        "a negative term makes NaN",
        ".clip(min=0) **",
        " **",
    ),
    (
        "every second pixel without the mean",
        "halved: Floats = blocks.mean(axis=(2, 4))",
        "halved: Floats = blocks[:, :, 0, :, 0]",
    ),
    (
        "odd sides padded with zeros",
        'mode="edge"',
        'mode="constant"',
    ),
    (
        "MS-SSIM of 160 pixels",
        'LARGEST_REFUSED, "MS',
        'LARGEST_REFUSED - 1, "MS',
    ),
    (
        "[-1, 1] accepted",
        "values.min() >= 0 and",
        "values.min() >= -1 and",
    ),
]
