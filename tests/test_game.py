"""The game: who moves when, on what, with which counters, and what a step leaves alone."""

import copy

import pytest
import torch
from helpers import Points, TinyGAN, play, trainer, weights
from pytorch_lightning.callbacks import ModelCheckpoint

from gan_modules import GAN, WGAN
from gan_modules.base import split
from gan_modules.randomness import StepRandomness
from gan_modules.schedules import learning_rate_factor


@pytest.fixture
def data():
    return Points(torch.randn(60, 2, generator=torch.Generator().manual_seed(3)).double())


def tiny(cls=TinyGAN, **options):
    model = cls(shape=(2,), lr=1e-2, **options)
    model.configure_model()
    return model.double()


def plain_loop(model, data, steps):
    """The same game without Lightning: the reference."""
    adam = {"lr": model.lr, "betas": model.betas}
    optimizers = {
        name: torch.optim.Adam(getattr(model, name).parameters(), **adam) for name in ("generator", "discriminator")
    }
    average, step, epoch = copy.deepcopy(model.generator), 0, 0  # the average starts as the initial weights
    order = sorted(("discriminator", "generator"), key=lambda name: name != model.moves_first)

    def move(player, objective, real, fake):
        optimizers[player].zero_grad()
        sum(objective(real, fake).values()).backward()
        optimizers[player].step()

    while step < steps:
        from datamodules.sampler import StepSampler

        sampler = StepSampler(len(data.x), data.batch_size, model.n_critic)
        sampler.set_epoch(epoch)
        epoch += 1
        for draw in sampler:
            if step == steps:
                break
            model.noise = StepRandomness(model.seed, step)
            *early, last = split(data[draw], model.n_critic)
            for minibatch in early:
                fake = {"x": model.generate(minibatch)["x"].detach()}
                move("discriminator", model.discriminator_objective, minibatch, fake)
            fake = model.generate(last)
            for player in order:
                if player == "discriminator":
                    move(player, model.discriminator_objective, last, {"x": fake["x"].detach()})
                else:
                    move(player, model.generator_objective, last, model.generate(last) if model.fresh_noise else fake)
            if model.ema_decay:
                for a, g in zip(average.parameters(), model.generator.parameters(), strict=True):
                    new = model.ema_decay * a + (1 - model.ema_decay) * g
                    a.data.copy_(new.data)
            step += 1
    return average


@pytest.fixture(autouse=True)
def plain_attributes(monkeypatch):
    """Outside of a trainer the model reports nothing."""
    monkeypatch.setattr(TinyGAN, "_reporting", False, raising=False)


@pytest.mark.parametrize("n_critic", [1, 2, 5])
@pytest.mark.parametrize("options", [{}, {"fresh_noise": True}, {"moves_first": "generator"}])
def test_a_fit_equals_a_plain_loop(tmp_path, data, n_critic, options):
    options = dict(options)
    moves_first = options.pop("moves_first", "discriminator")
    model = tiny(n_critic=n_critic, ema_decay=0.9, **options)
    model.moves_first = moves_first
    reference = copy.deepcopy(model)
    run = play(tmp_path, model, data, 17)
    average = plain_loop(reference, data, 17)
    trained, expected = weights(model.generator), weights(reference.generator)
    assert (trained - expected).abs().max() < 1e-14
    assert (weights(model.discriminator) - weights(reference.discriminator)).abs().max() < 1e-14
    assert (weights(model.average.module) - weights(average)).abs().max() < 1e-14
    # Every counter means generator steps.
    assert run.global_step == run.fit_loop.total_batch_idx + 1 == model.steps_done == 17


def test_max_steps_and_checkpoints_count_generator_steps(tmp_path, data):
    saver = ModelCheckpoint(tmp_path, every_n_train_steps=3, save_top_k=-1, filename="{step}")
    run = play(tmp_path, tiny(n_critic=5), data, 7, callbacks=[saver], enable_checkpointing=True)
    assert run.global_step == 7
    assert sorted(path.name for path in tmp_path.glob("*.ckpt")) == ["step=3.ckpt", "step=6.ckpt"]


