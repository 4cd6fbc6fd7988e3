from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from mintmark.data import pictures
from mintmark.engines import alpha
from mintmark.engines.synthesis import Request, Synthesis
from mintmark.training.draws import Draws
from mintmark.training.trainer import Batch, Cosine, Moment


def rgba(seed: int = 0) -> Tensor:
    return torch.rand(2, 4, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_colours_are_laid_on_white_as_pictures_are() -> None:
    levels = np.random.default_rng(0).integers(0, 256, (8, 8, 4), dtype=np.uint8)
    laid = alpha.on_white(torch.from_numpy(levels).permute(2, 0, 1)[None].float() / 127.5 - 1)
    expected = torch.from_numpy(pictures.on_white(levels)).permute(2, 0, 1)[None]
    assert ((laid[:, :3] + 1) * 127.5 - expected).abs().max() < 0.51


def test_straight_colours_come_back_where_there_are_any() -> None:
    given = rgba()
    given[:, 3, :2] = -1.0
    found = alpha.straight(alpha.on_white(given))
    torch.testing.assert_close(found[:, :, 2:], given[:, :, 2:], atol=2e-4, rtol=0)
    assert torch.all(found[:, :3, :2] == 1.0)
    assert torch.all(found[:, 3, :2] == -1.0)


def test_whatever_a_network_draws_looks_the_same_on_white() -> None:
    drawn = rgba() * 1.5
    found = alpha.straight(drawn)
    assert found.abs().max() <= 1.0 + 1e-6
    laid = alpha.on_white(found)
    torch.testing.assert_close(laid[:, :3], drawn[:, :3].clamp(-1, 1), atol=1e-5, rtol=0)
    assert torch.all(laid[:, 3] >= drawn[:, 3].clamp(-1, 1) - 1e-6)


def test_what_has_no_alpha_stays_as_it_is() -> None:
    for shape in ((2, 1, 4, 4), (2, 3, 4, 4), (5, 2), (5, 4)):
        samples = torch.zeros(shape)
        assert alpha.on_white(samples) is samples
        assert torch.equal(alpha.straight(samples), samples)
    assert alpha.straight(torch.full((2, 3, 4, 4), 2.0)).max() == 1.0


class Watching(nn.Module):
    """A discriminator that remembers what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor, _condition: Tensor | None) -> Tensor:
        self.seen.append(x.detach().clone())
        return x.mean((1, 2, 3))


class Painting(nn.Module):
    """A generator of half-transparent grey on white."""

    latent = 2
    extras: ClassVar[dict[str, int]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.picture = nn.Parameter(torch.tensor([0.5, 0.5, 0.5, 0.0]))

    def forward(self, z: Tensor, _condition: Tensor | None, _psi: float) -> Tensor:
        return self.picture[:, None, None] + torch.zeros(len(z), 4, 8, 8)


def test_the_game_is_played_on_white_and_what_is_drawn_is_straight() -> None:
    real, judge = rgba(), Watching()
    networks: dict[str, nn.Module] = {"G": Painting(), "D": judge}
    engine = Synthesis(gamma=Cosine(1.0, 1.0), penalties=())
    moment = Moment(0, 0.0, {"gamma_scale": 1.0}, Draws(0, 0, 2, 0, 2))
    for phase in ("discriminator", "generator"):
        engine.losses(phase, networks, Batch(real, None), moment)
    both, fake, again = judge.seen
    torch.testing.assert_close(both[:2], alpha.on_white(real))
    torch.testing.assert_close(again, alpha.on_white(real))
    torch.testing.assert_close(both[2:], fake)
    drawn = engine.run(networks, Request(0, [0]))
    torch.testing.assert_close(drawn, alpha.straight(fake[:1]))
    assert torch.all(drawn[:, :3].abs() < 1e-6)  # half of it shows through as 0.5
