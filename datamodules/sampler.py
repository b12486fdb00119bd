"""The order of the data: which data make one training step, as a function of (seed, epoch), in one place."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Sampler


class Draw(NamedTuple):
    """The data of one step on one process: positions in the data set, which are mirrored, and where they are cut."""

    index: Tensor  # (n,), int64
    flip: Tensor  # (n,), bool
    corner: Tensor  # (n, 2), float in [0, 1): the upper left corner of a random cut, as a share of the room there is


class StepSampler(Sampler[Draw]):
    """One ``Draw`` per generator step, of ``n_critic * batch_size`` data, in a new order each epoch.

    Every process computes the same order and takes its own rows of each minibatch, so N processes with batches of B see
    the minibatches of one process with batches of N B. What does not fill a step is left out of that epoch.

    Args:
        size: number of data.
        batch_size: data of one minibatch on one process.
        n_critic: minibatches of one step.
        length: data drawn in an epoch; None: each once. More than ``size`` goes round them, in a new order each time.
        flip: mirror each datum with probability 1/2, decided anew each epoch.
        cut: draw a corner for each datum anew each epoch; otherwise it is the upper left one.
        first_step: steps of this run that were taken before; an epoch that they reach into goes on where they end.
        stream: another number gives another order for the same seed, as for the second of two unpaired domains.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        n_critic: int = 1,
        *,
        length: int | None = None,
        seed: int = 0,
        stream: int = 0,
        first_step: int = 0,
        flip: bool = False,
        cut: bool = False,
        rank: int = 0,
        world_size: int = 1,
    ):
        self.size, self.batch_size, self.n_critic, self.flip, self.cut = size, batch_size, n_critic, flip, cut
        self.length = size if length is None else length
        self.seed, self.stream, self.epoch, self.rank, self.world_size = seed, stream, 0, rank, world_size
        self.first_step = first_step

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this at the start of each epoch."""
        self.epoch = epoch

    @property
    def per_step(self) -> int:
        """Data of one step over all processes."""
        return self.n_critic * self.world_size * self.batch_size

    def __len__(self) -> int:
        return self.length // self.per_step

    def __iter__(self) -> Iterator[Draw]:
        rng = np.random.default_rng((self.seed, self.epoch, self.stream))
        turns = [rng.permutation(self.size) for _ in range(-(-self.length // self.size))]
        order = torch.from_numpy(np.concatenate(turns)[: self.length])
        draws = Draw(order, self._flips(rng), self._corners(rng))
        for step in range(max(0, self.first_step - self.epoch * len(self)), len(self)):
            everyone = [part[step * self.per_step : (step + 1) * self.per_step] for part in draws]
            yield Draw(*everyone) if self.world_size == 1 else Draw(*(self._mine(part) for part in everyone))

    def _flips(self, rng: np.random.Generator) -> Tensor:
        if not self.flip:
            return torch.zeros(self.length, dtype=torch.bool)
        return torch.from_numpy(rng.random(self.length) < 0.5)

    def _corners(self, rng: np.random.Generator) -> Tensor:
        if not self.cut:
            return torch.zeros(self.length, 2)
        return torch.from_numpy(rng.random((self.length, 2), dtype=np.float32))

    def _mine(self, everyone: Tensor) -> Tensor:
        """This process's rows of every minibatch of a step."""
        parts = everyone.view(self.n_critic, self.world_size, self.batch_size, *everyone.shape[1:])
        return parts[:, self.rank].flatten(0, 1)