class Watched(TinyGAN):
    """Writes down who was asked to move, on which data, and whether the other player could be hurt."""

    def discriminator_objective(self, real, fake):
        self.moves.append(("discriminator", real["x"].clone()))
        assert not any(p.requires_grad for p in self.generator.parameters())
        assert not fake["x"].requires_grad
        self.before = weights(self.generator)
        return super().discriminator_objective(real, fake)

    def generator_objective(self, real, fake):
        self.moves.append(("generator", real["x"].clone()))
        assert not any(p.requires_grad for p in self.discriminator.parameters())
        assert torch.equal(self.before, weights(self.generator))  # the discriminator's steps left it alone
        self.after = weights(self.discriminator)
        return super().generator_objective(real, fake)

    def on_train_batch_end(self, *_):
        assert torch.equal(self.after, weights(self.discriminator))


@pytest.mark.parametrize("n_critic", [1, 2, 5])
def test_the_discriminator_moves_n_critic_times_on_fresh_data_and_the_generator_once(tmp_path, data, n_critic):
    model = tiny(Watched, n_critic=n_critic)
    model.moves = []
    play(tmp_path, model, data, 3)
    names = [name for name, _ in model.moves]
    assert names == (["discriminator"] * n_critic + ["generator"]) * 3
    one_epoch = [x for name, x in model.moves if name == "discriminator"]
    assert len({tuple(row.tolist()) for x in one_epoch for row in x}) == 3 * n_critic * data.batch_size


def test_a_clipped_critic_is_clipped_after_every_step(tmp_path):
    seen = []

    class Clipped(WGAN):
        def after_discriminator_step(self):
            before = max(p.abs().max().item() for p in self.discriminator.parameters())
            super().after_discriminator_step()
            seen.append((before, max(p.abs().max().item() for p in self.discriminator.parameters())))

    model = Clipped(networks="mlp", discriminator_norm="none", width=4, clip=0.02, lr=0.05, n_critic=3)
    play(tmp_path, model, Points(torch.randn(40, 2)), 4)
    assert len(seen) == 12
    assert all(before > 0.02 and after <= 0.02 for before, after in seen)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path, data):
    def trained(seed, disturb):
        torch.manual_seed(disturb)  # what ran before must not matter
        model = GAN(width=4, seed=seed)
        play(tmp_path, model, Points(data.x.float()), 5)
        return weights(model)

    assert torch.equal(trained(1, 10), trained(1, 20))
    assert not torch.equal(trained(1, 10), trained(2, 10))


def test_ranks_draw_their_rows_of_the_global_batch():
    alone = StepRandomness(7, 3).normal(6, 2)
    pair = [StepRandomness(7, 3, rank=rank, world_size=2).normal(3, 2) for rank in range(2)]
    assert torch.equal(alone, torch.cat(pair))
    assert not torch.equal(alone, StepRandomness(7, 4).normal(6, 2))


def test_draws_repeat_whatever_the_global_generator_did():
    draws = []
    for _ in range(2):
        torch.randn(5)
        noise = StepRandomness(1, 2)
        draws.append((noise.uniform(3, 1), noise.normal(3, 4), torch.rand(2)))
    assert all(torch.equal(a, b) for a, b in zip(*draws, strict=True))
    assert draws[0][0].min() >= 0 and draws[0][0].max() < 1


@pytest.mark.parametrize(
    ("schedule", "step", "factor"),
    [("constant", 99, 1), ("linear", 0, 1), ("linear", 50, 1), ("linear", 75, 0.5), ("cosine", 75, 0.5)]
    + [("linear", 100, 0), ("exponential", 100, 0.01), ("exponential", 75, 0.1), ("linear", 400, 0)],
)
def test_schedules(schedule, step, factor):
    assert learning_rate_factor(schedule, step, 100, start=0.5) == pytest.approx(factor)


