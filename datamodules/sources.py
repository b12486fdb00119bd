"""Where images come from at training time: one tensor in memory, or files that are decoded when they are needed."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from datamodules.decode import read_image
from datamodules.sampler import Draw

Batch = dict[str, Tensor]
#: Data sets up to this many bytes, decoded, live in memory unless ``in_memory`` says otherwise.
IN_MEMORY_BYTES = 1 << 30


@dataclass(frozen=True)
class Images:
    """Images in memory.

    ``images``: uint8, shape (n, channels, height, width); ``labels``: int64, shape (n,), or None.
    """

    images: Tensor
    labels: Tensor | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of every image."""
        return tuple(self.images.shape[1:])

    def on(self, device: torch.device) -> "Images":
        """The same images on a device; a tensor already there is not copied."""
        # Not under inference mode: what is moved there could never be trained on later.
        with torch.inference_mode(False):
            return Images(self.images.to(device), None if self.labels is None else self.labels.to(device))

    def gather(self, index: Tensor) -> Batch:
        """The raw images at ``index`` (on the same device), and their labels if there are any."""
        batch = {"x": self.images.index_select(0, index)}
        return batch if self.labels is None else {**batch, "label": self.labels.index_select(0, index)}

    def fingerprint(self) -> str:
        """A hash of the content."""
        digest = hashlib.blake2b(str(tuple(self.images.shape)).encode(), digest_size=8)
        digest.update(self.images.numpy().tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Files:
    """Image files, decoded by the loader's workers.

    ``channels`` and ``size`` (height, width) are what every file is brought to; see ``read_image``.
    """

    paths: Sequence[Path]
    labels: Tensor | None
    channels: int
    size: tuple[int, int]
    stretch: bool = False

    def __len__(self) -> int:
        return len(self.paths)

    def _read(self, path: Path) -> Tensor:
        return read_image(path, self.channels, self.size, self.stretch)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of every image."""
        return self.channels, *self.size

    def gather(self, index: Tensor) -> Batch:
        """The decoded images at ``index``, uint8 (n, channels, height, width), and their labels if there are any."""
        images = [self._read(self.paths[i]) for i in index.tolist()]
        batch = {"x": torch.stack(images)}
        return batch if self.labels is None else {**batch, "label": self.labels[index]}

    def in_memory(self) -> Images:
        """All files decoded, by threads."""
        with ThreadPoolExecutor() as pool:
            images = list(pool.map(self._read, self.paths))
        return Images(torch.stack(images), self.labels)

    def fingerprint(self) -> str:
        """A hash of names, sizes and times of change: enough to tell whether files were touched."""
        digest = hashlib.blake2b(f"{self.channels} {self.size} {self.stretch}".encode(), digest_size=8)
        for path in self.paths:
            stat = path.stat()
            digest.update(f"{path}|{stat.st_size}|{stat.st_mtime_ns}\n".encode())
        return digest.hexdigest()


def in_memory_if(wish: bool | None, source: "Images | Files") -> "Images | Files":
    """Files decoded into memory when that is wished, or left open and small; anything else as it is."""
    if not isinstance(source, Files):
        return source
    channels, height, width = source.shape
    small = len(source) * channels * height * width <= IN_MEMORY_BYTES
    return source.in_memory() if wish or (wish is None and small) else source


def normalised(images: Tensor, flip: Tensor | None = None) -> Tensor:
    """uint8 images (n, c, h, w) to floats in [-1, 1], mirrored left to right where ``flip`` (n,) says so."""
    x = images.to(torch.float32).mul_(1 / 127.5).sub_(1)
    return x if flip is None else torch.where(flip[:, None, None, None], x.flip(-1), x)


class Indices(torch.utils.data.Dataset):
    """What the loader of in-memory images yields: positions, for the images are gathered on the training device."""

    def __getitem__(self, draw: Draw) -> Batch:
        return {"index": draw.index, "flip": draw.flip}


class Decoded(torch.utils.data.Dataset):
    """What the loader of files yields: whole minibatches of decoded images."""

    def __init__(self, files: Files):
        self.files = files

    def __getitem__(self, draw: Draw) -> Batch:
        return {**self.files.gather(draw.index), "flip": draw.flip}
