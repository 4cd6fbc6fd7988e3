"""Rights of what is made from several sources: computed, never typed."""

from mintmark.core.records import Rights


def combine(first: Rights, second: Rights) -> Rights:
    """The rights of something that was made from both.

    Both licences hold at once (`A AND B`, as SPDX writes it), everybody named by
    either is named, and both sources are told.
    """
    licences = _joined(" AND ", first.licence, second.licence)
    names = dict.fromkeys((*first.attribution, *second.attribution))
    return Rights(licences, tuple(names), _joined("; ", first.source, second.source))


def _joined(link: str, *texts: str) -> str:
    """The parts of all texts in their order, each once."""
    parts = [part for text in texts for part in text.split(link) if part]
    return link.join(dict.fromkeys(parts))
