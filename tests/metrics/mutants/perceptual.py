"""Faults of `perceptual`, each of which a test must see."""

MODULE = "src/mintmark/metrics/perceptual.py"
TESTS = ["tests/metrics/test_perceptual.py"]
MUTANTS: list[tuple[str, str, str]] = [
    (
        "pictures not shifted",
        '(x - self.weights["scaling_layer.shift"])',
        '(x + self.weights["scaling_layer.shift"])',
    ),
    (
        "multiplied by the scale",
        '/ self.weights["scaling_layer.scale"]',
        '* self.weights["scaling_layer.scale"]',
    ),
    (
        "maps without the ReLU",
        "F.relu(F.conv2d(x, weight, bias, layer.stride, layer.padding))",
        "F.conv2d(x, weight, bias, layer.stride, layer.padding)",
    ),
    (
        "average pooling",
        "F.max_pool2d(",
        "F.avg_pool2d(",
    ),
    (
        "AlexNet pools 2 x 2",
        "    pool=3,",
        "    pool=2,",
    ),
    (
        "another padding",
        "192, kernel=5, padding=2",
        "192, kernel=5, padding=1",
    ),
    (
        "the head of another layer",
        'f"lin{i}.model.1.weight"] for',
        'f"lin{i or 3}.model.1.weight"] for',
    ),
    (
        "absolute differences",
        "- _unit(second)).square()",
        "- _unit(second)).abs()",
    ),
    (
        "mean over channels",
        "squares.sum(dim=1).mean(",
        "squares.mean(dim=1).mean(",
    ),
    (
        "sum over space",
        ".mean(dim=(1, 2))",
        ".sum(dim=(1, 2))",
    ),
    (
        "maps not made unit",
        "    return maps / (length + EPS)",
        "    return maps",
    ),
    (
        "mean over layers",
        "return squares.sum(dim=0)",
        "return squares.mean(dim=0)",
    ),
    (
        "no eps",
        "EPS = 1e-10",
        "EPS = 0.0",
    ),
    (
        "head in squares",
        "* head",
        "* head**2",
    ),
    (
        "[0, 255] accepted",
        "bool((x.abs() <= 1).all())",
        "bool((x.abs() <= 255).all())",
    ),
    (
        "a smaller side accepted",
        "smallest=31",
        "smallest=30",
    ),
    (
        "constants of the input not looked at",
        '(("shift", SHIFT), ("scale", SCALE))',
        '(("scale", SCALE),)',
    ),
    (
        "NaN in the weights",
        "not tensor.isfinite().all() or",
        "",
    ),
    (
        "digest of the path",
        "digest_bytes(content))",
        "digest_bytes(str(path).encode()))",
    ),
]
