"""Faults in the extractors that their tests must find."""

MODULE = "src/mintmark/metrics/extractors.py"
TESTS = ["tests/metrics/test_extractors.py"]
MUTANTS: list[tuple[str, str, str]] = [
    (
        "no antialias",
        "antialias=True, align_corners=False)\n    return",
        "align_corners=False)\n    return",
    ),
    ("bilinear", 'mode="bicubic"', 'mode="bilinear"'),
    (
        "the corners are aligned",
        "antialias=True, align_corners=False)\n    return",
        "antialias=True, align_corners=True)\n    return",
    ),
    ("not clipped", "resized.clamp(0, 255)", "resized"),
    ("rounded to whole numbers", "resized.clamp(0, 255)", "resized.clamp(0, 255).round()"),
    ("range [0, 1]", "/ 127.5 - 1\n\n\ndef with", "/ 255\n\n\ndef with"),
    ("range of maps", "(x + 1) * 127.5", "x * 255"),
    ("alpha over white", "MID_GREY = 128.0", "MID_GREY = 255.0"),
    (
        "alpha over black",
        "MID_GREY + (colour - MID_GREY) * (alpha / 255)",
        "colour * (alpha / 255)",
    ),
    ("alpha is dropped", "return colour if alpha is None else", "return colour if True else"),
    (
        "missing alpha is transparent",
        "torch.full_like(x[:, :1], 255)",
        "torch.full_like(x[:, :1], 0)",
    ),
    ("grey is a plain mean", "LUMA = (0.299, 0.587, 0.114)", "LUMA = (1 / 3, 1 / 3, 1 / 3)"),
    (
        "channels in the order of BGR",
        "LUMA = (0.299, 0.587, 0.114)",
        "LUMA = (0.114, 0.587, 0.299)",
    ),
    ("chunks of other sizes", "rows[np.minimum(np.arange(CHUNK), len(rows) - 1)]", "rows.copy()"),
    (
        "the last chunk is lost",
        "range(0, len(rows), CHUNK)",
        "range(0, len(rows) - CHUNK + 1, CHUNK)",
    ),
    ("logits have no bias", "F.linear(rows, weight, bias)", "F.linear(rows, weight)"),
    ("the live network is kept", "copy.deepcopy(net).eval()", "net.eval()"),
    ("training mode", "copy.deepcopy(net).eval()", "copy.deepcopy(net).train()"),
    (
        "another graph matches",
        "    except PackageError:\n        return False",
        "    except PackageError:\n        return True",
    ),
    ("the archive is not looked for", "(inception.GRAPH, inception.ARCHIVE)", "(inception.GRAPH,)"),
    ("any name is opened", "if name not in SHIPPED:", "if not name:"),
    ("pictures without area", "or 0 in pixels.shape[2:]", ""),
    ("types are not checked", "pixels.dtype == np.uint8 and", ""),
]
