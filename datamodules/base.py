"""What every source of images shares: the order of the data, memory or files, and batches with names.

A batch is a dict: ``x`` (n, channels, height, width), float in [-1, 1], and ``label`` (n,) where the data has classes.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Literal

import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.nn.functional import interpolate
from torch.utils.data import DataLoader

from datamodules.sampler import StepSampler
from datamodules.sources import Batch, Decoded, Files, Images, Indices

Split = Literal["train", "test"]
#: Data sets up to this many bytes, decoded, live in memory unless ``in_memory`` says otherwise.
IN_MEMORY_BYTES = 1 << 30


def resized(images: Tensor, size: int | None) -> Tensor:
    """uint8 images (n, c, h, w) at size x size, by a bicubic antialiased filter; None or the same size: as they are."""
    if size is None or tuple(images.shape[2:]) == (size, size):
        return images
    chunks = images.split(4096)
    bicubic = {"size": (size, size), "mode": "bicubic", "antialias": True, "align_corners": False}
    return torch.cat([interpolate(c.float(), **bicubic).round_().clamp_(0, 255).to(torch.uint8) for c in chunks])


class ImageDataModule(LightningDataModule, ABC):
    """A data set of images, as steps for the game.

    A subclass gives ``name`` and ``read(split)``; ``shape`` and ``classes`` then tell the networks what to be.

    Args:
        root: folder where data sets are found or downloaded to.
        batch_size: images of one minibatch on one device. A step takes ``n_critic`` of them.
        image_size: side in pixels that images are brought to; None: as they are.
        flip: mirror images left to right at random.
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
        image_size: int | None = None,
        flip: bool = False,
        workers: int | None = None,
        in_memory: bool | None = None,
        seed: int = 0,
    ):
        super().__init__()
        if batch_size < 1:
            raise ValueError(f"batch_size must be 1 or more, got {batch_size}")
        if image_size is not None and image_size < 1:
            raise ValueError(f"image_size must be 1 or more, got {image_size}")
        if workers is not None and workers < 0:
            raise ValueError(f"workers must be 0 or more, got {workers}")
        self.root, self.batch_size, self.image_size, self.flip = root, batch_size, image_size, flip
        self.workers = min(8, max(1, (os.cpu_count() or 1) - 1)) if workers is None else workers
        self.in_memory, self.seed = in_memory, seed
        self._sources: dict[str, Images | Files] = {}
        self._on_device: Images | None = None

    @abstractmethod
    def read(self, split: Split) -> Images | Files:
        """The images of a split.

        Raises:
            ValueError: there is no such split, or its images cannot be used.
        """

    # What models and callbacks ask.

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of every image."""
        source = self.source("train")
        return tuple(source.images.shape[1:]) if isinstance(source, Images) else (source.channels, *source.size)

    @property
    def classes(self) -> int | None:
        """Number of classes, or None for data without labels."""
        labels = self.source("train").labels
        return None if labels is None else int(labels.max()) + 1

    def source(self, split: Split) -> Images | Files:
        """The images of a split, read once."""
        if split not in self._sources:
            source = self.read(split)
            if isinstance(source, Files):
                size = len(source) * source.channels * source.size[0] * source.size[1]
                if self.in_memory or (self.in_memory is None and size <= IN_MEMORY_BYTES):
                    source = source.in_memory()
            self._sources[split] = source
        return self._sources[split]

    def reference(
        self,
        split: Split = "train",
        *,
        batch_size: int = 128,
        limit: int | None = None,
        device: torch.device | str = "cpu",
    ) -> Iterator[Batch]:
        """The first ``limit`` images of a split in their own order, unmirrored, in ready batches."""
        source = self.source(split)
        for index in torch.arange(min(limit or len(source), len(source))).split(batch_size):
            yield self._ready({name: tensor.to(device) for name, tensor in source.gather(index).items()})

    def fingerprint(self, split: Split) -> str:
        """A hash that changes when the images of the split do."""
        return self.source(split).fingerprint()

    # What Lightning asks.

    def setup(self, stage: str) -> None:
        self.source("train")

    def train_dataloader(self) -> DataLoader:
        source, sampler = self.source("train"), self.steps()
        in_memory = isinstance(source, Images)
        workers = 0 if in_memory else self.workers
        return DataLoader(
            Indices() if in_memory else Decoded(source),
            sampler=sampler,
            batch_size=None,  # the sampler already draws whole steps
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=not in_memory and torch.cuda.is_available(),
            generator=torch.Generator().manual_seed(self.seed),  # so that workers leave the global generator alone
        )

    def steps(self) -> StepSampler:
        """The order of this process's data, in steps as large as the trainer's model takes.

        Raises:
            ValueError: one step needs more images than there are.
        """
        trainer = self.trainer
        sampler = StepSampler(
            len(self.source("train")),
            self.batch_size,
            getattr(trainer.lightning_module, "n_critic", 1) if trainer else 1,
            seed=self.seed,
            flip=self.flip,
            rank=trainer.global_rank if trainer else 0,
            world_size=trainer.world_size if trainer else 1,
        )
        self.check_step(sampler.n_critic, sampler.world_size)
        return sampler

    def check_step(self, n_critic: int, devices: int = 1) -> None:
        """Refuse, in one line, a step that needs more images than there are."""
        have, need = len(self.source("train")), n_critic * devices * self.batch_size
        if need > have:
            raise ValueError(
                f"{self.name} has {have} training images and one step takes {need} "
                f"(batch_size {self.batch_size} x n_critic {n_critic} x devices {devices}): lower the batch_size"
            )

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        if "index" in batch:
            index = batch.pop("index")
            if self._on_device is None or self._on_device.images.device != index.device:
                self._on_device = self.source("train").on(index.device)
            batch |= self._on_device.gather(index)
        return self._ready(batch)

    def _ready(self, batch: Batch) -> Batch:
        """Raw images to floats in [-1, 1], mirrored where ``flip`` says so."""
        flip = batch.pop("flip", None)
        x = batch["x"].to(torch.float32).mul_(1 / 127.5).sub_(1)
        if self.flip and flip is not None:
            x = torch.where(flip[:, None, None, None], x.flip(-1), x)
        return {**batch, "x": x}
