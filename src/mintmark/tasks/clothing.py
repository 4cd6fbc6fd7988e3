"""Clothes in other colours and fabrics."""

from mintmark.engines.unpaired import Unpaired
from mintmark.tasks._task import PART, PHOTO, PICTURE, STRENGTH, STYLE, TRANSLATING, Translation

TASK = Translation(
    name="clothing",
    title="Recolour clothes, or give them another fabric",
    about=(
        "Learns from pictures of fabrics and clothes to give a garment the colours and texture of "
        "a reference: a swatch, or a piece cut out of another picture. Say with --mask where the "
        "garment is; all else stays to the last bit. Forty large pictures, and a quarter of an "
        "hour on a quiet core. Cut and folds stay as they are, and large patterns do not follow "
        "them."
    ),
    engine=Unpaired(nce=1.0, texture=2.0, tone=True, identity=3.0, border=8),
    schedules=TRANSLATING,
    inputs=(PICTURE, PART, STYLE, STRENGTH, PHOTO),
    size=64,
    args={"cooccurrence": True},
    cutting="crops",
    kinds=False,
    use="restyle",
)
