"""An exponential moving average of a network."""

import copy

import torch
from torch import nn


class MovingAverage(nn.Module):
    """Keeps ``decay * average + (1 - decay) * network`` of every parameter; buffers are copied.

    torch's AveragedModel reads a counter on the device twice in every update, for which a GPU has to be waited for.

    Args:
        network: whose average is kept; it starts as a copy.
        decay: between 0 and 1.
    """

    def __init__(self, network: nn.Module, decay: float):
        super().__init__()
        self.module = copy.deepcopy(network).requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move the average towards the network as it is now."""
        mine, theirs = list(self.module.parameters()), list(network.parameters())
        torch._foreach_lerp_(mine, theirs, 1 - self.decay)
        for kept, current in zip(self.module.buffers(), network.buffers(), strict=True):
            kept.copy_(current)
