"""How fast training goes: numbers for the loggers, and one bar over the whole run."""

import sys
import time

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import ProgressBar
from tqdm import tqdm


class Throughput(ProgressBar):
    """One progress bar in generator steps with images per second, and the same speed in the loggers.

    Logs ``speed/images_per_second``, ``speed/steps_per_second`` and ``speed/images_seen``; time spent on grids and
    scores counts, as it does for whoever waits.

    Args:
        show: draw the bar; the loggers get their numbers in any case.
        refresh_seconds: time between two updates of the bar on a terminal; elsewhere it is a line every 10 seconds.
    """

    def __init__(self, show: bool = True, refresh_seconds: float = 0.5):
        super().__init__()
        self.show, self.refresh_seconds = show, refresh_seconds
        self._bar: tqdm | None = None

    def disable(self) -> None:
        """Lightning calls this on ranks that should be silent."""
        self.show = False

    def on_train_start(self, trainer: Trainer, model: LightningModule) -> None:
        self._mark = (trainer.global_step, time.perf_counter())
        if self.show:
            total = trainer.estimated_stepping_batches
            terminal = sys.stderr.isatty()
            self._bar = tqdm(
                total=None if total == float("inf") else int(total),
                initial=trainer.global_step,
                unit="step",
                mininterval=self.refresh_seconds if terminal else 10,
                dynamic_ncols=terminal,
                smoothing=0.1,
            )

    def on_train_batch_end(self, trainer: Trainer, model: LightningModule, outputs, batch, batch_idx: int) -> None:
        if self._bar is not None:
            self._bar.update(1)
        if trainer.global_step % trainer.log_every_n_steps:
            return
        step, now = trainer.global_step, time.perf_counter()
        (last_step, last_time), self._mark = self._mark, (step, now)
        per_step = len(next(iter(batch.values()))) * trainer.world_size
        speed = (step - last_step) / (now - last_time)
        speeds = {
            "speed/images_per_second": speed * per_step,
            "speed/steps_per_second": speed,
            "speed/images_seen": float(step * per_step),
        }
        model.log_dict(speeds, batch_size=1)
        if self._bar is not None:
            self._bar.set_postfix_str(f"{speed * per_step:.0f} images/s", refresh=False)

    def on_train_end(self, trainer: Trainer, model: LightningModule) -> None:
        self._close()

    def on_exception(self, trainer: Trainer, model: LightningModule, exception: BaseException) -> None:
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
