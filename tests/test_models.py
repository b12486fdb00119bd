"""Each model learns something that can be measured, on a problem of a second."""

import math

import pytest
import torch
from helpers import Points, play, weights

from callbacks.pictures import to_uint8
from datamodules import Digits
from gan_modules import CGAN, DCGAN, GAN, WGAN, WGANGP
from metrics import FrechetDistance

CENTRE = torch.tensor([1.5, -0.5])


def blob(n=2048):
    return 0.5 * torch.randn(n, 2, generator=torch.Generator().manual_seed(1)) + CENTRE


# The average of the generator: the players themselves circle around the solution.
SMALL = {"networks": "mlp", "width": 16, "latent_dim": 4, "seed": 1, "ema_decay": 0.98}
RECIPES = {
    "gan": (GAN, {"lr": 2e-3}),
    "gan minimax": (GAN, {"lr": 2e-3, "loss": "minimax"}),
    "gan least squares": (GAN, {"lr": 2e-3, "loss": "least_squares"}),
    "gan hinge": (GAN, {"lr": 2e-3, "loss": "hinge", "discriminator_norm": "spectral"}),
    "gan cured": (GAN, {"lr": 2e-3, "r1_weight": 1.0, "label_smoothing": 0.1, "instance_noise": 0.3}),
    "wgan": (WGAN, {"lr": 1e-3, "clip": 0.1, "discriminator_norm": "none"}),
    "wgan-gp": (WGANGP, {"lr": 2e-3, "gp_weight": 1.0}),
}


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_generator_finds_the_centre_of_the_data(tmp_path, recipe):
    model_class, options = RECIPES[recipe]
    model = model_class(**SMALL, **options)
    data = Points(blob(), batch_size=64)
    untrained = model_class(**SMALL, **options, shape=(2,))
    untrained.configure_model()
    play(tmp_path, model, data, 400)
    found, before = (m.sample(m.latent(1000, torch.Generator().manual_seed(2))).mean(0) for m in (model, untrained))
    assert (found - CENTRE).norm() < 0.4 < (before - CENTRE).norm()


def test_a_conditional_gan_puts_each_class_where_it_belongs(tmp_path):
    label = torch.arange(2048) % 2
    x = 0.3 * torch.randn(2048, 2) + torch.where(label[:, None] == 1, CENTRE, -CENTRE)
    model = CGAN(**SMALL, lr=2e-3)
    play(tmp_path, model, Points(x, label, batch_size=64), 400)
    for k, centre in enumerate((-CENTRE, CENTRE)):
        drawn = model.sample(model.latent(500), torch.full((500,), k))
        assert (drawn.mean(0) - centre).norm() < 0.5


def test_a_conditional_model_asks_for_labels(tmp_path):
    with pytest.raises(ValueError, match="CGAN needs labels and this data has none"):
        play(tmp_path, CGAN(**SMALL), Points(blob()), 1)
    model = CGAN(**SMALL, shape=(2,), classes=2)
    model.configure_model()
    with pytest.raises(ValueError, match="give a label"):
        model.sample(model.latent(3))


def frechet(model, data):
    distance = FrechetDistance("pixels", 1)
    for batch in data.reference(limit=500):
        distance.update(to_uint8(batch["x"]), real=True)
    distance.update(to_uint8(model.sample(model.latent(500, torch.Generator().manual_seed(0)))), real=False)
    return distance.compute()


def test_a_dcgan_draws_better_digits_after_a_hundred_steps(tmp_path):
    data, model = Digits(), DCGAN(width=8, seed=1, lr=1e-3)
    data.setup("fit")
    model.fit_to(data)
    model.configure_model()
    before = frechet(model, data)
    play(tmp_path, model, data, 150)
    assert frechet(model, data) < before / 4


def test_the_original_loss_is_minus_the_game_value(tmp_path):
    """At the first step a discriminator that says 1/2 everywhere pays log 4."""
    model = GAN(**SMALL, shape=(2,))
    model.configure_model()
    model.step_index, model._reporting = 0, False
    for p in model.discriminator.parameters():
        torch.nn.init.zeros_(p)
    x = {"x": blob(8)}
    assert model.discriminator_objective(x, x)["adversarial"].item() == pytest.approx(math.log(4))
    assert model.generator_objective(x, x)["adversarial"].item() == pytest.approx(math.log(2))


def test_instance_noise_has_its_deviation_and_fades():
    model = GAN(**SMALL, shape=(2,), instance_noise=0.5, instance_noise_steps=100)
    from gan_modules.randomness import StepRandomness

    deviations = []
    for step in (0, 50, 100, 1000):
        model.step_index, model.noise = step, StepRandomness(0, step)
        deviations.append(model.blurred({"x": torch.zeros(20_000, 2)})["x"].std().item())
    assert deviations == pytest.approx([0.5, 0.25, 0, 0], abs=0.01)


def test_wgan_gp_refuses_batchnorm():
    with pytest.raises(ValueError, match="BatchNorm mixes data"):
        WGANGP(discriminator_norm="batch")


def test_the_papers_hyperparameters_are_the_defaults():
    dcgan, wgan, gp = DCGAN(), WGAN(), WGANGP()
    assert (dcgan.lr, dcgan.betas, dcgan.latent_dim, dcgan.n_critic) == (2e-4, (0.5, 0.999), 100, 1)
    assert (wgan.lr, wgan.clip, wgan.n_critic, wgan.optimizer) == (5e-5, 0.01, 5, "rmsprop")
    assert (gp.lr, gp.betas, gp.n_critic, gp.gp_weight) == (1e-4, (0.0, 0.9), 5, 10.0)
    wgan.fit_to(Points(blob()))
    wgan.networks, wgan.discriminator_norm = "mlp", "none"
    wgan.configure_model()
    kinds = [type(optimizer) for optimizer in wgan.configure_optimizers()]
    assert kinds == [torch.optim.RMSprop] * 2


def test_uniform_latents_fill_their_range(tmp_path):
    model = GAN(**SMALL, prior="uniform", shape=(2,))
    z = model.latent(5000)
    assert z.min() >= -1 and z.max() <= 1 and abs(z.std().item() - 3**-0.5) < 0.02
    play(tmp_path, model, Points(blob()), 2)
    assert weights(model).isfinite().all()
