"""Faults in counts, means and scatters that their tests must find."""

MODULE = "src/mintmark/metrics/distribution/moments.py"
TESTS = ["tests/metrics/test_moments.py"]
MUTANTS: list[tuple[str, str, str]] = [
    ("ddof", "self.scatter / (self.count - 1)", "self.scatter / self.count"),
    ("each block with its own mean", "rows[start : start + BLOCK] - mean",
     "rows[start : start + BLOCK] - rows[start : start + BLOCK].mean(axis=0)"),
    ("last block only", "scatter += centred.T", "scatter = centred.T"),
    ("rest of the blocks dropped", "range(0, n, BLOCK)", "range(0, n - n % BLOCK, BLOCK)"),
    ("float32", "- mean  # (block, d)", "- mean.astype(np.float32)"),
    ("wrong axis of the shift", "a.count * share * shift)", "share * shift)"),
    ("weight of the wrong set", "share = b.count", "share = a.count"),
    ("sign of the shift", "b.mean - a.mean", "a.mean - b.mean"),
    ("shift of the means left out", "scatter = np.outer(shift, a.count * share * shift)",
     "scatter = np.zeros_like(a.scatter)"),
    ("plain mean of means", "a.mean + share * shift", "(a.mean + b.mean) / 2"),
    ("nothing to merge divides by zero", "b.count / max(count, 1)", "b.count / count"),
    ("a mean of no samples", "rows.sum(axis=0) / max(n, 1)", "rows.sum(axis=0) / n"),
    ("dimensions are not compared", "a.mean.shape != b.mean.shape", "False"),
    ("processes keep their own part", "reduce(merged, (_unpacked", "next(iter(_unpacked"),
    ("first process counts twice", "dist.all_gather(parts, own)",
     "dist.all_gather(parts, own)\n    parts[-1] = parts[0]"),
    ("ranks in the other order", "for part in parts))", "for part in parts[::-1]))"),
    ("sent in float32", "torch.from_numpy(flat).to(device)",
     "torch.from_numpy(flat).float().double().to(device)"),
]  # fmt: skip
