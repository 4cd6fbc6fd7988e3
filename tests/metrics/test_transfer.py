from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mintmark.core.errors import ConfigError
from mintmark.metrics.transfer import Labelled, Quality, Transfer, train_on_synthetic

QUICK = {"bayes": GaussianNB()}


def clouds(seed: int, samples: int, classes: int = 3, apart: float = 2.0) -> Labelled:
    rng = np.random.default_rng(seed)
    labels = np.arange(samples) % classes
    return Labelled(rng.normal(size=(samples, 4)) + apart * np.eye(4)[labels], labels)


def only(found: tuple[Transfer, ...]) -> Transfer:
    assert len(found) == 1
    return found[0]


def test_a_copy_of_the_training_set_in_another_order_teaches_exactly_the_same() -> None:
    real, held_out = clouds(0, 120), clouds(1, 90)
    order = np.random.default_rng(0).permutation(120)
    copy = Labelled(real.features[order], real.labels[order])
    found = train_on_synthetic(real, copy, held_out, seed=0)
    assert [one.classifier for one in found] == ["logistic regression", "random forest"]
    for one in found:
        assert one.synthetic == one.real
        assert one.ratio == 1
        assert one.missing == ()
        assert one.real.accuracy > 0.7


def test_shuffled_labels_teach_nothing() -> None:
    real = clouds(0, 150)
    values: dict[str, list[float]] = {"accuracy": [], "auc": []}
    for i in range(40):
        shuffled = Labelled(real.features, np.random.default_rng(i).permutation(real.labels))
        one = only(train_on_synthetic(real, shuffled, clouds(i + 1, 90), 0, QUICK))
        values["accuracy"].append(one.synthetic.accuracy)
        values["auc"].append(one.synthetic.auc)
        assert one.ratio is not None
        assert one.ratio == one.synthetic.f1 / one.real.f1 < 1
    for figure, chance in (("accuracy", 1 / 3), ("auc", 0.5)):
        error = np.std(values[figure], ddof=1) / np.sqrt(40)
        assert abs(np.mean(values[figure]) - chance) < 3 * error, figure


def test_figures_equal_scikit_learns() -> None:
    real, synthetic, held_out = clouds(0, 200), clouds(1, 80, apart=0.8), clouds(2, 100)
    found = only(train_on_synthetic(real, synthetic, held_out, 0, QUICK))
    for quality, train in ((found.real, real), (found.synthetic, synthetic)):
        model = GaussianNB().fit(*train)
        answers = model.predict(held_out.features)
        chances = model.predict_proba(held_out.features)
        assert quality.accuracy == pytest.approx((answers == held_out.labels).mean())
        assert quality.f1 == pytest.approx(f1_score(held_out.labels, answers, average="macro"))
        assert quality.auc == pytest.approx(
            roc_auc_score(held_out.labels, chances, multi_class="ovr")
        )
    assert found.real != found.synthetic


def test_two_classes_have_the_area_of_one() -> None:
    real, held_out = clouds(0, 100, classes=2), clouds(1, 60, classes=2)
    found = only(train_on_synthetic(real, real, held_out, 0, QUICK))
    chances = GaussianNB().fit(*real).predict_proba(held_out.features)[:, 1]
    assert found.real.auc == pytest.approx(roc_auc_score(held_out.labels, chances))


def test_a_class_that_the_synthetic_samples_lack_is_named_and_scored() -> None:
    real, held_out = clouds(0, 150), clouds(1, 90, apart=6.0)
    synthetic = clouds(2, 100, classes=2)
    for one in train_on_synthetic(real, synthetic, held_out, seed=0):
        assert one.missing == (2,)
        assert one.synthetic.accuracy < 0.67
        assert one.real.accuracy > 0.9
        # Two classes are told from the third as before; it is no better than chance.
        assert one.synthetic.auc < (1 + 1 + 0.5) / 3 + 1e-9
        assert one.ratio is not None
        assert one.ratio < 0.75


def test_synthetic_samples_of_one_class_can_only_answer_with_it() -> None:
    real, held_out = clouds(0, 150), clouds(1, 90)
    one_class = Labelled(real.features, np.ones(150, dtype=int))
    for one in train_on_synthetic(real, one_class, held_out, seed=0):
        assert one.missing == (0, 2)
        # F1 of the one class: precision 1/3, recall 1.
        assert one.synthetic.f1 == pytest.approx(0.5 / 3)
        assert (one.synthetic.accuracy, one.synthetic.auc) == (1 / 3, 0.5)


def test_a_class_that_no_real_sample_has_is_a_wrong_answer() -> None:
    real, held_out = clouds(0, 150), clouds(1, 90)
    strange = Labelled(real.features, np.full(150, 7))
    found = only(train_on_synthetic(real, strange, held_out, 0, QUICK))
    assert found.synthetic == Quality(0, 0, 0.5)
    assert found.missing == (0, 1, 2)
    assert only(train_on_synthetic(strange, real, held_out, 0, QUICK)).ratio is None


