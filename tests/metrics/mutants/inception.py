"""Faults in the Inception network that its tests must find."""

MODULE = "src/mintmark/metrics/inception.py"
TESTS = ["tests/metrics/test_inception.py"]
MUTANTS: list[tuple[str, str, str]] = [
    ("epsilon of PyTorch's normalisation", "eps=0.001", "eps=1e-5"),
    ("means count the padding", "count_include_pad=False", "count_include_pad=True"),
    (
        "the last block takes the mean",
        "_mixed_8(2048, nn.MaxPool2d(3, 1, padding=1))",
        "_mixed_8(2048, _mean())",
    ),
    (
        "the last block but one takes the maximum",
        "_mixed_8(1280, _mean())",
        "_mixed_8(1280, nn.MaxPool2d(3, 1, padding=1))",
    ),
    (
        "half-pixel centres",
        "at = torch.arange(size, device=x.device) * torch.tensor(x.shape[dim] / size)",
        "at = ((torch.arange(size) + 0.5) * (x.shape[dim] / size) - 0.5).clamp(min=0)",
    ),
    (
        "aligned corners",
        "torch.tensor(x.shape[dim] / size)",
        "torch.tensor((x.shape[dim] - 1) / max(size - 1, 1))",
    ),
    (
        "antialias",
        "for dim in (3, 2):",
        "return nn.functional.interpolate(x, (size, size), mode='bilinear', antialias=True)\n"
        "    for dim in (3, 2):",
    ),
    ("only one side is resized", "for dim in (3, 2):", "for dim in (3, 3):"),
    (
        "range of 255 / 2",
        "(resize(pixels, SIZE) - 128) / 128",
        "(resize(pixels, SIZE) - 127.5) / 127.5",
    ),
    ("kernels are not turned", "kernel.permute(3, 2, 0, 1)", "kernel.permute(3, 2, 1, 0)"),
    (
        "kernels of TensorFlow's other side",
        "(1, 7)),\n            Convolution(width, 192, (7, 1))",
        "(7, 1)),\n            Convolution(width, 192, (1, 7))",
    ),
    (
        "mean and variance swapped",
        '("running_mean", "moving_mean")',
        '("running_mean", "moving_variance")',
    ),
    ("scale and shift swapped", '("weight", "gamma")', '("weight", "beta")'),
    ("the padded stem", "Convolution(32, 32, (3, 3), padded=False)", "Convolution(32, 32, (3, 3))"),
    (
        "branches in another order",
        "for branch in self.children()",
        "for branch in reversed(list(self.children()))",
    ),
    ("shapes are not checked", "or found != shape", ""),
    ("types are not checked", "proto.dtype != FLOAT or", ""),
    ("the digest is not checked", "if digest_bytes(content) != DIGEST:", "if not content:"),
    ("links in the archive are followed", "if member.isreg() else None", "if member else None"),
    ("a bomb is unpacked", "stream.read(UNPACKED_BYTES)", "stream.read(10 * UNPACKED_BYTES)"),
    ("a file is read whole", "file.read(GRAPH_BYTES + 1)\n    except", "file.read()\n    except"),
    ("training mode", "return net.eval()", "return net"),
    ("first weights are drawn", 'with torch.device("meta"):', 'with torch.device("cpu"):'),
    ("maps of the wrong layer", '"mixed_7", "mixed_10")', '"mixed_8", "mixed_10")'),
    ("numbers of equal kinds are shared", "seen[kind] += 1", 'seen["conv"] += 1'),
]
