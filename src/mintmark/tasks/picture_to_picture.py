"""Pictures changed as pairs of examples show."""

from mintmark.tasks._task import BY_PAIRS, FIDELITY, PAIRING, PICTURE, Restoration

TASK = Restoration(
    name="picture-to-picture",
    title="Change pictures as pairs show",
    about=(
        "Learns from pairs, before and after, to make the one of the other: a folder input and a "
        "folder target with equal names, halves of one picture, or metadata. A thousand pairs "
        "that match pixel by pixel and a quarter of an hour on two cores. Works at the size that "
        "it learned at; what the input does not tell, it makes up from what is usual."
    ),
    engine=BY_PAIRS,
    args={"conditional": True, "scales": 2},
    schedules=PAIRING,
    inputs=(PICTURE, FIDELITY),
    family="unet",
    cutting="whole",
    use="scale",
)
