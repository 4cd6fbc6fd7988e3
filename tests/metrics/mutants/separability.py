"""Faults in separability that its tests must find."""

MODULE = "src/mintmark/metrics/separability.py"
TESTS = ["tests/metrics/test_separability.py"]
MUTANTS: list[tuple[str, str, str]] = [
    ("nats for bits", "np.log2(shares)", "np.log(shares)"),
    (
        "exp of bits",
        "return float(2 ** sum(attribute.entropy",
        "return float(np.e ** sum(attribute.entropy",
    ),
    (
        "mean for sum",
        "sum(attribute.entropy for attribute in self.attributes)",
        "np.mean([attribute.entropy for attribute in self.attributes])",
    ),
    ("H(side | attribute)", "conditional_entropy(sides, y)", "conditional_entropy(y, sides)"),
    ("sides weigh alike", "total -= len(members) / len(y) *", "total -= 0.5 *"),
    ("the least sure half", "np.argsort(-np.abs(margins)", "np.argsort(np.abs(margins)"),
    ("sure of one side only", "np.argsort(-np.abs(margins)", "np.argsort(-margins"),
    ("nothing pruned", "[: len(margins) // 2]", ""),
    (
        "held out in sample",
        "_sides(x[~fold], y[~fold], x[fold], seed)",
        "_sides(x[fold], y[fold], x[fold], seed)",
    ),
    (
        "held out under the published name",
        "2 ** sum(attribute.entropy",
        "2 ** sum(attribute.held_out",
    ),
    (
        "published under the held-out name",
        "2 ** sum(attribute.held_out",
        "2 ** sum(attribute.entropy",
    ),
    ("probabilities taken for logits", "values = values - 0.5", "values = values - 0.0"),
    ("the first layer of w", "latents[:, -1]", "latents[:, 0]"),
    ("z under the name of w", 'spaces["w"].append(last', 'spaces["w"].append(z[0]'),
    (
        "one class counts as unknown",
        "return np.full(len(asked), y[0]), True",
        "return np.arange(len(asked)) % 2 == 0, True",
    ),
    (
        "convergence by the limit turned round",
        "svm.n_iter_ < svm.max_iter",
        "svm.n_iter_ > svm.max_iter",
    ),
    (
        "no downsampling",
        "box_downsampled(generator.draw(latents, labels), SIZE)",
        "generator.draw(latents, labels)",
    ),
]
