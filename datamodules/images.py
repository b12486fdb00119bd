"""One set of images, in memory or in files; batches of ``x`` (n, channels, height, width) in [-1, 1] and ``label``."""

from abc import abstractmethod
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate
from torch.utils.data import DataLoader

from datamodules.base import GANDataModule, Split
from datamodules.sources import Batch, Decoded, Files, Images, Indices, in_memory_if, normalised


def resized(images: Tensor, size: int | None) -> Tensor:
    """uint8 images (n, c, h, w) at size x size, by a bicubic antialiased filter; None or the same size: as they are."""
    if size is None or tuple(images.shape[2:]) == (size, size):
        return images
    chunks = images.split(4096)
    bicubic = {"size": (size, size), "mode": "bicubic", "antialias": True, "align_corners": False}
    return torch.cat([interpolate(c.float(), **bicubic).round_().clamp_(0, 255).to(torch.uint8) for c in chunks])


def mixed(n: int) -> Tensor:
    """The numbers below n in a fixed mixed order: data often comes sorted by class, and a part must stand for all."""
    return torch.from_numpy(np.random.default_rng(0).permutation(n))


class ImageDataModule(GANDataModule):
    """A data set of images.

    A subclass gives ``name`` and ``read(split)``; ``shape`` and ``classes`` then tell the networks what to be.

    Args:
        image_size: side in pixels that images are brought to; None: as they are.
        flip: mirror images left to right at random.
    """

    def __init__(self, *, image_size: int | None = None, flip: bool = False, **options):
        super().__init__(**options)
        if image_size is not None and image_size < 1:
            raise ValueError(f"image_size must be 1 or more, got {image_size}")
        self.image_size, self.flip = image_size, flip
        self._sources: dict[str, Images | Files] = {}
        self._on_device: Images | None = None

    @abstractmethod
    def read(self, split: Split) -> Images | Files:
        """The images of a split.

        Raises:
            ValueError: there is no such split, or its images cannot be used.
        """

    def source(self, split: Split) -> Images | Files:
        """The images of a split, read once."""
        if split not in self._sources:
            self._sources[split] = in_memory_if(self.in_memory, self.read(split))
        return self._sources[split]

    # What models and callbacks ask.

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of every image."""
        return self.source("train").shape

    @property
    def classes(self) -> int | None:
        labels = self.source("train").labels
        return None if labels is None else int(labels.max()) + 1

    def size(self, split: Split) -> int:
        return len(self.source(split))

    def reference(
        self,
        split: Split = "train",
        *,
        batch_size: int = 128,
        limit: int | None = None,
        device: torch.device | str = "cpu",
    ) -> Iterator[Batch]:
        source = self.source(split)
        for index in mixed(len(source))[:limit].split(batch_size):
            batch = {name: tensor.to(device) for name, tensor in source.gather(index).items()}
            yield {**batch, "x": normalised(batch["x"])}

    def fingerprint(self, split: Split) -> str:
        return self.source(split).fingerprint()

    def describe(self) -> str:
        channels, height, width = self.shape
        classes = f", {self.classes} classes" if self.classes else ""
        return f"{self.name}: {self.size('train'):,} images, {channels} x {height} x {width}{classes}"

    # What Lightning asks.

    def setup(self, stage: str) -> None:
        self.source("train")

    def train_dataloader(self) -> DataLoader:
        source, sampler = self.source("train"), self.steps(flip=self.flip)
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

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        if "index" in batch:
            index = batch.pop("index")
            if self._on_device is None or self._on_device.images.device != index.device:
                self._on_device = self.source("train").on(index.device)
            batch |= self._on_device.gather(index)
        flip = batch.pop("flip", None)
        return {**batch, "x": normalised(batch["x"], flip if self.flip else None)}
