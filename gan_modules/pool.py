"""A history of generated images, shown to the discriminator again (Shrivastava et al. 2017, section 2.3)."""

import torch
from torch import Tensor


class ImagePool:
    """Up to ``size`` earlier fakes; a size of 0 returns every batch as it is.

    While the pool fills, fakes are kept and returned. After that each fake is, with probability 1/2, exchanged for a
    random earlier one. Draws come from the caller, so that a step's are a function of (seed, step).
    """

    def __init__(self, size: int):
        self.size = size
        self.images: list[Tensor] = []

    def query(self, fakes: Tensor, draws: Tensor) -> Tensor:
        """Fakes (n, ...) with some exchanged for earlier ones.

        Args:
            draws: uniform in [0, 1), shape (n, 2), on the CPU: whether to exchange, and which.
        """
        if self.size == 0:
            return fakes
        shown = []
        for fake, (whether, which) in zip(fakes.detach(), draws.tolist(), strict=True):
            if len(self.images) < self.size:
                self.images.append(fake.clone())
                shown.append(fake)
            elif whether < 0.5:
                place = int(which * self.size)
                shown.append(self.images[place].to(fake))
                self.images[place] = fake.clone()
            else:
                shown.append(fake)
        return torch.stack(shown)
