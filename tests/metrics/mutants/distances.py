"""Faults in the exact distances that their tests must find."""

MODULE = "src/mintmark/metrics/distribution/distances.py"
TESTS = ["tests/metrics/test_distances.py"]
MUTANTS: list[tuple[str, str, str]] = [
    ("float32 is trusted", "block.lower <= limits) & ~decided", "block.lower < 0) & ~decided"),
    ("the surface is decided in float32", "decided = block.upper < limits",
     "decided = block.lower < limits"),
    ("no allowance for rounding", "share = terms * ROUNDING / (1 - terms * ROUNDING)",
     "share = 0.0"),
    ("allowance of the wrong format", "ROUNDING = 2.0**-24", "ROUNDING = 2.0**-53"),
    ("allowance of half precision", "ROUNDING = 2.0**-24", "ROUNDING = 2.0**-11"),
    ("no allowance for underflow", "floor = terms * 2.0**-121", "floor = 0.0"),
    ("not centred", "centre = references.mean(axis=0)", "centre = 0 * references[0]"),
    ("not scaled", "unit = 2.0 ** max(int(np.frexp(largest)[1]), SMALLEST)", "unit = 1.0"),
    ("scaled beyond what float64 holds", "SMALLEST = -400", "SMALLEST = -1000"),
    ("the row itself counts as a neighbour", "np.partition(near, k)[k]",
     "np.partition(near, k)[k - 1]"),
    ("a bound that leaves the k-th out", "_kth_bound(block.upper, k + 1)",
     "_kth_bound(block.upper, k)"),
    ("bound from the lower ends", "limits = block.upper.min(axis=1, keepdims=True)",
     "limits = block.lower.min(axis=1, keepdims=True)"),
    ("index within the candidates", "columns[near.argmin()]", "near.argmin()"),
    ("further chunks are dropped", "lower += x[:, first : first + CHUNK] @",
     "lower += 0 * x[:, first : first + CHUNK] @"),
    ("the most distances are not exact", "return distances if few else distances[columns]",
     "return distances[: len(columns)]"),
    ("only the references are checked",
     "largest = max(queries.max(), -queries.min(), references.max(), -references.min())",
     "largest = max(references.max(), references.max())"),
]  # fmt: skip
