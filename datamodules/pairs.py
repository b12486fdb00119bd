"""Folders of two domains in the layouts that the CycleGAN and pix2pix repository made usual."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from datamodules.base import Split
from datamodules.decode import read_image
from datamodules.domains import DOMAINS, DomainsDataModule, Source
from datamodules.folder import files_of, image_files
from datamodules.sources import Files


@dataclass(frozen=True)
class Half(Files):
    """One half of images that hold A on the left and B on the right."""

    side: Literal["A", "B"] = "A"

    def _read(self, path: Path) -> Tensor:
        whole = read_image(path, self.channels, None)
        middle = whole.shape[2] // 2
        half = whole[..., :middle] if self.side == "A" else whole[..., middle : 2 * middle]
        if half.shape[1:] == self.size:
            return half.contiguous()
        options = {"mode": "bicubic", "antialias": True, "align_corners": False}
        sized = torch.nn.functional.interpolate(half[None].float(), size=self.size, **options)
        return sized[0].round_().clamp_(0, 255).to(torch.uint8)

    def fingerprint(self) -> str:
        return f"{super().fingerprint()}{self.side}"


class Pairs(DomainsDataModule):
    """Two domains in one folder, whichever of the usual layouts it has:

    ``trainA trainB testA testB`` (unpaired); ``train/A train/B test/A test/B`` (paired by name); ``train/*.jpg
    test/*.jpg`` with A on the left and B on the right (paired). ``val`` serves as ``test``. A model that
    needs no pairs reads a paired folder as two unpaired domains.

    Args:
        folder: the folder.
        load_size: both sides are brought to it, as in that repository; None: images keep their size.
    """

    def __init__(
        self,
        folder: str,
        load_size: int | None = 286,
        crop_size: int | None = 256,
        **options,
    ):
        self.folder = Path(folder)
        super().__init__(load_size=load_size, crop_size=crop_size, **options)

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    @property
    def aligned(self) -> bool:
        return layout(self.folder, "train")[0] != "unpaired"

    def read(self, split: Split) -> dict[str, Source]:
        kind, folders = layout(self.folder, split)
        found: dict[str, Source] = {}
        for name in DOMAINS:
            paths = image_files(folders[name])
            if not paths:
                raise ValueError(f"no images of domain {name} in {folders[name]}")
            if kind == "side by side":
                found[name] = self._half(paths, name)
            else:
                found[name] = files_of(paths, None, self.load_size, None, stretch=True, option="load_size")
        if kind == "folders":
            check_partners(found)
        return found

    def _half(self, paths: Sequence[Path], side: Literal["A", "B"]) -> Half:
        whole = files_of(list(paths), None, None, None, option="load_size")
        height, width = whole.size
        if width % 2:
            raise ValueError(f"{paths[0]} is {width} pixels wide: a side-by-side pair needs an even width")
        size = (height, width // 2) if self.load_size is None else (self.load_size, self.load_size)
        return Half(whole.paths, None, whole.channels, size, side=side)


def layout(folder: Path, split: Split) -> tuple[Literal["unpaired", "folders", "side by side"], dict[str, Path]]:
    """The layout of a folder of two domains, and where each domain of a split lies.

    Raises:
        ValueError: it has none of the known layouts, or not this split.
    """
    if not folder.is_dir():
        raise ValueError(f"no folder {folder}")
    for name in ("train",) if split == "train" else ("test", "val"):
        apart = {domain: folder / f"{name}{domain}" for domain in DOMAINS}
        below = {domain: folder / name / domain for domain in DOMAINS}
        if any(path.is_dir() for path in apart.values()):
            missing = [path for path in apart.values() if not path.is_dir()]
            if missing:
                raise ValueError(f"no folder {missing[0]}: an unpaired data set needs {name}A and {name}B")
            return "unpaired", apart
        if all(path.is_dir() for path in below.values()):
            return "folders", below
        if (folder / name).is_dir():
            return "side by side", dict.fromkeys(DOMAINS, folder / name)
    wanted = "trainA and trainB, train/A and train/B, or train/*.jpg" if split == "train" else "testA, test or val"
    raise ValueError(f"{folder} has no {split} split: looked for {wanted}")


def check_partners(found: dict[str, Source]) -> None:
    """Refuse paired folders in which an image has no partner of the same name."""
    stems = {name: {path.stem: path for path in source.paths} for name, source in found.items()}
    for name, other in (("A", "B"), ("B", "A")):
        alone = sorted(stems[name].keys() - stems[other].keys())
        if alone:
            raise ValueError(f"{stems[name][alone[0]]} has no partner of that name in domain {other}")
