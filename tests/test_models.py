"""Each model learns something that can be measured, on a problem of a second."""

import math

import pytest
import torch
from helpers import Points, play, weights
from torch.nn.functional import softplus

from callbacks.pictures import to_uint8
from datamodules import Digits
from gan_modules import CGAN, DCGAN, GAN, WGAN, WGANGP
from gan_modules.randomness import StepRandomness
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


def judged_linearly(cls, **options):
    """A model whose discriminator is 2 x_1 - x_2 on points, at a step of its own."""
    model = cls(networks="mlp", width=2, shape=(2,), **options)
    model.configure_model()
    model.discriminator = torch.nn.Linear(2, 1, bias=False)
    model.discriminator.weight.data = torch.tensor([[2.0, -1.0]])
    model.step_index, model._reporting, model.noise = 0, True, StepRandomness(0, 0)
    return model


REAL, FAKE = {"x": torch.tensor([[1.0, 0.0], [0.0, 1.0]])}, {"x": torch.tensor([[0.5, 0.5], [1.0, 3.0]])}
ON_REAL, ON_FAKE = torch.tensor([[2.0], [-1.0]]), torch.tensor([[0.5], [-1.0]])


def test_each_term_of_each_model_in_closed_form():
    def terms(model):
        return {k: v.item() for k, v in model.discriminator_objective(REAL, FAKE).items()}

    plain = (softplus(-ON_REAL) + softplus(ON_FAKE)).mean().item()
    assert terms(judged_linearly(GAN)) == pytest.approx({"adversarial": plain})
    assert terms(judged_linearly(GAN, r1_weight=3.0))["r1"] == pytest.approx(3.0 / 2 * 5)  # |(2, -1)|^2 = 5
    smooth = (0.8 * softplus(-ON_REAL) + 0.2 * softplus(ON_REAL) + softplus(ON_FAKE)).mean().item()
    assert terms(judged_linearly(GAN, label_smoothing=0.2))["adversarial"] == pytest.approx(smooth)
    wasserstein = (ON_FAKE - ON_REAL).mean().item()
    assert terms(judged_linearly(WGAN, discriminator_norm="none")) == pytest.approx({"adversarial": wasserstein})
    expected = {"adversarial": wasserstein, "gradient_penalty": 7 * (5**0.5 - 1) ** 2}
    assert terms(judged_linearly(WGANGP, gp_weight=7.0)) == pytest.approx(expected)


def test_the_generators_terms_in_closed_form():
    for cls, options, value in (
        (GAN, {}, softplus(-ON_FAKE).mean()),
        (GAN, {"loss": "minimax"}, -softplus(ON_FAKE).mean()),
        (WGAN, {"discriminator_norm": "none"}, -ON_FAKE.mean()),
        (WGANGP, {}, -ON_FAKE.mean()),
    ):
        terms = judged_linearly(cls, **options).generator_objective(REAL, FAKE)
        assert terms["adversarial"].item() == pytest.approx(value.item())


def test_each_row_has_its_own_interpolate():
    model = judged_linearly(WGANGP)
    seen = []
    model.discriminator.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].detach()))
    many = torch.zeros(50, 2), torch.ones(50, 2)
    model.discriminator_objective({"x": many[0]}, {"x": many[1]})
    mixes = seen[-1]
    assert torch.equal(mixes[:, 0], mixes[:, 1]) and mixes[:, 0].unique().numel() == 50


def test_instance_noise_reaches_reals_and_fakes_of_both_players():
    model, seen = judged_linearly(GAN, instance_noise=0.1), []
    model.discriminator.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].detach()))
    model.discriminator_objective(REAL, FAKE), model.generator_objective(REAL, FAKE)
    for x, clean in zip(seen, (REAL, FAKE, FAKE), strict=True):
        assert 0 < (x - clean["x"]).abs().max() < 0.6


def test_judgements_are_logged_as_probabilities_where_they_are_that():
    gan, wgan = judged_linearly(GAN), judged_linearly(WGAN, discriminator_norm="none")
    for model, value in ((gan, ON_REAL.sigmoid().mean()), (wgan, ON_REAL.mean())):
        model.discriminator_objective(REAL, FAKE)
        assert model._history["discriminator/real"][0].item() == pytest.approx(value.item())


def test_r1_refuses_batchnorm():
    with pytest.raises(ValueError, match="R1 is a penalty per datum and BatchNorm mixes data"):
        DCGAN(r1_weight=1.0)
    DCGAN(r1_weight=1.0, discriminator_norm="none")


def test_instance_noise_has_its_deviation_and_fades():
    model = GAN(**SMALL, shape=(2,), instance_noise=0.5, instance_noise_steps=100)
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
    wgan.optimizer = "adam"
    assert [type(optimizer) for optimizer in wgan.configure_optimizers()] == [torch.optim.Adam] * 2


def test_uniform_latents_fill_their_range(tmp_path):
    model = GAN(**SMALL, prior="uniform", shape=(2,))
    z = model.latent(5000)
    assert z.min() >= -1 and z.max() <= 1 and abs(z.std().item() - 3**-0.5) < 0.02
    play(tmp_path, model, Points(blob()), 2)
    assert weights(model).isfinite().all()


@pytest.mark.parametrize("precision", ["bf16-mixed", "64-true", "bf16-true"])
@pytest.mark.parametrize(
    ("model_class", "options"), [(GAN, {}), (WGANGP, {"n_critic": 2}), (WGAN, {"discriminator_norm": "none"})]
)
def test_other_precisions_train_and_stay_finite(tmp_path, precision, model_class, options):
    model = model_class(**SMALL, **options)
    play(tmp_path, model, Points(blob(), batch_size=8), 3, precision=precision)
    kinds = {"bf16-mixed": torch.float32, "64-true": torch.float64, "bf16-true": torch.bfloat16}
    assert weights(model).isfinite().all() and weights(model).dtype == kinds[precision]
