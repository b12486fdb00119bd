"""Adversarial losses: pure functions of the discriminator's raw outputs ("logits"), of any shape, to one scalar.

Every function is something to minimise. ``real`` and ``fake`` are the discriminator's outputs on real and generated
data, before any sigmoid; large means "looks real". All are finite for logits of any finite size.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from torch import Tensor
from torch.nn.functional import relu, softplus

LossName = Literal["non_saturating", "minimax", "least_squares", "hinge", "wasserstein"]


def cross_entropy_discriminator(real: Tensor, fake: Tensor, real_target: float = 1.0) -> Tensor:
    """-E[t log D(x) + (1 - t) log(1 - D(x))] - E[log(1 - D(G(z)))], D = sigmoid(logit) (Goodfellow et al. 2014, eq. 1).

    ``real_target`` t below 1 is one-sided label smoothing (Salimans et al. 2016, section 3.4).
    """
    # -log sigmoid(l) = softplus(-l) and -log(1 - sigmoid(l)) = softplus(l): no logarithm of a rounded probability.
    on_real = softplus(-real)
    if real_target != 1.0:
        on_real = real_target * on_real + (1 - real_target) * softplus(real)
    return on_real.mean() + softplus(fake).mean()


def non_saturating_generator(fake: Tensor) -> Tensor:
    """-E[log D(G(z))]: minimax's fixed point with a strong gradient early (Goodfellow et al. 2014, section 3)."""
    return softplus(-fake).mean()


def minimax_generator(fake: Tensor) -> Tensor:
    """E[log(1 - D(G(z)))]: the generator's side of the minimax game to the letter (Goodfellow et al. 2014, eq. 1)."""
    return -softplus(fake).mean()


def least_squares_discriminator(real: Tensor, fake: Tensor, real_target: float = 1.0) -> Tensor:
    """1/2 E[(D(x) - t)^2] + 1/2 E[D(G(z))^2] (Mao et al. 2017, eq. 9 with a = 0, b = t)."""
    return 0.5 * ((real - real_target).square().mean() + fake.square().mean())


def least_squares_generator(fake: Tensor) -> Tensor:
    """1/2 E[(D(G(z)) - 1)^2] (Mao et al. 2017, eq. 9 with c = 1)."""
    return 0.5 * (fake - 1).square().mean()


def hinge_discriminator(real: Tensor, fake: Tensor, real_target: float = 1.0) -> Tensor:
    """E[max(0, t - D(x))] + E[max(0, 1 + D(G(z)))] (Lim & Ye 2017; Miyato et al. 2018, eq. 16)."""
    return relu(real_target - real).mean() + relu(1 + fake).mean()


def wasserstein_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """E[f(G(z))] - E[f(x)]: minus the critic's estimate of the Wasserstein-1 distance (Arjovsky et al. 2017, eq. 2)."""
    return fake.mean() - real.mean()


def wasserstein_generator(fake: Tensor) -> Tensor:
    """-E[f(G(z))]; also the generator's side of the hinge loss (Arjovsky et al. 2017, algorithm 1)."""
    return -fake.mean()


class Loss(NamedTuple):
    """Both players' sides of one adversarial loss."""

    discriminator: Callable[..., Tensor]
    generator: Callable[[Tensor], Tensor]
    probabilistic: bool = False  # sigmoid(logit) estimates P(real)
    takes_target: bool = True  # the discriminator's side accepts real_target (label smoothing)


LOSSES: dict[str, Loss] = {
    "non_saturating": Loss(cross_entropy_discriminator, non_saturating_generator, probabilistic=True),
    "minimax": Loss(cross_entropy_discriminator, minimax_generator, probabilistic=True),
    "least_squares": Loss(least_squares_discriminator, least_squares_generator),
    "hinge": Loss(hinge_discriminator, wasserstein_generator),
    "wasserstein": Loss(wasserstein_discriminator, wasserstein_generator, takes_target=False),
}
