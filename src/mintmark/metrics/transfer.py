"""Whether synthetic samples can stand in for real ones in the training of a classifier."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mintmark.core.errors import ConfigError
from mintmark.core.seeds import derive
from mintmark.metrics.distribution.checks import Features, canonical, checked
from mintmark.metrics.judgement import auroc

Codes = NDArray[np.int64]


class Labelled(NamedTuple):
    """Samples with their classes.

    Attributes:
        features: Features or flat pictures, (N, d).
        labels: Integers or strings, (N,).
    """

    features: NDArray[Any]
    labels: NDArray[Any]


@dataclass(frozen=True)
class Quality:
    """How good a classifier is on the held-out samples.

    Attributes:
        accuracy: Share of right answers, in [0, 1].
        f1: Mean of F1 over the classes of the held-out samples, in [0, 1].
        auc: Mean over them of the area under the ROC curve of one class
            against the rest; a class that was not trained on counts .5.
    """

    accuracy: float
    f1: float
    auc: float


@dataclass(frozen=True)
class Transfer:
    """One classifier, trained on synthetic and on real samples.

    Attributes:
        classifier: Its name.
        synthetic: Trained on synthetic, tested on held-out samples (TSTR).
        real: Trained on real, tested on the same held-out samples (TRTR).
        ratio: `synthetic.f1 / real.f1`; None where the latter is 0.
        missing: Classes of the held-out samples that the synthetic ones lack.
    """

    classifier: str
    synthetic: Quality
    real: Quality
    ratio: float | None
    missing: tuple[int | str, ...]


def train_on_synthetic(
    real: Labelled,
    synthetic: Labelled,
    held_out: Labelled,
    seed: int,
    classifiers: Mapping[str, Any] | None = None,
) -> tuple[Transfer, ...]:
    """TSTR beside TRTR on one held-out set (Esteban et al. 2017, "Real-valued Time Series").

    A ratio near 1 says that the synthetic samples teach this classifier what
    the real ones do, no more: copies of the training set reach exactly 1, so
    read it beside `novelty`. Give as many synthetic as real samples, or the
    count decides. The accuracy of n held-out samples is known to about
    `sqrt(a (1 - a) / n)`, .03 for a = .9 and n = 100: smaller differences mean
    nothing. Where TRTR is near chance the ratio means nothing either.

    Args:
        real: What the generator was trained on.
        synthetic: What it made.
        held_out: Real samples that neither was trained on, of at least 2 classes.
        seed: Decides the default classifiers.
        classifiers: Unfitted scikit-learn classifiers by name, with
            `predict_proba`, any preprocessing inside them, so that it is fitted
            to the training side only; None for `default_classifiers(seed)`.

    Returns:
        One record a classifier, in their order.

    Raises:
        ConfigError: The sets cannot be compared, or the held-out one has fewer
            than 2 classes.
    """
    classes, (real, synthetic, held_out) = _encoded(real, synthetic, held_out)
    present = np.unique(held_out.labels)
    if len(present) < 2:
        raise ConfigError("The held-out samples are of 1 class only; give samples of 2 or more.")
    missing = classes[np.setdiff1d(present, synthetic.labels)]
    models = default_classifiers(seed) if classifiers is None else classifiers
    found = []
    for name, model in models.items():
        tstr, trtr = (_quality(model, side, held_out) for side in (synthetic, real))
        ratio = tstr.f1 / trtr.f1 if trtr.f1 else None
        found.append(Transfer(name, tstr, trtr, ratio, tuple(missing.tolist())))
    return tuple(found)


def default_classifiers(seed: int) -> dict[str, Any]:
    """A linear classifier of standardised features and a random forest, unfitted."""
    return {
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        "random forest": RandomForestClassifier(random_state=derive(seed, "forest") % 2**32),
    }


def _encoded(*sets: Labelled) -> tuple[NDArray[Any], list[Labelled]]:
    """All classes, and the sets with labels that index them, in an order of their own."""
    names = ("real", "synthetic", "held_out")
    rows = checked(1, **{name: one.features for name, one in zip(names, sets, strict=True)})
    for name, one in zip(names, sets, strict=True):
        if one.labels.shape != (len(one.features),) or one.labels.dtype.kind not in "iuU":
            raise ConfigError(
                f"The {name.replace('_', '-')} labels must be one integer or string a sample, not "
                f"{one.labels.dtype} {one.labels.shape}."
            )
    if len({one.labels.dtype.kind == "U" for one in sets}) > 1:
        raise ConfigError("Some labels are strings and some integers; write all in one way.")
    classes = np.unique(np.concatenate([one.labels for one in sets]))
    codes = [np.searchsorted(classes, one.labels) for one in sets]
    return classes, [_ordered(x, y) for x, y in zip(rows, codes, strict=True)]


def _ordered(features: Features, codes: Codes) -> Labelled:
    """The set in an order of its content, since a forest depends on the order."""
    both = canonical(np.column_stack([features, codes]))  # (N, d + 1)
    return Labelled(both[:, :-1], both[:, -1].astype(np.int64))


def _quality(model: Any, train: Labelled, held_out: Labelled) -> Quality:
    trained, present = np.unique(train.labels), np.unique(held_out.labels)
    # Many classifiers refuse to be trained on one class; they could only answer with it.
    model = clone(model) if len(trained) > 1 else DummyClassifier(strategy="most_frequent")
    model.fit(train.features, train.labels)
    answers = model.predict(held_out.features)
    chances = np.zeros((len(answers), max(trained.max(), present.max()) + 1))  # (N, classes)
    chances[:, model.classes_] = model.predict_proba(held_out.features)
    areas = [auroc(held_out.labels == one, chances[:, one]) for one in present]
    return Quality(
        accuracy=float((answers == held_out.labels).mean()),
        f1=float(
            f1_score(held_out.labels, answers, labels=present, average="macro", zero_division=0)
        ),
        auc=float(np.mean([area.value for area in areas if area is not None])),
    )
