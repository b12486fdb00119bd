"""SIGINT and SIGTERM end a run after the step at hand, with a checkpoint."""

import signal

from pytorch_lightning import Callback, LightningModule, Trainer


class GracefulStop(Callback):
    """The first signal asks the run to stop at the end of its step; a second SIGINT stops at once.

    ``received`` is the signal's number afterwards, or None.
    """

    def __init__(self):
        self.received: int | None = None

    def on_train_start(self, trainer: Trainer, model: LightningModule) -> None:
        # After Lightning, whose own handler for SIGTERM ends the run without a checkpoint and with status 0.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def _handle(self, number: int, frame) -> None:
        # A handler may run in the middle of anything: it does nothing but take note.
        if self.received is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = number

    def on_train_batch_end(self, trainer: Trainer, model: LightningModule, *_) -> None:
        if self.received is not None:
            trainer.should_stop = True
