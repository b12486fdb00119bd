"""``checkpoints/last.ckpt``: what a run goes on from."""

from pathlib import Path

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint


class LastCheckpoint(ModelCheckpoint):
    """Write ``last.ckpt`` every N generator steps and at the end, whatever the scores are.

    Args:
        folder: the run folder.
        every_n_steps: generator steps between two writes.
    """

    def __init__(self, folder: Path, every_n_steps: int):
        super().__init__(
            Path(folder) / "checkpoints",
            filename="last",
            every_n_train_steps=every_n_steps,
            save_top_k=1,
            enable_version_counter=False,
        )

    @property
    def state_key(self) -> str:
        # Asked for at every hook of every step; Lightning's own formats a dict each time.
        return "LastCheckpoint"

    def on_train_end(self, trainer: Trainer, model: LightningModule) -> None:
        # Lightning's own writes at multiples of N alone; the last steps of a run would be lost.
        if not self._should_skip_saving_checkpoint(trainer):
            self._save_none_monitor_checkpoint(trainer, self._monitor_candidates(trainer))
