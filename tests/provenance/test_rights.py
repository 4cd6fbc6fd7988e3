from mintmark.core.records import Rights
from mintmark.provenance.rights import combine

PHOTOS = Rights("CC-BY-4.0", ("Ada",), "photos")
ICONS = Rights("CC0-1.0", ("Grace", "Ada"), "icons")


def test_both_licences_hold_and_everybody_is_named_once() -> None:
    assert combine(PHOTOS, ICONS) == Rights(
        "CC-BY-4.0 AND CC0-1.0", ("Ada", "Grace"), "photos; icons"
    )
    assert combine(combine(PHOTOS, ICONS), PHOTOS) == combine(PHOTOS, ICONS)


def test_equal_rights_stay_as_they_are() -> None:
    assert combine(PHOTOS, PHOTOS) == PHOTOS


def test_what_is_unspecified_stays_so() -> None:
    assert combine(Rights(), PHOTOS).licence == "unspecified AND CC-BY-4.0"
