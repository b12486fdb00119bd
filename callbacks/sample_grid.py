"""Grids of samples from the same latents all through training."""

from pathlib import Path

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from callbacks.pictures import send, to_panel


class SampleGrid(Callback):
    """Write ``samples/fakes_000500.png`` and the like into the run folder, and show them in the loggers.

    The latents are fixed and labelled data stands in one row per class, so grids of different steps can be laid side
    by side. Knows the data contract alone: ``pictures(batch, rng)`` and ``panels`` of the model, ``reference`` of the
    data module.

    Args:
        every_n_steps: generator steps between two grids; there is one before the first step and one at the end as well.
            0: no grids.
        columns: samples in a row.
        rows: rows of a grid; data with up to ``max_classes`` classes gets one row per class instead.
        max_classes: classes up to which a row stands for a class.
        seed: of the latents.
    """

    def __init__(self, every_n_steps: int = 500, columns: int = 8, rows: int = 8, max_classes: int = 20, seed: int = 0):
        if min(columns, rows) < 1 or every_n_steps < 0:
            raise ValueError("samples.columns and samples.rows must be 1 or more, samples.every_n_steps 0 or more")
        self.every_n_steps, self.columns, self.rows, self.max_classes = every_n_steps, columns, rows, max_classes
        self.seed = seed
        self._batch: dict[str, torch.Tensor] | None = None
        self._last_step: int | None = None

    def on_train_start(self, trainer: Trainer, model: LightningModule) -> None:
        self._last_step = None
        if self.every_n_steps and trainer.is_global_zero:
            # Rows of several pictures side by side are larger, and fewer of them tell enough.
            side_by_side = any(len(names) > 1 for names in model.panels.values())
            self._batch = self.fixed_batch(trainer.datamodule, model.device, one_column=side_by_side)
            self.draw(trainer, model)

    def on_train_batch_end(self, trainer: Trainer, model: LightningModule, *_) -> None:
        if self.every_n_steps and trainer.global_step % self.every_n_steps == 0 and trainer.is_global_zero:
            self.draw(trainer, model)

    def on_train_end(self, trainer: Trainer, model: LightningModule) -> None:
        if self.every_n_steps and trainer.is_global_zero:
            self.draw(trainer, model)

    def fixed_batch(self, data, device: torch.device, one_column: bool = False) -> dict[str, torch.Tensor]:
        """The data that stand beside the latents of every grid: by class where classes are few, else the first."""
        by_class = data.classes is not None and data.classes <= self.max_classes
        columns = 1 if one_column else self.columns
        wanted = [columns] * data.classes if by_class else [columns * self.rows]
        found: list[list[dict[str, torch.Tensor]]] = [[] for _ in wanted]
        for batch in data.reference("train", device=device):
            for i in range(min(len(tensor) for tensor in batch.values())):
                row = found[int(batch["label"][i])] if by_class else found[0]
                if len(row) < wanted[0]:
                    row.append({name: tensor[i] for name, tensor in batch.items()})
            if all(len(row) == wanted[0] for row in found):
                break
        # A class with too few images shows them again; one with none is left out.
        items = [row[i % len(row)] for row in found if row for i in range(wanted[0])]
        return {name: torch.stack([item[name] for item in items]) for name in items[0]}

    def draw(self, trainer: Trainer, model: LightningModule) -> None:
        """Write and show every panel of this step, unless that is done."""
        step = trainer.global_step
        if step == self._last_step:
            return
        folder = Path(trainer.default_root_dir) / "samples"
        folder.mkdir(parents=True, exist_ok=True)
        pictures = model.pictures(self._batch, torch.Generator().manual_seed(self.seed))
        for panel, names in model.panels.items():
            # Reals do not change: one picture of them is enough.
            constant = all(name.startswith("real") for name in names)
            if constant and self._last_step is not None:
                continue
            picture = to_panel(pictures, names, self.columns)
            picture.save(folder / (f"{panel}.png" if constant else f"{panel}_{step:06d}.png"))
            send(trainer.loggers, f"samples/{panel}", picture, step, f"{' | '.join(names)} at step {step}")
        self._last_step = step