def test_the_schedule_steps_once_per_generator_step(tmp_path, data):
    model = tiny(n_critic=2, lr_schedule="linear", discriminator_lr=4e-2)
    run = trainer(tmp_path, 10)
    rates = []
    model.on_train_batch_end = lambda *_: rates.append([o.param_groups[0]["lr"] for o in run.optimizers])
    run.fit(model, datamodule=data)
    expected = [[1e-2 * (1 - (i + 1) / 10), 4e-2 * (1 - (i + 1) / 10)] for i in range(10)]
    torch.testing.assert_close(torch.tensor(rates), torch.tensor(expected))


def test_a_schedule_without_an_end_is_refused(tmp_path, data):
    with pytest.raises(ValueError, match="set max_steps or max_epochs"):
        play(tmp_path, tiny(lr_schedule="linear"), data, -1)


def test_terms_are_logged_by_player_as_means_of_the_window(tmp_path, data):
    values = []

    class Logged(TinyGAN):
        def discriminator_objective(self, real, fake):
            terms = super().discriminator_objective(real, fake)
            values.append(terms["drift"].item())
            self.observe(discriminator__real=real["x"])
            return terms

    run = play(tmp_path, tiny(Logged, n_critic=2), data, 4, log_every_n_steps=4)
    logged = run.callback_metrics
    assert logged["loss/discriminator/drift"].item() == pytest.approx(sum(values) / 8, rel=1e-5)
    assert {"loss/generator/adversarial", "gradient/generator", "gradient/discriminator"} <= set(logged)
    assert logged["discriminator/real"].isfinite()
    assert logged["step"] == 4


def test_a_checkpoint_loads_without_data_and_with_its_average(tmp_path):
    model = GAN(width=4, ema_decay=0.5, latent_dim=7, lr=3e-3)
    run = play(tmp_path, model, Points(torch.randn(40, 2)), 5)
    run.save_checkpoint(tmp_path / "a.ckpt")
    again = GAN.load_from_checkpoint(tmp_path / "a.ckpt")
    assert again.shape == (2,) and again.latent_dim == 7 and again.lr == 3e-3
    latent = torch.randn(6, 7)
    assert torch.equal(again.sample(latent), model.sample(latent))
    assert torch.equal(weights(again), weights(model))
    contents = torch.load(tmp_path / "a.ckpt", weights_only=True)
    assert contents["model_class"] == "gan_modules.gan.GAN"


def test_sampling_restores_training_mode_and_leaves_no_graph():
    model = GAN(shape=(2,), width=4)
    model.configure_model()
    model.train()
    assert not model.sample(model.latent(3)).requires_grad
    assert model.generator.training


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"lr": 0}, "lr"),
        ({"n_critic": 0}, "n_critic"),
        ({"ema_decay": 1.0}, "ema_decay"),
        ({"betas": (0.5, 1.0)}, "betas"),
    ]
    + [({"loss": "hing"}, "loss"), ({"label_smoothing": 1.0}, "label_smoothing"), ({"latent_dim": 0}, "latent_dim")]
    + [
        ({"loss": "wasserstein", "label_smoothing": 0.1}, "label_smoothing"),
        ({"instance_noise_steps": 0}, "noise_steps"),
    ]
    + [({"lr_decay_start": 1.0}, "lr_decay_start"), ({"seed": -1}, "seed"), ({"width": 0}, "width")],
)
def test_options_out_of_range_are_refused_by_name(options, word):
    with pytest.raises(ValueError, match=word):
        GAN(**options)


def test_unknown_options_are_refused():
    with pytest.raises(TypeError, match="widht"):
        GAN(widht=3)


def test_a_batch_that_does_not_split_is_refused():
    with pytest.raises(ValueError, match="a batch of 7 cannot be split into n_critic = 2"):
        split({"x": torch.zeros(7)}, 2)


def test_a_model_without_a_shape_says_so(tmp_path):
    with pytest.raises(ValueError, match="does not know the shape of its data"):
        GAN().configure_model()
