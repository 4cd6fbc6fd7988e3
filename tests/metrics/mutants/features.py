"""Faults in the feature network that its tests must find."""

MODULE = "src/mintmark/metrics/features.py"
TESTS = ["tests/metrics/test_features.py"]
MUTANTS: list[tuple[str, str, str]] = [
    ("range [0, 1]", "/ 127.5 - 1)", "/ 255)"),
    ("maps of the layers that halve", "if index % 2 == 0:", "if index % 2 == 1:"),
    ("maps of every layer", "if index % 2 == 0:", "if True:"),
    ("features are sums", "return maps.mean(dim=(2, 3))", "return maps.sum(dim=(2, 3))"),
    (
        "extraction in training mode",
        "    net.eval()\n    with torch.inference_mode():\n        parts",
        "    with torch.inference_mode():\n        parts",
    ),
    (
        "trained in evaluation mode only",
        "return net.eval()\n\n\ndef _check",
        "return net\n\n\ndef _check",
    ),
    ("accuracy is an error rate", "== labels).mean()", "!= labels).mean()"),
    ("the seed does not decide the weights", 'derive(seed, "features", "weights")', "0"),
    ("the global generator decides", "torch.manual_seed(seed)", "torch.initial_seed()"),
    ("one class is learned as one class", "labels.max() == 0", "labels.max() < 0"),
    ("rotations all the same", "torch.arange(len(x)) % ROTATIONS", "torch.arange(len(x)) * 0"),
    ("the digest sees no shapes", "{tuple(tensor.shape)} ", ""),
    (
        "the digest sees one tensor",
        "total.update(tensor.cpu().numpy().tobytes())",
        "total = hashlib.sha256(tensor.cpu().numpy().tobytes())",
    ),
    (
        "the layout is not checked",
        "if layout(weights) != layout(net.state_dict()):",
        "if not weights:",
    ),
    ("the format is not checked", 'header.get("format") != FORMAT', 'not header.get("format")'),
]
