"""CycleGAN and pix2pix: published sizes, the papers' equations by an independent rewrite, the pool, any image size."""

import copy

import pytest
import torch
from helpers import play
from torch import nn

from callbacks import FID, SampleGrid
from datamodules import Photos
from gan_modules import CycleGAN, Pix2Pix
from gan_modules.networks.translation import PatchDiscriminator, ResidualTranslator, UNet
from gan_modules.pool import ImagePool
from gan_modules.randomness import StepRandomness

SHAPE = {"A": (3, 32, 32), "B": (3, 32, 32)}


def count(network):
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("network", "millions"),
    [
        (lambda: ResidualTranslator(3, 3, size=256), 11.378),
        (lambda: PatchDiscriminator(3), 2.765),
        (lambda: PatchDiscriminator(6, norm="batch"), 2.769),
        (lambda: UNet(3, 3, halvings=8), 54.414),
    ],
)
def test_parameter_counts_are_the_published_ones(network, millions):
    assert round(count(network()) / 1e6, 3) == millions


def test_the_size_of_the_images_chooses_the_blocks():
    blocks = [
        sum(type(m).__name__ == "ResidualBlock" for m in ResidualTranslator(3, 3, size=size, width=4))
        for size in (128, 256)
    ]
    assert blocks == [6, 9]


def test_a_patch_discriminator_sees_patches_of_70():
    judge = PatchDiscriminator(1, width=4).double()
    x = torch.zeros(1, 1, 128, 128, dtype=torch.float64, requires_grad=True)
    # Instance norm looks at the whole image; what is left without it is the reach of the convolutions.
    for i, module in enumerate(judge):
        if isinstance(module, nn.InstanceNorm2d):
            judge[i] = nn.Identity()
    judge(x)[0, 0, 7, 7].backward()
    rows = x.grad[0, 0].abs().sum(1).nonzero()
    assert rows.max() - rows.min() + 1 == 70


def small(cls=CycleGAN, **options):
    model = cls(**{"width": 4, "shape": SHAPE, "lr": 1e-2, "lr_schedule": "constant", **options})
    model.configure_model()
    model.step_index, model._reporting, model.noise = 0, False, StepRandomness(0, 0)
    return model


def pair(n=2, channels=(3, 3)):
    return {name: torch.rand(n, c, 32, 32).double() * 2 - 1 for name, c in zip("AB", channels, strict=True)}


def paper(model, real):
    """Every loss of the paper and the authors' code, written out once more."""
    G, F = model.generator["AtoB"], model.generator["BtoA"]
    D_A, D_B = model.discriminator["A"], model.discriminator["B"]
    a, b = real["A"], real["B"]
    mse, one = nn.MSELoss(), torch.ones(())
    fake_b, fake_a = G(a), F(b)
    absolute = lambda x, y: (x - y).abs().mean()
    generator = {
        "adversarial_A": mse(D_A(fake_a), one.expand_as(D_A(fake_a)).double()),
        "adversarial_B": mse(D_B(fake_b), one.expand_as(D_B(fake_b)).double()),
        "cycle_A": 10 * absolute(F(fake_b), a),
        "cycle_B": 10 * absolute(G(fake_a), b),
        "identity_A": 10 * 0.5 * absolute(F(a), a),
        "identity_B": 10 * 0.5 * absolute(G(b), b),
    }
    discriminator = {}
    for name, D, x, fake in (("A", D_A, a, fake_a), ("B", D_B, b, fake_b)):
        on_fake, on_real = D(fake.detach()), D(x)
        loss = 0.5 * ((on_real - 1) ** 2).mean() + 0.5 * (on_fake**2).mean()
        discriminator[f"adversarial_{name}"] = loss
    return generator, discriminator


def test_the_losses_equal_the_papers():
    model, real = small(pool_size=0, blocks=2).double(), pair()
    generator, discriminator = paper(model, real)
    fake = model.generate(real)
    for ours, theirs in (
        (model.generator_objective(real, fake), generator),
        (model.discriminator_objective(real, {k: v.detach() for k, v in fake.items()}), discriminator),
    ):
        assert ours.keys() == theirs.keys()
        for name, value in ours.items():
            assert abs(value.item() - theirs[name].item()) < 1e-9, name


class Doubles(Photos):
    """Patches in float64."""

    def on_after_batch_transfer(self, batch, dataloader_idx):
        return {name: x.double() for name, x in super().on_after_batch_transfer(batch, dataloader_idx).items()}


