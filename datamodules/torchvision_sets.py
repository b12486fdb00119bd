"""MNIST, Fashion-MNIST and CIFAR-10 by torchvision: found under ``root``, else downloaded there once."""

import gzip
import shutil
from abc import abstractmethod
from pathlib import Path

import numpy as np
import torch
import torchvision

from datamodules.base import Split
from datamodules.images import ImageDataModule, resized
from datamodules.sources import Images

#: Where Debian's package dataset-fashion-mnist puts the four IDX files.
DEBIAN_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")


class _TorchvisionImages(ImageDataModule):
    @abstractmethod
    def dataset(self, train: bool, download: bool) -> torchvision.datasets.VisionDataset:
        """torchvision's data set, with ``data`` and ``targets``."""

    def prepare_data(self) -> None:
        """Download what is not there yet.

        Raises:
            ValueError: it is not there and cannot be had; the message names both remedies.
        """
        try:
            self.dataset(train=True, download=True)
        except Exception as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ValueError(
                f"{self.name} is not under {self.root}/ and could not be downloaded ({reason}): "
                "give its folder by --data.root, or use --data digits, which is built in"
            ) from error

    def read(self, split: Split) -> Images:
        dataset = self.dataset(train=split == "train", download=False)
        images = torch.as_tensor(np.asarray(dataset.data))
        # (n, h, w) gray or (n, h, w, 3) colour
        images = images[:, None] if images.ndim == 3 else images.permute(0, 3, 1, 2)
        labels = torch.as_tensor(dataset.targets, dtype=torch.int64)
        return Images(resized(images.contiguous(), self.image_size), labels)


class MNIST(_TorchvisionImages):
    """60 000 + 10 000 handwritten digits, 28x28, gray, 10 classes (LeCun, Cortes, Burges)."""

    name = "mnist"

    def dataset(self, train: bool, download: bool):
        return torchvision.datasets.MNIST(self.root, train=train, download=download)


class FashionMNIST(_TorchvisionImages):
    """60 000 + 10 000 articles of clothing, 28x28, gray, 10 classes (Xiao, Rasul, Vollgraf 2017)."""

    name = "fashion_mnist"

    def dataset(self, train: bool, download: bool):
        if download and DEBIAN_FASHION_MNIST.is_dir():
            self._unpack_debian()
        return torchvision.datasets.FashionMNIST(self.root, train=train, download=download)

    def _unpack_debian(self) -> None:
        raw = Path(self.root) / "FashionMNIST" / "raw"
        raw.mkdir(parents=True, exist_ok=True)
        for packed in DEBIAN_FASHION_MNIST.glob("*-ubyte.gz"):
            target = raw / packed.stem
            if not target.exists():
                partial = target.with_suffix(".part")
                with gzip.open(packed) as source, partial.open("wb") as sink:
                    shutil.copyfileobj(source, sink)
                partial.replace(target)


class CIFAR10(_TorchvisionImages):
    """50 000 + 10 000 photographs, 32x32, colour, 10 classes (Krizhevsky 2009)."""

    name = "cifar10"

    def dataset(self, train: bool, download: bool):
        return torchvision.datasets.CIFAR10(self.root, train=train, download=download)
