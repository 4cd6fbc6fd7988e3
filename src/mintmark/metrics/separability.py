"""Linear separability: whether attributes of pictures lie on two sides of a plane of latents."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC
from torch import Tensor

from mintmark.core.errors import ConfigError
from mintmark.core.seeds import derive
from mintmark.metrics.latent import SIZE, Generator, batches, box_downsampled, samples

Array = NDArray[np.float64]
Truths = NDArray[np.bool_]
Classifier = Callable[[Tensor], Tensor]
OutputKind = Literal["logits", "probabilities"]


@dataclass(frozen=True)
class Attribute:
    """How one attribute separates.

    Attributes:
        name: Of the attribute.
        entropy: H(attribute | side of the plane), in bits, in [0, 1], over the
            samples that the plane was fitted to.
        held_out: The same over samples that their plane was not fitted to.
        share: Share of the kept samples that have the attribute, in [0, 1].
        one_class: Whether all or none have it, so that it counts as separated.
        converged: Whether every fit ended before its limit of iterations.
    """

    name: str
    entropy: float
    held_out: float
    share: float
    one_class: bool
    converged: bool


@dataclass(frozen=True)
class Separability:
    """How a space of latents separates attributes.

    Attributes:
        attributes: Each by itself.
        protocol: What must be equal before two scores may be compared, but for
            what the caller alone knows: the generator and the classifiers.
    """

    attributes: tuple[Attribute, ...]
    protocol: dict[str, Any]

    @property
    def score(self) -> float:
        """The published score, 2 to the sum of the entropies: 1 is perfect, 2^m the worst."""
        return float(2 ** sum(attribute.entropy for attribute in self.attributes))

    @property
    def held_out_score(self) -> float:
        """The same of the held-out entropies: another figure, never to stand for `score`."""
        return float(2 ** sum(attribute.held_out for attribute in self.attributes))

    @property
    def one_class(self) -> tuple[str, ...]:
        """Attributes that all or none of the kept samples have."""
        return tuple(attribute.name for attribute in self.attributes if attribute.one_class)

    @property
    def unconverged(self) -> tuple[str, ...]:
        """Attributes whose plane is not the best one: a fit met its limit of iterations."""
        return tuple(attribute.name for attribute in self.attributes if not attribute.converged)


def linear_separability(
    generator: Generator,
    classifiers: Mapping[str, Classifier],
    count: int,
    seed: int,
    outputs: OutputKind = "logits",
    batch: int = 32,
) -> dict[str, Separability]:
    """Linear separability of z and, where there is a mapping, of w.

    For each attribute the half of the samples that its classifier is surest
    about is kept, a linear SVM separates their latents, and what its side
    leaves unknown of the attribute is counted in bits (Karras et al. 2019,
    section 4.2). As published, the SVM is judged on the samples it was fitted
    to: with few samples for many dimensions it separates anything, which
    `held_out_score` reveals. Compare at equal counts only.

    Args:
        generator: What draws. Of a w with several layers, (N, layers, d), the last
            is taken.
        classifiers: By the name of the attribute: one number a picture, (N,) or
            (N, 1), of pictures as drawn, box-downsampled where larger than 256.
        count: How many samples are drawn, >= 8; published: 200,000.
        seed: Decides latents, labels and folds.
        outputs: What the classifiers give; logits from 0 and probabilities
            from 1/2 upwards are the attribute.
        batch: Samples at a time; changes rounding only.

    Returns:
        The figures by space, `z` and `w`.

    Raises:
        ConfigError: There is no classifier, too few samples, or a classifier
            gives another shape, NaN, Inf or a probability outside [0, 1].
    """
    if not classifiers or count < 8 or outputs not in ("logits", "probabilities"):
        raise ConfigError(
            "Linear separability needs a classifier, at least 8 samples and outputs 'logits' or "
            f"'probabilities', not {len(classifiers)}, {count} and {outputs!r}."
        )
    spaces, margins = _sampled(generator, classifiers, count, seed, outputs, batch)
    protocol = {
        "samples": count,
        "kept": count // 2,
        "svm": "LinearSVC",
        "downsampling": "box",
        "size": SIZE,
        "seed": seed,
    }
    return {
        space: Separability(
            tuple(separate(latents, margins[name], name, seed) for name in classifiers),
            {**protocol, "space": space, "attributes": list(classifiers)},
        )
        for space, latents in spaces.items()
    }


def _sampled(
    generator: Generator,
    classifiers: Mapping[str, Classifier],
    count: int,
    seed: int,
    outputs: OutputKind,
    batch: int,
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Latents by space, (count, d), and by attribute how far each sample is on its side."""
    names = ("z", "w") if generator.mapping else ("z",)
    spaces: dict[str, list[Array]] = {name: [] for name in names}
    margins: dict[str, list[Array]] = {name: [] for name in classifiers}
    for chosen in batches(count, batch):
        z, labels = samples(generator, seed, chosen)
        with torch.no_grad():
            latents = generator.mapped(z[0], labels)
            pictures = box_downsampled(generator.draw(latents, labels), SIZE)
            for name, classifier in classifiers.items():
                margins[name].append(_margin(classifier(pictures), len(chosen), name, outputs))
        spaces["z"].append(z[0].numpy())
        if generator.mapping:
            last = latents[:, -1] if latents.ndim == 3 else latents  # (N, d)
            spaces["w"].append(last.cpu().numpy())
    return (
        {space: np.concatenate(parts) for space, parts in spaces.items()},
        {name: np.concatenate(parts) for name, parts in margins.items()},
    )


