"""The style of one picture for another."""

from mintmark.engines.unpaired import Unpaired
from mintmark.tasks._task import PART, PHOTO, PICTURE, STRENGTH, STYLE, TRANSLATING, Translation

TASK = Translation(
    name="style",
    title="Give pictures the style of another picture",
    about=(
        "Learns from any folder of pictures of many styles, such as photographs and paintings, to "
        "give one the colours and textures of another. Forty large pictures, and a quarter of an "
        "hour on a quiet core. Brushes wider than the pieces that it learned from, and shapes, are "
        "not style to it."
    ),
    engine=Unpaired(nce=0.5, texture=2.0, tone=True, identity=3.0, border=8),
    schedules=TRANSLATING,
    inputs=(PICTURE, PART, STYLE, STRENGTH, PHOTO),
    size=64,
    args={"cooccurrence": True},
    cutting="crops",
    kinds=False,
    use="restyle",
)
