"""Two domains of images, A and B, unpaired or paired: what translation trains on."""

from abc import abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from datamodules.base import GANDataModule, Split
from datamodules.images import mixed
from datamodules.sampler import Draw, StepSampler
from datamodules.sources import Batch, Files, Images, in_memory_if, normalised

Source = Images | Files
DOMAINS = ("A", "B")


class DomainsDataModule(GANDataModule):
    """Batches of ``A`` and ``B``, each (n, channels, crop_size, crop_size) in [-1, 1]; the channels may differ.

    A subclass gives ``name`` and ``read(split)``. In training images are cut at random places and mirrored. A model
    that needs pairs gets those of the same position; for any other the domains are drawn independently of each other,
    and an epoch is as long as the larger one.

    Args:
        load_size: side in pixels that images are brought to before they are cut; None: the size they have.
        crop_size: side of the square that is cut out; None: no cut.
        flip: mirror images left to right at random; both images of a pair alike.

    Raises:
        ValueError: a domain is empty, or smaller than ``crop_size``.
    """

    def __init__(
        self,
        *,
        batch_size: int = 1,
        load_size: int | None = None,
        crop_size: int | None = None,
        flip: bool = True,
        **options,
    ):
        super().__init__(batch_size=batch_size, **options)
        if load_size is not None and crop_size is not None and crop_size > load_size:
            raise ValueError(f"crop_size {crop_size} is larger than load_size {load_size}: lower it")
        self.load_size, self.crop_size, self.flip = load_size, crop_size, flip
        self._sources: dict[str, dict[str, Source]] = {}
        self._on_device: dict[str, Source] = {}

    @abstractmethod
    def read(self, split: Split) -> dict[str, Source]:
        """The images of both domains, at ``load_size``, by ``A`` and ``B``.

        Raises:
            ValueError: there is no such split, or its images cannot be used.
        """

    def sources(self, split: Split) -> dict[str, Source]:
        """The images of both domains, read once."""
        if split not in self._sources:
            found = {name: in_memory_if(self.in_memory, source) for name, source in self.read(split).items()}
            for name, source in found.items():
                if self.crop_size is not None and min(source.shape[1:]) < self.crop_size:
                    height, width = source.shape[1:]
                    raise ValueError(
                        f"domain {name} of {self.name} has images of {width}x{height}, "
                        f"smaller than crop_size {self.crop_size}: lower it, or raise load_size"
                    )
            self._sources[split] = found
        return self._sources[split]

    # What models and callbacks ask.

    @property
    def shape(self) -> dict[str, tuple[int, int, int]]:
        """(channels, height, width) of a training image, by domain."""
        cut = (self.crop_size, self.crop_size)
        return {
            name: (source.shape[0], *(cut if self.crop_size else source.shape[1:]))
            for name, source in self.sources("train").items()
        }

    def size(self, split: Split) -> int:
        return max(len(source) for source in self.sources(split).values())

    @property
    def aligned(self) -> bool:
        """Whether A and B of the same position belong together."""
        return False

    def check_for(self, model, devices: int = 1) -> None:
        """Also refuses a model that needs pairs where there are none."""
        super().check_for(model, devices)
        if getattr(model, "needs_pairs", False) and not self.aligned:
            raise ValueError(f"{type(model).__name__} needs pairs and the domains of {self.name} are unpaired")

    def shown(self, split: Split) -> dict[str, Source]:
        """The images of both domains that ``reference`` goes through."""
        return self.sources(split)

    def reference(
        self,
        split: Split = "train",
        *,
        batch_size: int = 128,
        limit: int | None = None,
        device: torch.device | str = "cpu",
    ) -> Iterator[Batch]:
        """``limit`` images of each domain in a fixed mixed order, cut at the centre.

        Unpaired domains go on to their own ends: the last batches may hold fewer, or none, of one domain.
        """
        sources = self.shown(split)
        # One order for pairs; domains that are not paired have orders of their own length.
        orders = {name: mixed(len(source)) for name, source in sources.items()}
        longest = max(len(source) for source in sources.values())
        total = min(limit or longest, longest)
        for begin in range(0, total, batch_size):
            batch = {}
            for name, source in sources.items():
                index = orders[name][begin : min(begin + batch_size, total)]
                raw = source.gather(index)["x"] if len(index) else torch.empty((0, *source.shape), dtype=torch.uint8)
                batch[name] = normalised(cut(raw, torch.full((len(raw), 2), 0.5), self.crop_size).to(device))
            yield batch

    def fingerprint(self, split: Split) -> str:
        prints = [source.fingerprint() for source in self.sources(split).values()]
        return "-".join([*prints, str(self.crop_size)])

    def describe(self) -> str:
        counts = [
            f"{name} {len(source):,} images, {' x '.join(map(str, self.shape[name]))}"
            for name, source in self.sources("train").items()
        ]
        return f"{self.name}: {'; '.join(counts)}{', in pairs' if self.aligned else ''}"

    # What Lightning asks.

    def setup(self, stage: str) -> None:
        self.sources("train")

    def train_dataloader(self) -> DataLoader:
        sources = self.sources("train")
        paired = getattr(self.model, "needs_pairs", False)
        samplers = {
            name: self.steps(
                size=len(source), length=self.size("train"), flip=self.flip, cut=True, stream=0 if paired else number
            )
            for number, (name, source) in enumerate(sources.items())
        }
        in_memory = all(isinstance(source, Images) for source in sources.values())
        workers = 0 if in_memory else self.workers
        return DataLoader(
            _Places() if in_memory else _DecodedDomains(sources, self.crop_size),
            sampler=_Together(samplers),
            batch_size=None,  # the samplers already draw whole steps
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=not in_memory and torch.cuda.is_available(),
            generator=torch.Generator().manual_seed(self.seed),
        )

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        ready = {}
        for name in DOMAINS:
            raw = batch.get(name)
            if raw is None:
                index = batch[f"{name}_index"]
                if name not in self._on_device or self._on_device[name].images.device != index.device:
                    self._on_device[name] = self.sources("train")[name].on(index.device)
                raw = cut(self._on_device[name].gather(index)["x"], batch[f"{name}_corner"], self.crop_size)
            ready[name] = normalised(raw, batch[f"{name}_flip"] if self.flip else None)
        return ready


