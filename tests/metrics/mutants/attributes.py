"""Faults in the judge of attributes that its tests must find."""

MODULE = "src/mintmark/metrics/attributes.py"
TESTS = ["tests/metrics/test_attributes.py"]
MUTANTS: list[tuple[str, str, str]] = [
    ("missing labels count as wrong", "(known & ~right).any(axis=1)", "(~right).any(axis=1)"),
    ("one right attribute is enough", "(known & ~right).any(axis=1)",
     "(known & ~right).all(axis=1)"),
    ("pictures of which nothing was asked count", "known.any(axis=1)",
     "(known | True).any(axis=1)"),
    ("missing labels are learned as the first value",
     "known = torch.from_numpy(labels[learned].astype(np.int64))",
     "known = torch.from_numpy(labels[learned].astype(np.int64)).clamp(min=0)"),
    ("the judge is measured on what it learned",
     "_judged(net, pixels[kept_out], labels[kept_out])",
     "_judged(net, pixels[learned], labels[learned])"),
    ("what is kept out is learned from", "np.split(order, [len(order) // KEPT_OUT])",
     "order[: len(order) // KEPT_OUT], order"),
    ("one head learns", "zip(logits, columns, strict=True)",
     "zip(logits[:1], columns, strict=False)"),
    ("answers in training mode", "    net.eval()\n    found = []", "    found = []"),
    ("other sizes are judged", "pixels.shape[1:] != (net.channels, net.height, net.width)",
     "pixels.shape[1] != net.channels"),
    ("the global generator decides", 'torch.manual_seed(derive(seed, "attributes", "weights"))',
     "torch.initial_seed()"),
    ("values that none has are let in", "if absent := sorted", "if absent := [] and sorted"),
    ("the layout is not checked", "layout(weights) != layout(net.state_dict()) or ", ""),
    ("boasts are believed", " or not _sound(weights)", ""),
    ("the format is not checked", 'header.get("format") != FORMAT', 'not header.get("format")'),
]  # fmt: skip
