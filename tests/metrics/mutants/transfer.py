"""Faults in train-on-synthetic, test-on-real that its tests must find."""

MODULE = "src/mintmark/metrics/transfer.py"
TESTS = ["tests/metrics/test_transfer.py"]
MUTANTS: list[tuple[str, str, str]] = [
    ("TSTR and TRTR swapped", "for side in (synthetic, real))", "for side in (real, synthetic))"),
    ("tested on the training side", "_quality(model, side, held_out)",
     "_quality(model, side, side)"),
    ("tested on the real training set", "_quality(model, side, held_out)",
     "_quality(model, side, real)"),
    ("ratio upside down", "tstr.f1 / trtr.f1 if trtr.f1", "trtr.f1 / tstr.f1 if tstr.f1"),
    ("ratio of another figure", "tstr.f1 / trtr.f1 if", "tstr.auc / trtr.auc if"),
    ("missing among the real ones", "np.setdiff1d(present, synthetic.labels)",
     "np.setdiff1d(present, real.labels)"),
    ("missing by number", "classes[np.setdiff1d(present, synthetic.labels)]",
     "np.setdiff1d(present, synthetic.labels)"),
    ("F1 over all answers", 'average="macro"', 'average="micro"'),
    ("F1 over classes of the answers too", "labels=present, ", ""),
    ("no area for a class never trained on", "np.zeros((len(answers)", "np.full((len(answers)"),
    ("columns by place and not by class", "chances[:, model.classes_]",
     "chances[:, : len(model.classes_)]"),
    ("the forest depends on the order", "canonical(np.column_stack([features, codes]))",
     "np.column_stack([features, codes])"),
    ("the forest has no seed", 'random_state=derive(seed, "forest") % 2**32', ""),
    ("features as they come", "make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))",
     "LogisticRegression(max_iter=1000)"),
    ("the model given is fitted", "clone(model) if", "model if"),
    ("one class crashes", "if len(trained) > 1 else", "if len(trained) > 0 else"),
]  # fmt: skip