def cut(images: Tensor, corner: Tensor, size: int | None) -> Tensor:
    """Squares of ``size`` whose upper left corners lie at ``corner`` (n, 2), shares of the room there is."""
    if size is None or tuple(images.shape[2:]) == (size, size):
        return images
    room = torch.tensor([images.shape[2] - size + 1, images.shape[3] - size + 1], device=corner.device)
    places = (corner * room).long().tolist()
    pieces = [image[:, y : y + size, x : x + size] for image, (y, x) in zip(images, places, strict=True)]
    return torch.stack(pieces) if pieces else images[..., :size, :size]


class _Together(Sampler[dict[str, Draw]]):
    """The draws of both domains at once."""

    def __init__(self, samplers: dict[str, StepSampler]):
        self.samplers = samplers

    def set_epoch(self, epoch: int) -> None:
        for sampler in self.samplers.values():
            sampler.set_epoch(epoch)

    def __len__(self) -> int:
        return min(len(sampler) for sampler in self.samplers.values())

    def __iter__(self) -> Iterator[dict[str, Draw]]:
        for draws in zip(*self.samplers.values(), strict=True):
            yield dict(zip(self.samplers, draws, strict=True))


class _Places(Dataset):
    """What the loader of in-memory domains yields: positions, mirrors and corners."""

    def __getitem__(self, draws: dict[str, Draw]) -> Batch:
        return {f"{name}_{part}": value for name, draw in draws.items() for part, value in draw._asdict().items()}


class _DecodedDomains(Dataset):
    """What the loader of files yields: cut images, and which of them are mirrored."""

    def __init__(self, sources: dict[str, Source], crop_size: int | None):
        self.sources, self.crop_size = sources, crop_size

    def __getitem__(self, draws: dict[str, Draw]) -> Batch:
        batch = {}
        for name, draw in draws.items():
            raw = self.sources[name].gather(draw.index)["x"]
            batch[name] = cut(raw, draw.corner, self.crop_size)
            batch[f"{name}_flip"] = draw.flip
        return batch
