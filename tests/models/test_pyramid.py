import re

import pytest

from mintmark.core.errors import ConfigError
from mintmark.models.layers import pyramid


def test_stages_lead_from_four_to_seven_cells_to_the_whole_picture() -> None:
    sizes = {(8, 8): 2, (14, 14): 2, (16, 16): 3, (28, 28): 3, (24, 16): 3, (48, 32): 4}
    sizes |= {(32, 1024): 4, (1024, 1024): 9}
    for (height, width), stages in sizes.items():
        assert pyramid.stages(height, width) == pyramid.stages(width, height) == stages
        assert 4 <= min(height, width) >> (stages - 1) <= 7


def test_the_size_that_is_named_can_be_drawn_and_is_near() -> None:
    refused = 0
    for height in range(8, 140):
        for width in range(8, 300, 7):
            try:
                pyramid.stages(height, width)
            except ConfigError as error:
                named = re.search(r"is (\d+)x(\d+)\.$", str(error))
                assert named is not None
                near = int(named[2]), int(named[1])
                pyramid.stages(*near)
                furthest = max(abs(near[0] - height), abs(near[1] - width))
                assert furthest <= min(height, width) / 7
                refused += 1
    assert refused > 1000


@pytest.mark.parametrize(("height", "width"), [(7, 64), (64, 7), (0, 8), (1025, 64), (-8, 8)])
def test_sizes_out_of_range_are_refused(height: int, width: int) -> None:
    with pytest.raises(ConfigError, match=f"not {width} x {height}"):
        pyramid.stages(height, width)