def test_three_steps_equal_a_plain_loop_in_the_authors_order(tmp_path):
    model = small(pool_size=0, blocks=1).double()
    data = Doubles(crop_size=32, batch_size=2, seed=3)
    reference, batches = copy.deepcopy(model), []
    model.on_train_batch_start = lambda batch, i: batches.append({k: v.clone() for k, v in batch.items()})
    play(tmp_path, model, data, 3)
    adam = {"lr": 1e-2, "betas": (0.5, 0.999)}
    optimizers = [torch.optim.Adam(p.parameters(), **adam) for p in (reference.generator, reference.discriminator)]
    for batch in batches:
        for optimizer in optimizers:
            optimizer.zero_grad()
        generator, discriminator = paper(reference, batch)
        # Both graphs are from before the step; the generators move first.
        sum(generator.values()).backward(inputs=list(reference.generator.parameters()))
        sum(discriminator.values()).backward(inputs=list(reference.discriminator.parameters()))
        for optimizer in optimizers:
            optimizer.step()
    assert len(batches) == 3
    # Not weight by weight: biases before an instance norm have no gradient but rounding noise, which Adam blows up.
    x = pair()["A"]
    for player in ("generator", "discriminator"):
        for ours, theirs in zip(getattr(model, player).values(), getattr(reference, player).values(), strict=True):
            assert (ours(x) - theirs(x)).abs().max() < 1e-9


def test_an_identity_generator_pays_for_no_cycle_and_no_identity():
    model, real = small(pool_size=0).double(), pair()
    model.generator = nn.ModuleDict({"AtoB": nn.Identity(), "BtoA": nn.Identity()})
    terms = model.generator_objective(real, model.generate(real))
    assert all(terms[f"{kind}_{name}"] == 0 for kind in ("cycle", "identity") for name in "AB")


def test_batching_translation_with_identity_changes_nothing():
    model, real = small(pool_size=0, blocks=1).double(), pair()
    together = model.generate(real)
    apart = model.generate({"A": real["A"], "B": torch.cat([real["B"], real["B"]])})  # uneven: one by one
    torch.testing.assert_close(together["B"], apart["B"])
    torch.testing.assert_close(together["identity_A"], apart["identity_A"])


def test_domains_may_have_other_channels_without_identity_terms():
    shape = {"A": (3, 32, 32), "B": (1, 32, 32)}
    with pytest.raises(ValueError, match=r"same channels, these have 3 and 1: set --model.identity_weight 0"):
        small(shape=shape)
    model = small(shape=shape, identity_weight=0.0, blocks=1).double()
    fake = model.generate(pair(channels=(3, 1)))
    assert fake["A"].shape == (2, 3, 32, 32) and fake["B"].shape == (2, 1, 32, 32)
    assert set(model.panels["AtoB"]) == {"real_A", "fake_B", "rec_A"}


# The pool.


def test_a_pool_returns_what_it_gets_until_it_is_full():
    pool, fakes = ImagePool(4), torch.arange(4.0)[:, None]
    assert torch.equal(pool.query(fakes, torch.zeros(4, 2)), fakes)
    assert len(pool.images) == 4


def test_a_full_pool_exchanges_half_of_the_time():
    pool = ImagePool(3)
    pool.query(torch.tensor([[0.0], [1.0], [2.0]]), torch.zeros(3, 2))
    shown = pool.query(torch.tensor([[7.0], [8.0]]), torch.tensor([[0.4, 0.5], [0.6, 0.5]]))
    assert shown.tolist() == [[1.0], [8.0]]  # the first was exchanged for number int(0.5 * 3), the second kept
    assert [image.item() for image in pool.images] == [0.0, 7.0, 2.0]


def test_a_pool_of_none_passes_fakes_on():
    fakes = torch.rand(2, 3)
    assert ImagePool(0).query(fakes, torch.zeros(2, 2)) is fakes


def test_the_pools_are_part_of_a_checkpoint(tmp_path):
    model = CycleGAN(width=4, blocks=1, pool_size=3)
    run = play(tmp_path, model, Photos(crop_size=32, batch_size=2), 2)
    run.save_checkpoint(tmp_path / "a.ckpt")
    torch.load(tmp_path / "a.ckpt", weights_only=True)
    again = CycleGAN.load_from_checkpoint(tmp_path / "a.ckpt")
    for name in "AB":
        assert len(model.pools[name].images) == 3
        assert all(torch.equal(a, b) for a, b in zip(model.pools[name].images, again.pools[name].images, strict=True))


