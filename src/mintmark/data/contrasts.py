"""Conditions that pictures do not show, for a judge that learns what belongs together."""

import torch

CONTRASTS = 8  # conditions that a row is set against, where they differ in one attribute each
OTHERS = 4  # the same where they are those of other pictures


def following(rows: torch.Tensor) -> torch.Tensor:
    """The conditions of the next rows of a whole batch, (N, ...) to (N, OTHERS, ...)."""
    return torch.stack([rows.roll(-turn, 0) for turn in range(1, OTHERS + 1)], 1)


def contrasts(rows: torch.Tensor, parts: tuple[int, ...], step: int) -> torch.Tensor:
    """Conditions that are wrong in one attribute: each row with that of another one.

    Rows that differ in all at once would teach a judge to look at the plainest one alone.

    Args:
        rows: Attributes of a whole batch, (N, sum of parts); a missing one is all zeros.
        parts: Numbers that each attribute takes.
        step: Of the batch; where attributes are many, they take turns.

    Returns:
        (N, K, sum of parts), one row for each attribute but CONTRASTS at most. Where an
        attribute is missing, or no other row has another value, the row itself.
    """
    count = min(len(parts), CONTRASTS)
    found = rows.unsqueeze(1).repeat(1, count, 1)
    places, start = torch.arange(len(rows)), 0
    for number, own in enumerate(torch.split(rows, list(parts), 1)):
        turns = (number - step - places) % len(parts)  # (N,)
        due = turns < count
        found[places[due], turns[due], start : start + own.shape[1]] = _denied(own)[due]
        start += own.shape[1]
    return found


def _denied(own: torch.Tensor) -> torch.Tensor:
    """For each row the next one that is neither equal nor missing, or itself, (N, width)."""
    places = torch.arange(len(own))
    others = own[(places[:, None] + places + 1) % len(own)]  # (N, N, width), itself last
    usable = others.any(2) & (others != own[:, None]).any(2) & own.any(1, keepdim=True)
    first = others[places, usable.int().argmax(1)]
    return torch.where(usable.any(1, keepdim=True), first, own)