def test_a_class_that_is_only_synthetic_is_no_class_of_the_mean() -> None:
    real, held_out = clouds(0, 150), clouds(1, 90)
    labels = real.labels.copy()
    labels[::9] = 7
    found = only(train_on_synthetic(real, Labelled(real.features, labels), held_out, 0, QUICK))
    answers = GaussianNB().fit(real.features, labels).predict(held_out.features)
    each = f1_score(held_out.labels, answers, average=None, labels=[0, 1, 2, 7])
    assert each[3] == 0
    assert (answers == 7).any()
    assert found.synthetic.f1 == pytest.approx(each[:3].mean())


@pytest.mark.parametrize("lacking", [0, 1, 2])
def test_a_class_that_was_not_trained_on_has_half_the_area(lacking: int) -> None:
    real, held_out = clouds(0, 150), clouds(1, 90)
    kept = real.labels != lacking
    synthetic = Labelled(real.features[kept], real.labels[kept])
    found = only(train_on_synthetic(real, synthetic, held_out, 0, QUICK))
    model = GaussianNB().fit(*synthetic)
    chances = model.predict_proba(held_out.features)
    areas = [
        roc_auc_score(held_out.labels == one, chances[:, column])
        for column, one in enumerate(model.classes_)
    ]
    assert found.missing == (lacking,)
    assert found.synthetic.auc == pytest.approx((0.5 + sum(areas)) / 3)


def test_labels_may_be_words() -> None:
    words = np.array(["cat", "dog", "elk"])
    real, held_out = clouds(0, 90), clouds(1, 60)
    named = [Labelled(one.features, words[one.labels]) for one in (real, held_out)]
    lacking = Labelled(named[0].features[real.labels > 0], named[0].labels[real.labels > 0])
    found = only(train_on_synthetic(named[0], lacking, named[1], 0, QUICK))
    assert found.missing == ("cat",)
    assert found.real == only(train_on_synthetic(real, real, held_out, 0, QUICK)).real


def test_preprocessing_sees_the_training_side_only() -> None:
    real, held_out = clouds(0, 120), clouds(1, 60)
    moved = Labelled(held_out.features.copy(), held_out.labels)
    moved.features[0] = 1e6  # would flatten every feature if the scale came from here too
    plain = train_on_synthetic(real, real, held_out, 0)[0].real.accuracy
    spoilt = train_on_synthetic(real, real, moved, 0)[0].real.accuracy
    assert abs(plain - spoilt) <= 1 / 60 + 1e-12
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(*real)
    assert plain == pytest.approx((model.predict(held_out.features) == held_out.labels).mean())


def test_features_of_any_scale_are_standardised() -> None:
    real, held_out = clouds(0, 120), clouds(1, 60)
    scale = np.array([1e-6, 1.0, 1e6, 1.0])
    scaled = [Labelled(one.features * scale + 5, one.labels) for one in (real, held_out)]
    plain = train_on_synthetic(real, real, held_out, 0)[0].real
    found = train_on_synthetic(scaled[0], scaled[0], scaled[1], 0)[0].real
    assert found.accuracy == pytest.approx(plain.accuracy)


def test_the_seed_decides_the_forest_and_given_models_stay_unfitted() -> None:
    real, held_out = clouds(0, 90, apart=0.5), clouds(1, 90, apart=0.5)
    first = train_on_synthetic(real, real, held_out, seed=1)
    assert first == train_on_synthetic(real, real, held_out, seed=1)
    assert first[1] != train_on_synthetic(real, real, held_out, seed=2)[1]
    model = RandomForestClassifier(5, random_state=0)
    train_on_synthetic(real, real, held_out, 0, {"mine": model})
    assert not hasattr(model, "classes_")


def relabelled(labels: Any) -> Labelled:
    return Labelled(clouds(0, 6).features, np.array(labels))


@pytest.mark.parametrize(
    ("synthetic", "held_out", "story"),
    [
        (clouds(0, 6), relabelled([1] * 6), "1 class only"),
        (relabelled([0, 1, 2]), clouds(1, 6), "synthetic labels must be one integer"),
        (relabelled([0.5] * 6), clouds(1, 6), "synthetic labels must be one integer"),
        (clouds(0, 6), relabelled([[0]] * 6), "held-out labels must be one integer"),
        (relabelled(["a"] * 6), clouds(1, 6), "write all in one way"),
        (Labelled(np.zeros((6, 3)), np.arange(6)), clouds(1, 6), "dimensions"),
        (Labelled(np.zeros((0, 4)), np.arange(0)), clouds(1, 6), "at least 1 synthetic"),
    ],
)
def test_transfer_refuses(synthetic: Labelled, held_out: Labelled, story: str) -> None:
    with pytest.raises(ConfigError, match=story):
        train_on_synthetic(clouds(0, 6), synthetic, held_out, 0)


def features_of(pictures: NDArray[np.uint8]) -> NDArray[Any]:
    return pictures.reshape(len(pictures), -1)


def test_it_works_on_flat_pictures() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    pictures = (rng.integers(0, 200, (60, 8, 8)) + 40 * labels[:, None, None]).astype(np.uint8)
    train = Labelled(features_of(pictures[:40]), labels[:40])
    found = train_on_synthetic(train, train, Labelled(features_of(pictures[40:]), labels[40:]), 0)
    assert min(one.real.accuracy for one in found) > 0.8
