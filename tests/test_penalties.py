"""Penalties against closed forms."""

import pytest
import torch

from gan_modules.penalties import gradient_penalty, input_gradient_norms, r1_penalty

W = torch.tensor([3.0, 4.0], dtype=torch.float64)  # norm 5


def linear(x):
    return x.flatten(1) @ W[:, None]


def test_a_linear_critic_pays_its_norm_minus_one_squared():
    real, fake, mix = torch.randn(7, 2).double(), torch.randn(7, 2).double(), torch.rand(7, 1).double()
    assert gradient_penalty(linear, real, fake, mix).item() == pytest.approx((5 - 1) ** 2)


def test_the_interpolates_are_real_at_zero_and_fake_at_one():
    def square(x):
        return x.square().sum(1, keepdim=True) / 2  # its gradient at x is x

    real, fake = torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 2.0]])
    assert gradient_penalty(square, real, fake, torch.zeros(1, 1)).item() == pytest.approx((5 - 1) ** 2)
    assert gradient_penalty(square, real, fake, torch.ones(1, 1)).item() == pytest.approx((2 - 1) ** 2)


def test_r1_is_the_squared_gradient_on_reals():
    assert r1_penalty(linear, torch.randn(5, 2).double()).item() == pytest.approx(25.0)


def test_the_penalty_can_be_differentiated_by_the_weights():
    weight = torch.tensor([3.0, 4.0], dtype=torch.float64, requires_grad=True)
    penalty = gradient_penalty(lambda x: x @ weight[:, None], *torch.randn(2, 6, 2).double(), torch.rand(6, 1).double())
    penalty.backward()
    torch.testing.assert_close(weight.grad, 2 * (5 - 1) * W / 5)  # d/dw (|w| - 1)^2


def test_each_row_has_its_own_norm():
    x = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 4.0]])
    norms = input_gradient_norms(lambda x: x.square().sum(1, keepdim=True) / 2, x)
    torch.testing.assert_close(norms, torch.tensor([1.0, 2.0, 5.0]))


def test_half_precision_around_it_does_not_reach_in():
    layer = torch.nn.Linear(2, 1)
    x = torch.randn(4, 2)
    exact = input_gradient_norms(layer, x)
    with torch.autocast("cpu", torch.bfloat16):
        inside = input_gradient_norms(layer, x.bfloat16())
    assert inside.dtype == torch.float32
    torch.testing.assert_close(inside, exact)
