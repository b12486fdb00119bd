"""Architectures: the published sizes, shapes in and out, initial weights, norms, labels."""

import math

import pytest
import torch
from torch import nn

from gan_modules.networks import build_players


def players(name, shape, **options):
    return build_players(name, **{"shape": shape, "latent_dim": 100, **options})


def convolutions(network):
    return [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]


@pytest.mark.parametrize(
    ("side", "features"),
    [(64, [1024, 512, 256, 128]), (32, [512, 256, 128]), (28, [256, 128]), (16, [256, 128])],
)
def test_dcgan_has_the_papers_features_at_every_size(side, features):
    generator, discriminator = players("dcgan", (3, side, side), discriminator_norm="batch")
    assert [m.out_channels for m in convolutions(generator)] == [*features, 3]
    assert [m.out_channels for m in convolutions(discriminator)] == [*features[::-1], 1]


def test_dcgan_follows_its_rules():
    generator, discriminator = players("dcgan", (3, 32, 32), discriminator_norm="batch")
    # No BatchNorm in the generator's last and the discriminator's first layer; tanh at the end; strides, no pooling.
    assert isinstance(generator[-1], nn.Tanh) and isinstance(generator[-2], nn.ConvTranspose2d)
    assert isinstance(discriminator[1], nn.LeakyReLU) and discriminator[1].negative_slope == 0.2
    assert sum(isinstance(m, nn.BatchNorm2d) for m in generator) == 3
    assert sum(isinstance(m, nn.BatchNorm2d) for m in discriminator) == 2
    assert not any("Pool" in type(m).__name__ for m in discriminator)


def test_dcgan_starts_from_normal_weights_of_deviation_0_02():
    for network in players("dcgan", (3, 64, 64), discriminator_norm="batch"):
        for layer in convolutions(network):
            if layer.weight.numel() > 10_000:
                assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
                assert abs(layer.weight.mean().item()) < 1e-3
        gains = torch.cat([m.weight for m in network.modules() if isinstance(m, nn.BatchNorm2d)])
        assert gains.mean().item() == pytest.approx(1, abs=0.01) and gains.std().item() == pytest.approx(0.02, rel=0.2)


def test_infogan_has_the_sizes_of_the_comparison_study():
    generator, discriminator = players("infogan", (1, 28, 28), latent_dim=64, discriminator_norm="none")
    shapes = [tuple(m.weight.shape) for m in generator.modules() if isinstance(m, nn.Linear | nn.ConvTranspose2d)]
    assert shapes == [(1024, 64), (128 * 49, 1024), (128, 64, 4, 4), (64, 1, 4, 4)]
    shapes = [tuple(m.weight.shape) for m in discriminator.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    assert shapes == [(64, 1, 4, 4), (128, 64, 4, 4), (1024, 128 * 49), (1, 1024)]


def test_resnet_has_the_papers_blocks_at_32():
    generator, discriminator = players("resnet", (3, 32, 32), latent_dim=128)
    assert sum(type(m).__name__ == "_UpBlock" for m in generator) == 3
    assert sum(type(m).__name__ == "_Block" for m in discriminator) == 4
    assert all(m.out_channels in (128, 3) for m in convolutions(generator))
    assert not any(isinstance(m, nn.BatchNorm2d) for m in discriminator.modules())


def test_mlp_has_the_stated_hidden_layers():
    generator, discriminator = players("mlp", (1, 28, 28))
    assert [m.out_features for m in generator if isinstance(m, nn.Linear)] == [256, 512, 1024, 784]
    assert [m.out_features for m in discriminator if isinstance(m, nn.Linear)] == [512, 256, 1]


@pytest.mark.parametrize("classes", [None, 3])
@pytest.mark.parametrize("norm", ["none", "batch", "layer", "spectral"])
@pytest.mark.parametrize(
    ("name", "shape"),
    [("mlp", (1, 9, 7)), ("mlp", (2,)), ("dcgan", (3, 16, 16)), ("dcgan", (1, 28, 28)), ("dcgan", (2, 24, 24))]
    + [("infogan", (1, 28, 28)), ("infogan", (3, 32, 32)), ("resnet", (3, 32, 32)), ("resnet", (1, 28, 28))],
)
def test_every_network_maps_latents_to_data_and_data_to_one_number(name, shape, norm, classes):
    generator, discriminator = players(name, shape, width=4, discriminator_norm=norm, classes=classes)
    label = () if classes is None else (torch.tensor([0, 2, 1]),)
    x = generator(torch.randn(3, 100), *label)
    assert x.shape == (3, *shape)
    if len(shape) == 3:
        assert x.abs().max() <= 1
    assert discriminator(x, *label).shape == (3, 1)


@pytest.mark.parametrize("name", ["mlp", "dcgan"])
def test_both_players_listen_to_the_label(name):
    generator, discriminator = players(name, (1, 16, 16), width=4, classes=4)
    generator.eval()
    z = torch.randn(1, 100).expand(4, -1)
    x = generator(z, torch.arange(4))
    assert (x[0] - x[1]).abs().max() > 0
    judged = discriminator(x[:1].expand(4, -1, -1, -1), torch.arange(4))
    assert judged.unique().numel() == 4


def test_spectral_norm_bounds_every_layer():
    _, discriminator = players("dcgan", (1, 16, 16), width=8, discriminator_norm="spectral")
    for _ in range(50):  # power iterations
        discriminator(torch.randn(2, 1, 16, 16))
    discriminator.eval()
    layers = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d)]
    assert len(layers) == 3
    for layer in layers:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, rel=0.02)


def test_without_batchnorm_the_critic_judges_each_row_alone():
    for norm in ("none", "layer"):
        _, critic = players("dcgan", (1, 16, 16), width=4, discriminator_norm=norm)
        x = torch.randn(4, 1, 16, 16)
        torch.testing.assert_close(critic(x)[:2], critic(x[:2]))


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [("dcgan", (3, 100, 100), "for example to 96"), ("dcgan", (3, 32, 64), "square"), ("dcgan", (2,), "networks mlp")]
    + [
        ("infogan", (1, 30, 30), "multiple of 4"),
        ("resnet", (3, 33, 33), "for example to 32"),
        ("unet", (1, 8, 8), "unet"),
    ],
)
def test_shapes_that_cannot_be_served_are_refused_with_a_remedy(name, shape, message):
    with pytest.raises(ValueError, match=message):
        players(name, shape)


def test_width_scales_both_players():
    counts = []
    for width in (8, 16):
        counts.append([sum(p.numel() for p in n.parameters()) for n in players("dcgan", (3, 32, 32), width=width)])
    for small, large in zip(*counts, strict=True):
        assert 1.8 < math.log2(large / small) + 0.8 < 3
