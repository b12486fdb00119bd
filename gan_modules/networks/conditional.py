"""Wrappers that let any pair of networks see a label (Mirza & Osindero 2014: the embedded label is concatenated)."""

import math

from torch import Tensor, cat, nn


class ConditionalGenerator(nn.Module):
    """G(z, y): an embedding of the label is appended to z.

    Args:
        network: a generator of latents of ``latent_dim + embedding_dim`` dimensions.
    """

    def __init__(self, network: nn.Module, classes: int, embedding_dim: int):
        super().__init__()
        self.embedding, self.network = nn.Embedding(classes, embedding_dim), network

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        return self.network(cat([z, self.embedding(label)], dim=1))


class ConditionalDiscriminator(nn.Module):
    """D(x, y): an embedding of the label is appended to x, as one more channel of an image or more axes of a point.

    Args:
        network: a discriminator of data of the shape that ``extended`` gives.
        shape: shape of x itself.
    """

    def __init__(self, network: nn.Module, classes: int, shape: tuple[int, ...]):
        super().__init__()
        self.extra = (1, *shape[1:])
        self.embedding, self.network = nn.Embedding(classes, math.prod(self.extra)), network

    @staticmethod
    def extended(shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of x with its label appended."""
        return (shape[0] + 1, *shape[1:])

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        return self.network(cat([x, self.embedding(label).view(-1, *self.extra)], dim=1))
