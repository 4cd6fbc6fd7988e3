"""A run that survives: it resumes, saves, and recovers from NaN, within bounds."""

from collections.abc import Iterator

from mintmark.core.errors import Diverged, GaveUp
from mintmark.core.log import get_logger
from mintmark.core.records import Progress
from mintmark.training import distributed
from mintmark.training.checkpoint import Store
from mintmark.training.precision import Compute
from mintmark.training.trainer import Batches, Engine, RunState, Schedule, train

logger = get_logger("training")

MOST_RETRIES = 3
STRONGER = 2.0  # factor on gamma at each retry


def run(
    engine: Engine,
    state: RunState,
    batches: Batches,
    schedule: Schedule,
    compute: Compute,
    store: Store,
    save_every: int,
) -> Iterator[Progress]:
    """Trains as `trainer.train` does, with checkpoints and a bounded way back.

    The first checkpoint is made before the first step, so there is always a
    good state to return to. After NaN or Inf the newest checkpoint is restored
    and gamma is doubled; at the fourth time the run ends.

    Args:
        engine: The game to play.
        state: A fresh state; the newest checkpoint, if any, is loaded into it.
        batches: Rows by step and number.
        schedule: Length and rates.
        compute: Device, precision and place among the processes.
        store: Where checkpoints go; only the first process writes.
        save_every: Steps between checkpoints; the last step is always saved.

    Yields:
        Progress after each step, at a moment when `state` is whole.

    Raises:
        GaveUp: The run diverged once more after three retries.
        CheckpointError: A checkpoint could not be written.
    """
    if _restore(store, state, compute) is None:
        _save(store, state, compute)
    while True:
        try:
            for progress in train(engine, state, batches, schedule, compute):
                if state.step % save_every == 0 or state.step == schedule.steps:
                    _save(store, state, compute)
                yield progress
        except Diverged as error:
            yield _go_back(store, state, schedule, compute, error)
        else:
            return


def _go_back(
    store: Store, state: RunState, schedule: Schedule, compute: Compute, error: Diverged
) -> Progress:
    """Restores the last good state with a stronger gamma, or gives up."""
    _restore(store, state, compute)
    retries = int(state.controls["retries"]) + 1
    if retries > MOST_RETRIES:
        raise GaveUp(
            f"{error} Gamma was doubled {MOST_RETRIES} times without help, so the run ends at "
            f"the good step {state.step}; lower the learning rate or look at the data, then "
            "start again."
        ) from error
    state.controls["retries"] = float(retries)
    state.controls["gamma_scale"] *= STRONGER
    _save(store, state, compute)
    logger.warning("diverged", step=error.step, where=error.where, back_to=state.step)
    message = (
        f"{error} Went back to step {state.step} with gamma times "
        f"{state.controls['gamma_scale']:g} (retry {retries} of {MOST_RETRIES})."
    )
    done = min(state.images_seen, schedule.images)
    return Progress("training", done, schedule.images, "images", {}, message)


def _restore(store: Store, state: RunState, compute: Compute) -> int | None:
    """Restores in every process before any of them may write the next checkpoint."""
    step = store.restore(state)
    distributed.wait_for_all(compute.world)
    return step


def _save(store: Store, state: RunState, compute: Compute) -> None:
    if compute.rank == 0:
        store.save(state)
    distributed.wait_for_all(compute.world)
