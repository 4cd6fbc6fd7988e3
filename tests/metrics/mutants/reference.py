"""Faults in the kept features that their tests must find."""

MODULE = "src/mintmark/metrics/reference.py"
TESTS = ["tests/metrics/test_reference.py"]
MUTANTS: list[tuple[str, str, str]] = [
    ("the snapshot is not in the key", '"snapshot": key', '"snapshot": ""'),
    ("the samples are not in the key", '"samples": _digest(pixels),', ""),
    ("only the first samples are in the key", "range(0, len(pixels), CHUNK)", "range(0, 1)"),
    ("the extractor is not in the key", '"extractor": extractor.digest,', ""),
    ("the resize is not in the key", '"resize": extractor.resize,', ""),
    ("the scaling is not in the key", '"scaling": extractor.scaling,', ""),
    ("the size is not in the key", '"size": extractor.size,', ""),
    ("the version is not in the key", '"code_version": version(),', ""),
    (
        "the array is not proved",
        '"sha256": digest_file(path)',
        '"sha256": str(path.stat().st_mtime)',
    ),
    ("half precision", "astype(np.float32)", "astype(np.float16)"),
    ("float32 comes back", "found.astype(np.float64) if", "found if"),
    ("nothing is ever found", "if found is None:", "if True:"),
    ("the shape is not checked", "if found.shape == wanted else None", "if found.size else None"),
    (
        "pickles are read",
        "found = np.load(path, allow_pickle=False)",
        "found = np.load(path, allow_pickle=True)",
    ),
    ("a damaged entry is an error", "except (OSError, ValueError, EOFError):", "except EOFError:"),
]
