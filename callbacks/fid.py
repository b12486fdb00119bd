"""FID during training, against real features that are computed once."""

import hashlib
import logging
import os
from collections.abc import Iterator
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import Literal

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from callbacks.pictures import to_uint8
from gan_modules.randomness import PICTURES, seed_for
from metrics.features import download_inception, file_hash, find_inception
from metrics.frechet import FrechetDistance

log = logging.getLogger(__name__)

#: Pixel features score in a moment on a CPU, where Inception takes minutes.
CPU_LINE = (
    "scores: frechet_pixels (8x8 pixel features, not FID), since Inception does 2 to 5 images a second on a CPU; "
    "for FID add --fid.features inception"
)


def cache_folder() -> Path:
    """Where statistics of real data are kept between runs: ``$XDG_CACHE_HOME/lightning-gan`` or ``~/.cache/...``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lightning-gan"


class FID(Callback):
    """Score the generator every N steps, remember the best score, and keep ``checkpoints/best.ckpt`` by it.

    Logged as ``score/fid`` on Inception's features, and under its own name, ``score/frechet_pixels``, on others. Knows
    the data contract alone: ``pictures(batch, rng)`` and ``scored`` of the model, ``reference`` of the data module.

    Args:
        every_n_steps: generator steps between two scores; there is one at the end as well. 0: no scores.
        n_fake: generated images of one score.
        n_real: real images; None: all of the split.
        split: which real images.
        features: ``inception`` (FID), ``pixels``, or ``auto``: Inception on a GPU, pixels on a CPU.
        weights: file of Inception's weights; None: from torch's cache, else downloaded.
        kid: also log the kernel distance of the same features (``score/kid``, on pixels ``score/kernel_pixels``), which
            small sets of images do not bias; on one process.
        batch_size: images at a time.
        seed: of the latents; the same for every score.
    """

    def __init__(
        self,
        every_n_steps: int = 1000,
        n_fake: int = 1000,
        n_real: int | None = None,
        split: Literal["train", "test"] = "train",
        features: Literal["auto", "inception", "pixels"] = "auto",
        weights: str | None = None,
        kid: bool = False,
        batch_size: int = 100,
        seed: int = 0,
    ):
        if every_n_steps < 0 or batch_size < 1 or n_fake < 2 or (n_real is not None and n_real < 2):
            raise ValueError(
                "fid.n_fake and fid.n_real must be 2 or more, fid.batch_size 1 or more, fid.every_n_steps 0 or more"
            )
        self.every_n_steps, self.n_fake, self.n_real, self.split = every_n_steps, n_fake, n_real, split
        self.features, self.weights, self.kid, self.batch_size, self.seed = features, weights, kid, batch_size, seed
        #: The best score so far and its step, by score name; part of every checkpoint.
        self.best: dict[str, dict[str, float]] = {}
        self._distances: dict[str, FrechetDistance] = {}
        self._last_step: int | None = None

    def state_dict(self) -> dict:
        return {"best": self.best}

    def load_state_dict(self, state: dict) -> None:
        self.best = state["best"]

    def on_train_start(self, trainer: Trainer, model: LightningModule) -> None:
        if not self.every_n_steps:
            return
        self._last_step = None
        features, weights = self._choose(model.device, tell=trainer.is_global_zero)
        # Each rank sums over its own share of fakes, rank 0 alone over the reals: torchmetrics adds all up.
        for label, (real, _) in model.scored.items():
            distance = FrechetDistance(
                features, self._channels(trainer, model, real), weights, keep_features=self._kernel(trainer)
            ).to(model.device)
            if trainer.is_global_zero:
                distance.load_statistics(self._real_statistics(trainer, model, distance, real, weights))
            self._distances[label] = distance

    def on_train_batch_end(self, trainer: Trainer, model: LightningModule, *_) -> None:
        if self.every_n_steps and trainer.global_step % self.every_n_steps == 0:
            self.score(trainer, model)

    def on_train_end(self, trainer: Trainer, model: LightningModule) -> None:
        if self.every_n_steps and trainer.global_step > 0:
            self.score(trainer, model)

    def score(self, trainer: Trainer, model: LightningModule) -> None:
        """Compute and log every score of this step, unless that is done, and keep the best checkpoint."""
        step = trainer.global_step
        if step == self._last_step:
            return
        self._last_step = step
        values = self._values(trainer, model)
        improved = [n for n, value in values.items() if value < self.best.get(n, {"value": float("inf")})["value"]]
        self.best |= {name: {"value": values[name], "step": step} for name in improved}
        best = {f"score/best_{name}": self.best[name]["value"] for name in values if name in self.best}
        scores = {f"score/{name}": value for name, value in values.items()} | best
        for logger in trainer.loggers:
            logger.log_metrics(scores, step=step)
        # Any other callback may watch a score too.
        trainer.callback_metrics.update({name: torch.tensor(value) for name, value in scores.items()})
        if next(iter(values)) in improved:
            trainer.save_checkpoint(Path(trainer.default_root_dir) / "checkpoints" / "best.ckpt")

    def _kernel(self, trainer: Trainer) -> bool:
        return self.kid and trainer.world_size == 1  # features are not gathered

    def _values(self, trainer: Trainer, model: LightningModule) -> dict[str, float]:
        values = {}
        for label, (_, fake) in model.scored.items():
            distance = self._distances[label]
            distance.forget_fakes()
            for images in self._pictures(trainer, model, fake, self.n_fake):
                distance.update(to_uint8(images), real=False)
            suffix = f"_{label}" if label else ""
            values[distance.name + suffix] = distance.compute()
            if self._kernel(trainer):
                values[distance.kernel_name + suffix] = distance.kernel_distance()
        return values

    def _pictures(self, trainer: Trainer, model: LightningModule, name: str, n: int) -> Iterator[Tensor]:
        """This rank's batches of the first n pictures called ``name``, going round the data as often as it takes."""
        reference = partial(trainer.datamodule.reference, self.split, batch_size=self.batch_size, device=model.device)
        made = 0
        turns = count() if model.endless else range(1)
        for number, batch in enumerate(chain.from_iterable(reference() for _ in turns)):
            size = min(max(len(tensor) for tensor in batch.values()), n - made)
            made += size
            if number % trainer.world_size == trainer.global_rank:
                # Seeded by the batch, so that the latents do not depend on how many processes share the work.
                rng = torch.Generator().manual_seed(seed_for(PICTURES, self.seed, number))
                yield model.pictures({key: value[:size] for key, value in batch.items()}, rng)[name]
            if made == n:
                return

    def _channels(self, trainer: Trainer, model: LightningModule, name: str) -> int:
        """Channels of the pictures called ``name``, as one of them shows."""
        (batch,) = trainer.datamodule.reference(self.split, batch_size=1, limit=1, device=model.device)
        return model.pictures(batch, torch.Generator())[name].shape[1]

    def _choose(self, device: torch.device, tell: bool) -> tuple[Literal["inception", "pixels"], Path | None]:
        if self.features == "pixels":
            return "pixels", None
        if self.features == "inception":
            return "inception", find_inception(self.weights) or download_inception()
        if device.type != "cuda":
            if tell:
                log.warning(CPU_LINE)
            return "pixels", None
        try:
            import torch_fidelity  # noqa: F401  torchmetrics' Inception

            return "inception", find_inception(self.weights) or download_inception()
        except (ValueError, ImportError) as error:
            if tell:
                log.warning("scores: frechet_pixels, not FID: %s", error)
            return "pixels", None

    def _real_statistics(
        self, trainer: Trainer, model: LightningModule, distance: FrechetDistance, name: str, weights: Path | None
    ) -> dict[str, Tensor]:
        """The sums over the real features: from the cache, else computed and kept there."""
        data = trainer.datamodule
        n = min(self.n_real or data.size(self.split), data.size(self.split))
        network = "pixels8" if weights is None else f"inception-{file_hash(weights)}"
        content = (
            data.name,
            data.fingerprint(self.split),
            self.split,
            name,
            n,
            network,
            "mixed",
            self._kernel(trainer),
        )
        key = "|".join(map(str, content))
        path = cache_folder() / f"{hashlib.blake2b(key.encode(), digest_size=12).hexdigest()}.pt"
        if path.is_file():
            return torch.load(path, weights_only=True)
        if n > 500 and weights is not None and model.device.type == "cpu":
            log.warning("features of %d real images, once (kept in %s); fewer by --fid.n_real", n, path)
        seen = 0
        for batch in data.reference(self.split, batch_size=self.batch_size, limit=n, device=model.device):
            pictures = model.pictures(batch, torch.Generator().manual_seed(self.seed))
            distance.update(to_uint8(pictures[name]), real=True)
            seen += len(pictures[name])
        statistics = distance.statistics()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(f".{os.getpid()}.part")
            torch.save(statistics, unfinished)
            unfinished.replace(path)
        except OSError as error:
            log.warning(
                "statistics of the real images cannot be kept (%s): set XDG_CACHE_HOME to a writable folder", error
            )
        return statistics
