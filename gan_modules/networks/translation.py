"""Networks that turn images into images, and judge them by patches: CycleGAN's and pix2pix's, as published."""

import torch
from torch import Tensor, nn

from gan_modules.networks.layers import normal_init


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with reflection padding and instance norm, added to their input; no ReLU after the sum."""

    def __init__(self, features: int):
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.ReflectionPad2d(1), nn.Conv2d(features, features, 3), nn.InstanceNorm2d(features)),
            nn.ReLU(inplace=True),
            *(nn.ReflectionPad2d(1), nn.Conv2d(features, features, 3), nn.InstanceNorm2d(features)),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class ResidualTranslator(nn.Sequential):
    """c7s1-64, d128, d256, R256 x blocks, u128, u64, c7s1-out (Zhu et al. 2017, appendix 7.2; Johnson et al. 2016).

    Fully convolutional: images (n, channels_in, h, w) to (n, channels_out, h, w) in [-1, 1] for h and w that are
    multiples of 4, and 8 or more.

    Args:
        channels_in: of the images it reads.
        channels_out: of the images it draws.
        blocks: residual blocks; None: 9 for images of 256 pixels and more, else 6.
        width: features of the first layer, 64 in the paper.
        size: side of the images it is trained on, which decides ``blocks``.
    """

    def __init__(self, channels_in: int, channels_out: int, *, size: int, blocks: int | None = None, width: int = 64):
        blocks = (9 if size >= 256 else 6) if blocks is None else blocks
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(channels_in, width, 7)]
        layers += [nn.InstanceNorm2d(width), nn.ReLU(inplace=True)]
        for features in (width, 2 * width):
            layers += [nn.Conv2d(features, 2 * features, 3, stride=2, padding=1)]
            layers += [nn.InstanceNorm2d(2 * features), nn.ReLU(inplace=True)]
        layers += [ResidualBlock(4 * width) for _ in range(blocks)]
        for features in (4 * width, 2 * width):
            layers += [nn.ConvTranspose2d(features, features // 2, 3, stride=2, padding=1, output_padding=1)]
            layers += [nn.InstanceNorm2d(features // 2), nn.ReLU(inplace=True)]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, channels_out, 7), nn.Tanh()]
        super().__init__(*layers)
        normal_init(self)


class PatchDiscriminator(nn.Sequential):
    """C64-C128-C256-C512: one raw output for each 70x70 patch (Isola et al. 2017, section 3.2.2).

    Images (n, channels, h, w) to (n, 1, h / 8 - 2, w / 8 - 2); 4x4 kernels, LeakyReLU 0.2, no norm in the first layer.

    Args:
        norm: ``instance`` (CycleGAN) or ``batch`` (pix2pix).
    """

    def __init__(self, channels: int, *, width: int = 64, norm: str = "instance"):
        normed = nn.InstanceNorm2d if norm == "instance" else nn.BatchNorm2d
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True)]
        for features, wider, stride in ((width, 2 * width, 2), (2 * width, 4 * width, 2), (4 * width, 8 * width, 1)):
            layers += [nn.Conv2d(features, wider, 4, stride=stride, padding=1, bias=norm == "instance")]
            layers += [normed(wider), nn.LeakyReLU(0.2, inplace=True)]
        super().__init__(*layers, nn.Conv2d(8 * width, 1, 4, padding=1))
        normal_init(self)


class UNet(nn.Module):
    """Encoder and decoder with a skip at every size (Isola et al. 2017, appendix 6.1.1): 8 halvings at 256, 7 at 128.

    Images (n, channels_in, h, w) to (n, channels_out, h, w) in [-1, 1] for sides that halve evenly.
    The paper's noise is dropout in the inner layers of the decoder, in training and in use alike, and so are the
    statistics of the batch (section 3.3): translate one image at a time for what training on single images showed it.

    Args:
        halvings: of the image down to its innermost map.
        width: features of the first layer, 64 in the paper; they double up to 8 times that.
    """

    def __init__(self, channels_in: int, channels_out: int, *, halvings: int, width: int = 64):
        super().__init__()
        features = [width * min(8, 2**i) for i in range(halvings)]
        self.downs, self.ups = nn.ModuleList(), nn.ModuleList()
        for i, out in enumerate(features):
            innermost, outermost = i == halvings - 1, i == 0
            down: list[nn.Module] = [] if outermost else [nn.LeakyReLU(0.2)]
            down += [nn.Conv2d(channels_in if outermost else features[i - 1], out, 4, 2, 1, bias=False)]
            # The innermost map is not normalised: at 1x1 nothing would be left of it.
            self.downs.append(
                nn.Sequential(
                    *down, *([] if innermost or outermost else [nn.BatchNorm2d(out, track_running_stats=False)])
                )
            )
            target = channels_out if outermost else features[i - 1]
            up = [nn.ReLU(), nn.ConvTranspose2d(out if innermost else 2 * out, target, 4, 2, 1, bias=outermost)]
            if outermost:
                up += [nn.Tanh()]
            else:
                # The paper's dropout stands where the features are 8 times the width on both sides.
                noisy = not innermost and out == target == 8 * width
                up += [nn.BatchNorm2d(target, track_running_stats=False), *([AlwaysDropout(0.5)] if noisy else [])]
            self.ups.append(nn.Sequential(*up))
        normal_init(self)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for down in self.downs:
            x = down(x)
            skips.append(x)
        for i in reversed(range(len(self.ups))):
            x = self.ups[i](x if i == len(self.ups) - 1 else torch.cat([skips[i], x], dim=1))
        return x


class AlwaysDropout(nn.Dropout):
    """Dropout that stays on in eval mode: it is the noise that pix2pix draws by."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(x, self.p, training=True)
