"""What a model, a callback or a command may ask of any data: the contract of every data module."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Literal

import torch
from pytorch_lightning import LightningDataModule

from datamodules.sampler import StepSampler
from datamodules.sources import Batch

Split = Literal["train", "test"]


class GANDataModule(LightningDataModule, ABC):
    """Data as steps for the game: every batch holds ``n_critic`` minibatches and is a dict of named tensors.

    Args:
        root: folder where data sets are found or downloaded to.
        batch_size: data of one minibatch on one device. A step takes ``n_critic`` of them.
        workers: processes that decode files; data sets in memory need none. None: one for each core but one, at most 8.
        in_memory: keep all images as one tensor on the training device; None: when they fit 1 GiB.
        seed: of the order of the data.

    Raises:
        ValueError: an option is out of its range, or the data cannot serve; the message names the option or the file.
    """

    name: str

    def __init__(
        self,
        root: str = "data",
        batch_size: int = 128,
        workers: int | None = None,
        in_memory: bool | None = None,
        seed: int = 0,
    ):
        super().__init__()
        if batch_size < 1:
            raise ValueError(f"batch_size must be 1 or more, got {batch_size}")
        if workers is not None and workers < 0:
            raise ValueError(f"workers must be 0 or more, got {workers}")
        self.root, self.batch_size, self.in_memory, self.seed = root, batch_size, in_memory, seed
        self.workers = min(8, max(1, (os.cpu_count() or 1) - 1)) if workers is None else workers

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...] | dict[str, tuple[int, ...]]:
        """Shape of one datum; by domain where there are several."""

    @property
    def classes(self) -> int | None:
        """Number of classes, or None for data without labels."""
        return None

    @abstractmethod
    def size(self, split: Split) -> int:
        """Number of data in a split.

        Raises:
            ValueError: there is no such split.
        """

    @abstractmethod
    def reference(
        self,
        split: Split = "train",
        *,
        batch_size: int = 128,
        limit: int | None = None,
        device: torch.device | str = "cpu",
    ) -> Iterator[Batch]:
        """``limit`` data of a split in a fixed mixed order, as they are, in ready batches."""

    @abstractmethod
    def fingerprint(self, split: Split) -> str:
        """A hash that changes when the data of the split do."""

    @abstractmethod
    def describe(self) -> str:
        """One line for the plan: how many, of what shape."""

    def steps(self, **options) -> StepSampler:
        """The order of this process's data, in steps as large as the trainer's model takes.

        Raises:
            ValueError: one step needs more data than there are.
        """
        trainer, model = self.trainer, self.model
        rank, world_size = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
        if model is not None:
            self.check_for(model, world_size)
        return StepSampler(
            batch_size=self.batch_size,
            n_critic=getattr(model, "n_critic", 1),
            first_step=getattr(model, "steps_done", 0),
            **{"size": self.size("train"), "seed": self.seed, "rank": rank, "world_size": world_size, **options},
        )

    @property
    def model(self):
        """The model of the trainer that this data serves, or None."""
        return None if self.trainer is None else self.trainer.lightning_module

    def check_for(self, model, devices: int = 1) -> None:
        """Refuse, in one line, a model that this data cannot serve: one whose step needs more data than there are."""
        n_critic = getattr(model, "n_critic", 1)
        have, need = self.size("train"), n_critic * devices * self.batch_size
        if need > have:
            raise ValueError(
                f"{self.name} has {have} training images and one step takes {need} "
                f"(batch_size {self.batch_size} x n_critic {n_critic} x devices {devices}): lower the batch_size"
            )
