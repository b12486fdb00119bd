"""Learning-rate schedules as factors of the progress of a run. They step once per generator step, for both players."""

import math
from typing import Literal

ScheduleName = Literal["constant", "linear", "cosine", "exponential"]

_DECAYS = {
    "linear": lambda t: 1 - t,
    "cosine": lambda t: (1 + math.cos(math.pi * t)) / 2,
    "exponential": lambda t: 0.01**t,
}


def learning_rate_factor(schedule: ScheduleName, step: int, total: float, start: float = 0.0) -> float:
    """Factor of the learning rate for generator step ``step`` (from 0) of ``total``.

    It is 1 until ``start`` (a fraction of the run), then falls: ``linear`` and ``cosine`` to 0, ``exponential`` to 1 %.
    CycleGAN's "100 epochs, then 100 of linear decay" is ``linear`` with ``start=0.5``.
    """
    if schedule == "constant":
        return 1.0
    begin = start * total
    progress = (step - begin) / max(total - begin, 1)
    return _DECAYS[schedule](min(max(progress, 0.0), 1.0))
