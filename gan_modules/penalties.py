"""Penalties on the discriminator's input gradient: unweighted scalars that can be differentiated again."""

from collections.abc import Callable

import torch
from torch import Tensor

Judge = Callable[[Tensor], Tensor]


def input_gradient_norms(judge: Judge, x: Tensor) -> Tensor:
    """Euclidean norm of the gradient of ``judge`` at each row of ``x``; shape (len(x),), in float32 or wider.

    Autocast is off: under half precision the squared norm of a gradient over and underflows.
    """
    autocast = torch.is_autocast_enabled(x.device.type)  # then the weights are float32, whatever x is
    with torch.autocast(x.device.type, enabled=False):
        x = (x.float() if autocast else x).detach().requires_grad_()
        # The sum over rows gives every row its own gradient, because no output depends on another row's input.
        (gradient,) = torch.autograd.grad(judge(x).sum(), x, create_graph=True)
        return (gradient if gradient.dtype == torch.float64 else gradient.float()).flatten(1).norm(dim=1)


def gradient_penalty(judge: Judge, real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """E[(|grad D(x_hat)| - 1)^2] on interpolates x_hat = real + mix (fake - real) (Gulrajani et al. 2017, eq. 3).

    ``mix`` holds one uniform draw in [0, 1] per row and broadcasts against ``real``: shape (n, 1, 1, 1) for images.
    The critic must not mix rows (no BatchNorm): the paper's section 4 says why.
    """
    # Written out, for torch.lerp refuses mixed dtypes under autocast.
    return (input_gradient_norms(judge, real + mix * (fake.detach() - real)) - 1).square().mean()


def r1_penalty(judge: Judge, real: Tensor) -> Tensor:
    """E[|grad D(x)|^2] on real data (Mescheder et al. 2018, eq. 9); weight it by gamma / 2."""
    return input_gradient_norms(judge, real).square().mean()
