"""Faults in the figures of saliency maps that their tests must find."""

MODULE = "src/mintmark/metrics/saliency.py"
TESTS = ["tests/metrics/test_saliency.py"]
MUTANTS: list[tuple[str, str, str]] = [
    ("equal pixels count as hits", "(lower + not_higher).mean() / 2", "not_higher.mean()"),
    ("equal pixels count as misses", "(lower + not_higher).mean() / 2", "lower.mean()"),
    ("fixated pixels left out always", 'if negatives == "unfixated" else values,',
     "if negatives else values,"),
    ("a fixated pixel counts once", "np.repeat(values.ravel(), counts.ravel())",
     "values[counts > 0]"),
    ("a fixated pixel counts once in NSS", "weights=counts)", "weights=counts > 0)"),
    ("sample deviation", "centred / centred.std()", "centred / centred.std(ddof=1)"),
    ("mean not taken off", "values - values.mean()", "values - values.min()"),
    ("constant found by its spread", "if values.min() == values.max():", "if values.std() == 0:"),
    ("covariance for correlation", "/ np.sqrt((a * a).sum() * (b * b).sum())", "/ (a.size - 1)"),
    ("union for shared mass", "np.minimum(_law(first)", "np.maximum(_law(first)"),
    ("always rescaled", "    if rescale:\n", "    if True:\n"),
    ("never rescaled", "    if rescale:\n", "    if False:\n"),
    ("KL the other way", "_law(first)[looked], _law(second)[looked]",
     "_law(second)[looked], _law(first)[looked]"),
    ("KL in bits", "np.log(eps + d", "np.log2(eps + d"),
    ("eps of float32", "EPS = 2.220446049250313e-16", "EPS = 1.19e-7"),
    ("eps in one place", "np.log(eps + d / (s + eps))", "np.log(d / (s + eps))"),
    ("divided by the maximum", "law: Map = scaled / scaled.sum()", "law: Map = scaled"),
    ("maps of one area pass", "saliency.shape != other.shape", "saliency.size != other.size"),
]  # fmt: skip