def test_pools_of_another_number_of_processes_start_empty(caplog):
    model = small(blocks=1)
    model.on_load_checkpoint({"image_pools": [{"A": [torch.zeros(1)]}, {"A": [torch.zeros(1)]}]})
    assert model.pools["A"].images == [] and "start empty" in caplog.text


# pix2pix.


def test_pix2pix_pays_for_the_pair_and_the_distance():
    model, real = small(Pix2Pix, halvings=3).double(), pair()
    drawn = model.generate(real)["B"]
    bce, judge = nn.BCEWithLogitsLoss(), model.discriminator
    on_fake, on_real = judge(torch.cat([real["A"], drawn], 1)), judge(torch.cat([real["A"], real["B"]], 1))
    expected = (bce(on_fake, torch.zeros_like(on_fake)) + bce(on_real, torch.ones_like(on_real))) / 2
    found = model.discriminator_objective(real, {"B": drawn.detach()})["adversarial"]
    assert abs(found.item() - expected.item()) < 1e-9
    terms = model.generator_objective(real, {"B": drawn})
    assert abs(terms["adversarial"].item() - bce(on_fake, torch.ones_like(on_fake)).item()) < 1e-9
    assert abs(terms["l1"].item() - 100 * (drawn - real["B"]).abs().mean().item()) < 1e-9


def test_pix2pix_translates_in_its_direction_and_draws_noise():
    model = small(Pix2Pix, direction="BtoA", shape={"A": (1, 64, 64), "B": (3, 64, 64)})
    x = torch.rand(2, 3, 64, 64)
    first, second = model.translate(x, "BtoA"), model.translate(x, "BtoA")
    assert first.shape == (2, 1, 64, 64) and not torch.equal(first, second)
    rng = lambda: torch.Generator().manual_seed(4)
    batch = {"A": torch.rand(2, 1, 64, 64), "B": x}
    assert torch.equal(model.pictures(batch, rng())["fake_A"], model.pictures(batch, rng())["fake_A"])
    with pytest.raises(ValueError, match="translates BtoA only"):
        model.translate(x, "AtoB")
    assert model.scored == {"BtoA": ("real_A", "fake_A")}


def test_a_u_net_says_which_sizes_it_takes():
    message = "a U-Net of 5 halvings needs sides that are multiples of 32, got 48x32: set --data.crop_size"
    with pytest.raises(ValueError, match=message):
        small(Pix2Pix, shape={"A": (3, 32, 48), "B": (3, 32, 48)}, halvings=5)
    with pytest.raises(ValueError, match="paired images must have one size"):
        small(Pix2Pix, shape={"A": (3, 32, 32), "B": (3, 64, 64)})
    for cls in (Pix2Pix, CycleGAN):
        with pytest.raises(ValueError, match="patch discriminator needs images of 24 pixels and more, got 16x32"):
            small(cls, shape={"A": (3, 32, 16), "B": (3, 32, 16)})


@pytest.mark.parametrize("size", [(32, 32), (33, 50), (5, 3), (1, 7)])
@pytest.mark.parametrize("cls", [CycleGAN, Pix2Pix])
def test_images_of_any_size_keep_it(cls, size):
    model = small(cls, **({"halvings": 3} if cls is Pix2Pix else {"blocks": 1}))
    x = torch.rand(2, 3, *size) * 2 - 1
    assert model.translate_any(x).shape == x.shape


def test_training_draws_rows_and_scores_both_directions(tmp_path):
    data = Photos(crop_size=32, batch_size=2)
    watchers = [SampleGrid(1, rows=3), FID(1, split="test", batch_size=7, kid=True)]
    run = play(tmp_path, CycleGAN(width=4, blocks=1), data, 2, callbacks=watchers)
    names = sorted(path.name for path in (tmp_path / "samples").iterdir())
    assert names == [f"{d}_00000{i}.png" for d in ("AtoB", "BtoA") for i in range(3)]
    names = {f"score/{kind}_pixels_{d}" for kind in ("frechet", "kernel") for d in ("AtoB", "BtoA")}
    assert names <= set(run.callback_metrics)
    made = watchers[1]._distances["AtoB"].metric.fake_features_num_samples
    assert made == data.size("test") == len(data.shown("test")["A"])  # each test image once
