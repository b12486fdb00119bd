"""The order of the data: which data make one training step, as a function of (seed, epoch), in one place."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Sampler


class Draw(NamedTuple):
    """The data of one step on one process: positions in the data set, and which of them are mirrored."""

    index: Tensor  # (n,), int64
    flip: Tensor  # (n,), bool


class StepSampler(Sampler[Draw]):
    """One ``Draw`` per generator step, of ``n_critic * batch_size`` data, in a new order each epoch.

    Every process computes the same order and takes its own rows of each minibatch, so N processes with batches of B see
    the minibatches of one process with batches of N B. What does not fill a step is left out of that epoch.

    Args:
        size: number of data.
        batch_size: data of one minibatch on one process.
        n_critic: minibatches of one step.
        flip: mirror each datum with probability 1/2, decided anew each epoch.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        n_critic: int = 1,
        *,
        seed: int = 0,
        flip: bool = False,
        rank: int = 0,
        world_size: int = 1,
    ):
        self.size, self.batch_size, self.n_critic, self.flip = size, batch_size, n_critic, flip
        self.seed, self.epoch, self.rank, self.world_size = seed, 0, rank, world_size

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this at the start of each epoch."""
        self.epoch = epoch

    @property
    def per_step(self) -> int:
        """Data of one step over all processes."""
        return self.n_critic * self.world_size * self.batch_size

    def __len__(self) -> int:
        return self.size // self.per_step

    def __iter__(self) -> Iterator[Draw]:
        rng = np.random.default_rng((self.seed, self.epoch))
        order = torch.from_numpy(rng.permutation(self.size))
        mirrored = torch.from_numpy(rng.random(self.size) < 0.5) & self.flip
        for step in range(len(self)):
            everyone = order[step * self.per_step : (step + 1) * self.per_step]
            mine = everyone.view(self.n_critic, self.world_size, self.batch_size)[:, self.rank].reshape(-1)
            yield Draw(mine, mirrored[mine])
