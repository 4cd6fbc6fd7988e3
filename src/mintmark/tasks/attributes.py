"""Pictures in which one attribute changes: hair, glasses, a smile."""

from mintmark.engines.unpaired import Unpaired
from mintmark.tasks._task import PHOTO, PICTURE, REFERENCE, STRENGTH, TO, TRANSLATING, Translation

TASK = Translation(
    name="attributes",
    title="Change one attribute of pictures",
    about=(
        "Learns from pictures with a table of what each shows to change one attribute, such as the "
        "colour of hair or whether there are glasses, and to leave the rest: name its column with "
        "--kinds. Some hundred pictures of each value, and ten minutes on a quiet core at 32 "
        "pixels. What goes along with the attribute in the data goes along in the results."
    ),
    engine=Unpaired(nce=0.0, cycle=10.0, texture=0.0, identity=5.0, area=0.05),
    schedules=TRANSLATING,
    inputs=(PICTURE, TO, STRENGTH, REFERENCE, PHOTO),
    args={"local": True},
)
