"""The randomness of one training step, as a function of (seed, step) alone.

No generator's state has to be saved for an exact resume, and N processes draw what one process would: every draw is
made for the global batch, and each process keeps its own rows.
"""

import numpy as np
import torch
from torch import Tensor

#: First numbers of the keys below, so that no two streams of draws are the same one.
WEIGHTS, LATENTS, OWN, PICTURES = 1, 2, 3, 5


def seed_for(*key: int) -> int:
    """A well-mixed seed in [0, 2^32) for a tuple of non-negative integers that begins with a stream's number."""
    # 32 bits, for torch's generator on a CPU keeps no more of a seed.
    return int(np.random.SeedSequence(key).generate_state(1)[0])


class StepRandomness:
    """Draws of one step, for this process's rows of the global batch."""

    def __init__(self, seed: int, step: int, device: torch.device | str = "cpu", rank: int = 0, world_size: int = 1):
        self.device, self.rank, self.world_size = torch.device(device), rank, world_size
        self._key, self._own = (seed, step, rank), None
        latents = seed_for(LATENTS, seed, step)
        self._generator = torch.Generator(device).manual_seed(latents)
        # What draws from the device's default generator (dropout) differs between processes and is repeatable too.
        # Not torch.manual_seed: where CUDA is built in but not in use, that keeps a stack trace of every call for ever.
        cuda = self.device.type == "cuda"
        default = torch.cuda.default_generators[self._generator.device.index] if cuda else torch.default_generator
        default.manual_seed((latents ^ 0x9E3779B9) + rank)

    def normal(self, n: int, *shape: int) -> Tensor:
        """Standard normal draws, shape (n, \\*shape)."""
        return self._mine(torch.randn, n, shape)

    def uniform(self, n: int, *shape: int) -> Tensor:
        """Uniform draws in [0, 1), shape (n, \\*shape)."""
        return self._mine(torch.rand, n, shape)

    def private(self, n: int, *shape: int) -> Tensor:
        """Uniform draws in [0, 1) for this process alone, on the CPU: for what each keeps to itself, as image pools."""
        if self._own is None:  # few models ask
            self._own = torch.Generator().manual_seed(seed_for(OWN, *self._key))
        return torch.rand(n, *shape, generator=self._own)

    def _mine(self, draw, n: int, shape: tuple[int, ...]) -> Tensor:
        everyone = draw(self.world_size * n, *shape, generator=self._generator, device=self.device)
        return everyone[self.rank * n : (self.rank + 1) * n]
