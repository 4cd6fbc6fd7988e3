import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from fidelity import fidelity
from torch import Tensor

from mintmark.core.errors import ConfigError
from mintmark.metrics.latent import (
    Generator,
    batches,
    box_downsampled,
    lerp,
    measured,
    path,
    require_fine,
    samples,
    slerp,
)


def normal(seed: int, *shape: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def square(z: Tensor, labels: Tensor | None) -> Tensor:
    return z.reshape(-1, 1, 2, 2)


def coarsened(coarse: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor | None], Tensor]:
    return lambda z, labels: coarse(square(z, labels))


def test_an_arc_starts_ends_and_stays_on_the_sphere() -> None:
    a, b = normal(0, 50, 8), normal(1, 50, 8)
    radius = math.sqrt(8)
    for t, end in ((0.0, a), (1.0, b)):
        expected = radius * end / end.norm(dim=1, keepdim=True)
        torch.testing.assert_close(slerp(a, b, torch.full((50,), t).double()), expected)
    between = slerp(a, b, torch.linspace(0, 1, 50).double())
    torch.testing.assert_close(between.norm(dim=1), torch.full((50,), radius).double())


def test_an_arc_has_constant_speed() -> None:
    # Between orthogonal directions the angle from the first is t times 90 degrees.
    a, b = torch.tensor([[5.0, 0, 0]]).double(), torch.tensor([[0, 0.1, 0]]).double()
    for t in (0.1, 1 / 3, 0.9):
        angle = t * math.pi / 2
        expected = math.sqrt(3) * torch.tensor([[math.cos(angle), math.sin(angle), 0]]).double()
        torch.testing.assert_close(slerp(a, b, torch.tensor([t]).double()), expected)


def test_an_arc_of_obtuse_angle_takes_the_whole_of_it() -> None:
    a = torch.tensor([[1.0, 0]]).double()
    b = torch.tensor([[math.cos(2.5), math.sin(2.5)]]).double()
    middle = slerp(a, b, torch.tensor([0.5]).double())
    expected = math.sqrt(2) * torch.tensor([[math.cos(1.25), math.sin(1.25)]]).double()
    torch.testing.assert_close(middle, expected)


def test_interpolations_equal_those_of_torch_fidelity() -> None:
    peer = fidelity("noise")
    a, b, t = normal(0, 40, 16), normal(1, 40, 16), torch.linspace(0, 1, 40).double()
    torch.testing.assert_close(lerp(a, b, t), peer.batch_lerp(a, b, t[:, None]))
    # Its arcs are arcs between ends of one length only.
    ends = (peer.batch_normalize_last_dim(end) for end in (a, b))
    torch.testing.assert_close(slerp(a, b, t), 4 * peer.batch_slerp_unit(*ends, t[:, None]))


def test_lines_go_through_every_layer_of_w() -> None:
    a, b = normal(0, 3, 2, 4), normal(1, 3, 2, 4)
    middle = lerp(a, b, torch.tensor([0.0, 0.25, 1.0]).double())
    torch.testing.assert_close(middle[1], 0.75 * a[1] + 0.25 * b[1])
    torch.testing.assert_close(middle[2], b[2])


def test_samples_depend_on_seed_and_number_alone() -> None:
    generator = Generator(square, latent=4, labels=range(5))
    z, labels = samples(generator, 3, range(20), points=2)
    some, theirs = samples(generator, 3, (7, 2), points=2)
    assert z.shape == (2, 20, 4) and z.dtype == torch.float64
    assert labels is not None and theirs is not None and labels.dtype == torch.int64
    assert torch.equal(some, z[:, [7, 2]]) and torch.equal(theirs, labels[[7, 2]])
    assert len({float(value) for value in z.flatten()}) == z.numel()  # no end repeats another
    assert not torch.equal(samples(generator, 4, range(20), points=2)[0], z)


