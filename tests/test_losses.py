"""Losses against closed forms: optimal discriminators, values at the optimum, extreme logits."""

import math

import pytest
import torch

from gan_modules.losses import LOSSES

# Two distributions on three points, in tenths; their samples are the points in exact proportion.
P, Q = torch.tensor([5, 3, 2]), torch.tensor([2, 2, 6])
p, q = P.double() / 10, Q.double() / 10


def fitted_logits(loss, p_counts=P, q_counts=Q, **options):
    """The logits, one for each point, that minimise the discriminator's side; and the value there."""
    logits = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    reals = torch.arange(3).repeat_interleave(p_counts)
    fakes = torch.arange(3).repeat_interleave(q_counts)
    optimizer = torch.optim.LBFGS([logits], max_iter=200, tolerance_grad=1e-12, tolerance_change=1e-14)

    def closure():
        optimizer.zero_grad()
        value = LOSSES[loss].discriminator(logits[reals], logits[fakes], **options)
        value.backward()
        return value

    optimizer.step(closure)
    return logits.detach(), closure().item()


def test_the_optimal_discriminator_is_the_density_ratio():
    logits, value = fitted_logits("non_saturating")
    torch.testing.assert_close(logits.sigmoid(), p / (p + q), atol=1e-6, rtol=0)
    m = (p + q) / 2
    js = 0.5 * (p * (p / m).log()).sum() + 0.5 * (q * (q / m).log()).sum()
    assert -value == pytest.approx(float(2 * js - math.log(4)), abs=1e-9)  # V(G, D*) = 2 JS - log 4


def test_the_value_at_equal_distributions_is_minus_log_4():
    logits, value = fitted_logits("minimax", P, P)
    assert logits.abs().max() < 1e-6
    assert -value == pytest.approx(-math.log(4), abs=1e-12)


def test_least_squares_has_the_same_optimal_discriminator():
    logits, _ = fitted_logits("least_squares")
    torch.testing.assert_close(logits, p / (p + q), atol=1e-7, rtol=0)


@pytest.mark.parametrize("loss", ["non_saturating", "least_squares"])
def test_one_sided_smoothing_scales_the_optimal_discriminator(loss):
    logits, _ = fitted_logits(loss, real_target=0.9)
    found = logits.sigmoid() if loss == "non_saturating" else logits
    torch.testing.assert_close(found, 0.9 * p / (p + q), atol=1e-6, rtol=0)


def test_the_generators_sides_are_what_the_papers_write():
    logits = torch.tensor([-2.0, 0.5, 3.0], dtype=torch.float64)
    d = logits.sigmoid()
    expected = {
        "non_saturating": -d.log().mean(),
        "minimax": (1 - d).log().mean(),
        "least_squares": 0.5 * (logits - 1).square().mean(),
        "hinge": -logits.mean(),
        "wasserstein": -logits.mean(),
    }
    for name, value in expected.items():
        torch.testing.assert_close(LOSSES[name].generator(logits), value)


def test_hinge_and_wasserstein_of_the_discriminator():
    real, fake = torch.tensor([2.0, 0.5]), torch.tensor([-3.0, 0.0])
    assert LOSSES["hinge"].discriminator(real, fake).item() == pytest.approx((0 + 0.5) / 2 + (0 + 1) / 2)
    assert LOSSES["wasserstein"].discriminator(real, fake).item() == pytest.approx(-1.5 - 1.25)


@pytest.mark.parametrize("size", [1e4, -1e4])
@pytest.mark.parametrize("name", LOSSES)
def test_extreme_logits_keep_values_and_gradients_finite(name, size):
    real, fake = (torch.full((3, 1), size, requires_grad=True) for _ in range(2))
    value = LOSSES[name].discriminator(real, fake) + LOSSES[name].generator(fake)
    value.backward()
    assert value.isfinite() and real.grad.isfinite().all() and fake.grad.isfinite().all()


def test_a_confident_discriminator_leaves_a_gradient_only_to_the_non_saturating_generator():
    slopes = {}
    for name in ("non_saturating", "minimax"):
        fake = torch.tensor([-20.0], requires_grad=True)
        LOSSES[name].generator(fake).backward()
        slopes[name] = fake.grad.item()
    assert slopes["non_saturating"] == pytest.approx(-1.0, abs=1e-6)
    assert abs(slopes["minimax"]) < 1e-8
