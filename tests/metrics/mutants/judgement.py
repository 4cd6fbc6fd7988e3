"""Faults in the judgement of scores that its tests must find."""

MODULE = "src/mintmark/metrics/judgement.py"
TESTS = ["tests/metrics/test_judgement.py"]
MUTANTS: list[tuple[str, str, str]] = [
    ("ties ranked low", "ranks = rankdata(values)", 'ranks = rankdata(values, method="min")'),
    ("ties ranked as they come", "ranks = rankdata(values)",
     'ranks = rankdata(values, method="ordinal")'),
    ("one class counts as perfect", "        return None\n    ranks",
     "        return Auroc(1.0, None)\n    ranks"),
    ("one class has a precision", "if truth.all() or not truth.any():", "if not truth.any():"),
    ("classes swapped", "float(above.mean())", "float(1 - above.mean())"),
    ("population variance", "above.var(ddof=1)", "above.var()"),
    ("counts swapped in the error", "above.var(ddof=1) / m + below.var(ddof=1) / n",
     "above.var(ddof=1) / n + below.var(ddof=1) / m"),
    ("variance for the error", "float(np.sqrt(above", "float((above"),
    ("error of one positive", "if m > 1 and n > 1:", "if n > 1:"),
    ("area for the average precision", "average_precision_score(truth, values)",
     "rankdata(values)[truth].mean() / len(values)"),
    ("bins [a, b)", 'values, side="left"', 'values, side="right"'),
    ("gaps cancel over bins", "np.abs(gaps).sum()", "abs(gaps.sum())"),
    ("mean over bins", "np.abs(gaps).sum() / len(values)", "np.abs(gaps).sum() / bins"),
    ("ten bins", "bins: int = 15", "bins: int = 10"),
    ("one bin too few", "np.linspace(0, 1, bins + 1)", "np.linspace(0, 1, bins)"),
]  # fmt: skip