def test_samples_are_standard_normal_with_the_labels_of_the_column() -> None:
    generator = Generator(square, latent=4, labels=[3] * 30 + [8] * 10)
    z, labels = samples(generator, 0, range(4000))
    assert labels is not None
    assert abs(float(z.mean())) < 3 / math.sqrt(z.numel())
    assert abs(float(z.var()) - 1) < 3 * math.sqrt(2 / z.numel())
    assert set(labels.tolist()) == {3, 8}
    assert abs(float((labels == 8).double().mean()) - 0.25) < 3 * math.sqrt(0.25 * 0.75 / 4000)
    assert samples(Generator(square, latent=4), 0, range(3))[1] is None


def test_blocks_are_averaged_above_the_size_only() -> None:
    pictures = torch.arange(32.0).reshape(1, 2, 4, 4)
    assert torch.equal(box_downsampled(pictures, 4), pictures)
    assert torch.equal(box_downsampled(pictures, 3), pictures)  # 4 // 3 is 1
    halved = box_downsampled(pictures, 2)
    assert halved.tolist() == [[[[2.5, 4.5], [10.5, 12.5]], [[18.5, 20.5], [26.5, 28.5]]]]
    wide = box_downsampled(torch.arange(8.0).reshape(1, 1, 2, 4), 1)
    assert wide.tolist() == [[[[2.5, 4.5]]]]
    with pytest.raises(ConfigError, match="blocks of 2"):
        box_downsampled(torch.zeros(1, 1, 5, 5), 2)


def test_batches_cover_every_number_once() -> None:
    assert [list(batch) for batch in batches(5, 2)] == [[0, 1], [2, 3], [4]]
    with pytest.raises(ConfigError, match="at least one sample"):
        list(batches(5, 0))


def test_a_generator_must_draw_finely_and_twice_the_same() -> None:
    assert require_fine(Generator(square, latent=4), 0) == "float64"
    assert require_fine(Generator(lambda z, y: square(z, y).float(), latent=4), 0) == "float32"
    for coarse in (torch.Tensor.byte, torch.Tensor.bfloat16):
        with pytest.raises(ConfigError, match="float32 or float64"):
            require_fine(Generator(coarsened(coarse), latent=4), 0)
    with pytest.raises(ConfigError, match=r"\(N, C, H, W\)"):
        require_fine(Generator(lambda z, _: z, latent=4), 0)
    noise = iter(range(9))
    with pytest.raises(ConfigError, match="hold the noise fixed"):
        require_fine(Generator(lambda z, y: square(z, y) + next(noise), latent=4), 0)


def test_a_distance_must_be_one_finite_number_a_pair() -> None:
    a, b = normal(0, 3, 1, 2, 2), normal(1, 3, 1, 2, 2)
    values = measured(lambda a, b: (a - b).float().square().sum(dim=(1, 2, 3)), a, b)
    assert values.dtype == np.float64 and values.shape == (3,)
    for wrong in (lambda a, b: (a - b).square().sum(), lambda a, b: (a - b)[:, 0, 0, 0] / 0):
        with pytest.raises(ConfigError, match="one finite number a pair"):
            measured(wrong, a, b)


def test_a_path_needs_the_space_that_it_lies_in() -> None:
    ends = normal(0, 2, 3, 4)
    generator = Generator(square, latent=4)
    other: Any = "x"
    with pytest.raises(ConfigError, match="no mapping"):
        path(generator, "w", ends, None)
    with pytest.raises(ConfigError, match="'z' or 'w'"):
        path(generator, other, ends, None)
    with pytest.raises(ConfigError, match="2 dimensions"):
        path(Generator(square, latent=1), "z", ends[..., :1], None)


def test_a_path_in_z_is_mapped_after_and_one_in_w_before() -> None:
    ends, t = normal(0, 2, 3, 4), torch.full((3,), 0.5).double()
    generator = Generator(square, latent=4, mapping=lambda z, _: z.exp().float())
    in_z = path(generator, "z", ends, None)(t)
    in_w = path(generator, "w", ends, None)(t)
    torch.testing.assert_close(in_z, slerp(ends[0], ends[1], t).exp().float().double())
    torch.testing.assert_close(in_w, (ends[0].exp() + ends[1].exp()) / 2, rtol=1e-6, atol=0)
    assert in_z.dtype == in_w.dtype == torch.float64
