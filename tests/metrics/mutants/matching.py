"""Faults in the judge of captions that its tests must find."""

MODULE = "src/mintmark/metrics/matching.py"
TESTS = ["tests/metrics/test_matching.py"]
MUTANTS: list[tuple[str, str, str]] = [
    ("equal ones do not count", "+ (other == own).sum() / 2", ""),
    ("ranks from 0", "1 + (other > own).sum()", "(other > own).sum()"),
    ("the farthest is first", "(other > own).sum()", "(other < own).sum()"),
    ("the asked caption is among the others", "drawn_from[drawn_from != places[caption]]",
     "drawn_from"),
    ("captions that come twice are drawn twice", "for caption in set(pool)", "for caption in pool"),
    ("the seed does not draw", 'derive(seed, "distractors", row)', 'derive(0, "distractors", row)'),
    ("the fifth does not count", "(ranks <= within)", "(ranks < within)"),
    ("captions beside other pictures", "right = torch.arange(len(codes))",
     "right = torch.arange(len(codes)).roll(1)"),
    ("words without their parts", "for token in ends + grams", "for token in ends"),
    ("upper case is another word", ".casefold()", ""),
    ("the order of words counts", "np.sort(np.array(", "np.array(np.array("),
    ("Python's hash", "int(digest[:8], 16) % BUCKETS", "hash(digest) % BUCKETS"),
    ("vectors of any length", "return F.normalize(self.text_head(joined), dim=1)",
     "return torch.as_tensor(self.text_head(joined))"),
    ("judged in training mode", "    matcher.eval()\n", ""),
]  # fmt: skip