def _margin(output: Tensor, count: int, name: str, outputs: OutputKind) -> Array:
    """Signed distance from the classifier's decision, (N,)."""
    values: Array = output.detach().cpu().double().numpy()
    if values.shape not in ((count,), (count, 1)) or not np.isfinite(values).all():
        raise ConfigError(
            f"The classifier of {name!r} must give one finite number a picture, not "
            f"{values.shape} or NaN; check its weights and its last layer."
        )
    if outputs == "probabilities":
        if values.min() < 0 or values.max() > 1:
            raise ConfigError(
                f"The classifier of {name!r} gave what is no probability; say that it gives logits."
            )
        values = values - 0.5
    return values.reshape(count)


def separate(latents: Array, margins: Array, name: str, seed: int) -> Attribute:
    """How well a plane separates the surest half of the samples.

    Args:
        latents: (N, d).
        margins: Signed distance from the classifier's decision, (N,): the sign
            is the attribute, the size how sure the classifier is.
        name: Of the attribute.
        seed: Decides the two folds of the held-out figure, and the solver's order.
    """
    kept = np.argsort(-np.abs(margins), kind="stable")[: len(margins) // 2]
    x, y = latents[kept], margins[kept] >= 0
    sides, converged = _sides(x, y, x, seed)
    half = np.random.default_rng(derive(seed, "folds", name)).permutation(len(y)) % 2 == 0
    held_out = np.empty_like(y)
    for fold in (half, ~half):
        held_out[fold], ended = _sides(x[~fold], y[~fold], x[fold], seed)
        converged = converged and ended
    return Attribute(
        name=name,
        entropy=conditional_entropy(sides, y),
        held_out=conditional_entropy(held_out, y),
        share=float(y.mean()),
        one_class=bool(y.all() or not y.any()),
        converged=converged,
    )


def _sides(x: Array, y: Truths, asked: Array, seed: int) -> tuple[Truths, bool]:
    """The sides of the plane that separates y that `asked` lies on; whether the fit ended."""
    if y.all() or not y.any():  # nothing to separate: everything lies on the one side
        return np.full(len(asked), y[0]), True
    svm = LinearSVC(random_state=derive(seed, "svm") % 2**32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # reported as `converged`
        svm.fit(x, y)
    return svm.predict(asked), bool(svm.n_iter_ < svm.max_iter)


def conditional_entropy(side: Truths, y: Truths) -> float:
    """H(y | side) of two columns of truth values, (N,), N >= 1, in bits, in [0, 1].

    The sum over the sides of their share times the entropy of y on them.
    """
    total = 0.0
    for members in (y[side], y[~side]):
        shares = np.array([members.sum(), (~members).sum()]) / max(len(members), 1)
        shares = shares[shares > 0]
        total -= len(members) / len(y) * float((shares * np.log2(shares)).sum())
    return total
