"""What is done with trained translators: files in and out, tiles, exported generators, other people's weights."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import play
from PIL import Image
from torch import nn

from datamodules import Photos
from datamodules.decode import read_image
from gan_modules import GAN, CycleGAN, Pix2Pix, load_model
from gan_modules.export import save_generator
from gan_modules.tiling import tiled

SHAPE = {"A": (3, 32, 32), "B": (3, 32, 32)}


def cyclegan(**options):
    model = CycleGAN(**{"width": 4, "blocks": 1, "shape": SHAPE, **options})
    model.configure_model()
    return model


@pytest.fixture
def checkpoint(tmp_path):
    model = CycleGAN(width=4, blocks=1, ema_decay=0.5)
    run = play(tmp_path / "run", model, Photos(crop_size=32), 1)
    run.save_checkpoint(tmp_path / "run" / "checkpoints" / "last.ckpt")
    return tmp_path / "run"


def photo(path, size, mode="RGB", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)).convert(mode).save(path, **options)


# translate.


def test_translate_keeps_names_sizes_and_sub_folders(command, checkpoint):
    photo(Path("in/a.png"), (40, 30))
    photo(Path("in/deep/er/b c.jpg"), (33, 57))
    photo(Path("in/gray.bmp"), (9, 5), "L")
    photo(Path("in/old.gif"), (20, 20), "P")
    status, out, err = command(f"translate --checkpoint {checkpoint} --input in --output out --direction BtoA")
    assert status == 0, err
    assert "4 of 4 images translated BtoA to out/" in out
    sizes = {str(p.relative_to("out")): Image.open(p).size for p in Path("out").rglob("*") if p.is_file()}
    assert sizes == {"a.png": (40, 30), "deep/er/b c.jpg": (33, 57), "gray.bmp": (9, 5), "old.gif.png": (20, 20)}
    model = load_model(checkpoint)
    image = read_image(Path("in/a.png"), 3, None)[None].float() / 127.5 - 1
    expected = ((model.translate_any(image, "BtoA")[0] + 1) * 127.5).round().clamp(0, 255)
    torch.testing.assert_close(read_image(Path("out/a.png"), 3, None).float(), expected)


def test_translate_names_what_it_cannot_read_and_goes_on(command, checkpoint):
    photo(Path("in/good.png"), (40, 30))
    Path("in/bad.png").write_text("no image")
    status, out, _ = command(f"translate --checkpoint {checkpoint} --input in --output out --batch-size 4")
    assert status == 1
    assert "not translated: in/bad.png cannot be read" in out and "1 of 2 images translated" in out
    assert [p.name for p in Path("out").iterdir()] == ["good.png"]


def test_translate_refuses_what_cannot_be_in_one_line(command, checkpoint):
    photo(Path("in/a.png"), (40, 30))
    photo(Path("out/a.png"), (40, 30))
    gan = GAN(width=2, shape=(1, 16, 16))
    play(Path("gan"), gan, __import__("datamodules").Digits(), 1).save_checkpoint("gan/checkpoints/last.ckpt")
    for line, message in (
        (f"--checkpoint {checkpoint} --input in --output in", "--output is the folder of the input"),
        (f"--checkpoint {checkpoint} --input in --output out", "out/a.png is there already"),
        (f"--checkpoint {checkpoint} --input nowhere --output new", "--input: no file or folder nowhere"),
        ("--checkpoint nowhere --input in --output new", "no checkpoint nowhere"),
        ("--checkpoint gan --input in --output new", "gan is a GAN, which translates nothing"),
        ("--checkpoint in/a.png --input in --output new", "checkpoint in/a.png is damaged"),
        (f"--checkpoint {checkpoint} --input in --output new --tile 8 --overlap 8", "--overlap must be 0 or more"),
        (f"--checkpoint {checkpoint} --input in", "the following arguments are required: --output"),
    ):
        status, out, err = command(f"translate {line}")
        assert (status, out) == (2, "") and message in err and err.count("\n") == 1, err
    assert not Path("new").exists()
    status, _, _ = command(f"translate --checkpoint {checkpoint} --input in/a.png --output out --overwrite")
    assert status == 0


def test_tiles_of_a_local_function_change_nothing_and_keep_any_size():
    image = torch.rand(1, 3, 50, 71)
    for tile, overlap in ((16, 4), (32, 0), (200, 8)):
        torch.testing.assert_close(tiled(lambda x: 2 * x - 1, image, tile, overlap), 2 * image - 1)


def test_tiles_are_blended_linearly():
    # Tiles that draw their own place: 0 on the left, 1 on the right.
    drawn = iter((0.0, 1.0))
    row = tiled(lambda x: torch.full_like(x, next(drawn)), torch.zeros(1, 1, 1, 12), 8, 4)[0, 0, 0]
    assert row[:4].tolist() == [0] * 4 and row[-4:].tolist() == [1] * 4
    torch.testing.assert_close(row[4:8], torch.tensor([0.2, 0.4, 0.6, 0.8]))


def test_a_large_photo_passes_the_network_in_tiles_alone():
    seen = []
    tiled(lambda x: seen.append(x.numel()) or x, torch.zeros(1, 3, 3000, 4000), 512, 32)
    assert max(seen) == 3 * 512 * 512 and len(seen) == 7 * 9


# check-data.


def test_check_data_prints_a_table_and_what_is_refused(command):
    photo(Path("d/trainA/a.png"), (40, 30))
    photo(Path("d/trainA/b.png"), (40, 30), "L")
    photo(Path("d/trainB/c.jpg"), (20, 30))
    Path("d/trainB/readme.txt").write_text("text")
    status, out, err = command("check-data d")
    assert status == 0, err
    assert "trainA" in out and "40x30 (2)" in out and "RGB (1), L (1)" in out
    assert "passed over (1, hidden or no image by name): trainB/readme.txt" in out
    Path("d/trainB/torn.jpg").write_bytes(Path("d/trainB/c.jpg").read_bytes()[:300])
    status, out, _ = command("check-data d")
    assert status == 1 and "refused: d/trainB/torn.jpg cannot be read" in out and "1 would be refused" in out
    status, _, err = command("check-data nowhere")
    assert status == 2 and err == "train.py: check-data: no folder nowhere\n"


# Exported generators.


def test_an_exported_generator_translates_like_the_model(tmp_path):
    model = cyclegan(ema_decay=0.9)
    for p in model.average.parameters():
        p.data += 0.01  # so that average and generator differ
    save_generator(model, tmp_path, step=3)
    x = torch.rand(1, 3, 20, 30)
    for path in (tmp_path, tmp_path / "generator.safetensors"):
        assert torch.equal(load_model(path).translate_any(x, "AtoB"), model.translate_any(x, "AtoB"))
    description = json.loads((tmp_path / "model.json").read_text())
    assert description["model_class"] == "gan_modules.cyclegan.CycleGAN" and description["step"] == 3


def test_every_run_leaves_an_exported_generator(command):
    status, _, err = command("--model gan --model.width 4 --steps 2 --progress.show false --fid.every_n_steps 0")
    assert status == 0, err
    run = Path("runs/gan-digits/000-s0")
    whole, exported = load_model(run), load_model(run / "generator.safetensors")
    latent = torch.randn(3, 100)
    assert torch.equal(whole.sample(latent), exported.sample(latent))


def test_broken_exports_are_refused(tmp_path):
    save_generator(cyclegan(), tmp_path)
    (tmp_path / "generator.safetensors").write_bytes(b"torn")
    with pytest.raises(ValueError, match="holds no exported generator that can be read"):
        load_model(tmp_path)
    save_generator(cyclegan(), tmp_path)
    text = (tmp_path / "model.json").read_text()
    (tmp_path / "model.json").write_text(text.replace("gan_modules.cyclegan", "os"))
    with pytest.raises(ValueError, match="holds no model of this package"):
        load_model(tmp_path)
    with pytest.raises(ValueError, match="not from addresses"):
        load_model("http://example.org/a.ckpt")


# Weights of the CycleGAN and pix2pix repository: its public class structure, written out anew for these tests.


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        norm = lambda: nn.InstanceNorm2d(dim)
        conv = lambda: nn.Conv2d(dim, dim, 3)
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1), conv(), norm(), nn.ReLU(), nn.ReflectionPad2d(1), conv(), norm()
        )

    def forward(self, x):
        return x + self.conv_block(x)


class TheirGenerator(nn.Module):
    def __init__(self, ngf, blocks):
        super().__init__()
        model = [nn.ReflectionPad2d(3), nn.Conv2d(3, ngf, 7), nn.InstanceNorm2d(ngf), nn.ReLU()]
        for mult in (1, 2):
            model += [nn.Conv2d(ngf * mult, ngf * mult * 2, 3, 2, 1), nn.InstanceNorm2d(ngf * mult * 2), nn.ReLU()]
        model += [Block(ngf * 4) for _ in range(blocks)]
        for mult in (4, 2):
            model += [nn.ConvTranspose2d(ngf * mult, ngf * mult // 2, 3, 2, 1, 1)]
            model += [nn.InstanceNorm2d(ngf * mult // 2), nn.ReLU()]
        self.model = nn.Sequential(*model, nn.ReflectionPad2d(3), nn.Conv2d(ngf, 3, 7), nn.Tanh())

    def forward(self, x):
        return self.model(x)


class TheirLevel(nn.Module):
    def __init__(self, outer, inner, below=None, outermost=False, entering=None):
        super().__init__()
        self.outermost = outermost
        down = nn.Conv2d(entering or outer, inner, 4, 2, 1, bias=False)
        if outermost:
            up = nn.ConvTranspose2d(inner * 2, outer, 4, 2, 1)
            layers = [down, below, nn.ReLU(), up, nn.Tanh()]
        elif below is None:
            up = nn.ConvTranspose2d(inner, outer, 4, 2, 1, bias=False)
            layers = [nn.LeakyReLU(0.2), down, nn.ReLU(), up, nn.BatchNorm2d(outer)]
        else:
            up = nn.ConvTranspose2d(inner * 2, outer, 4, 2, 1, bias=False)
            layers = [nn.LeakyReLU(0.2), down, nn.BatchNorm2d(inner), below, nn.ReLU(), up, nn.BatchNorm2d(outer)]
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return self.model(x) if self.outermost else torch.cat([x, self.model(x)], 1)


class TheirUnet(nn.Module):
    def __init__(self, ngf):
        super().__init__()
        level = TheirLevel(ngf * 8, ngf * 8)
        for outer, inner in ((ngf * 4, ngf * 8), (ngf * 2, ngf * 4), (ngf, ngf * 2)):
            level = TheirLevel(outer, inner, level)
        self.model = TheirLevel(3, ngf, level, outermost=True, entering=3)

    def forward(self, x):
        return self.model(x)


def test_their_generators_draw_the_same_in_our_networks(tmp_path):
    theirs = {name: TheirGenerator(4, 2) for name in ("A", "B")}
    for name, network in theirs.items():
        torch.save(network.state_dict(), tmp_path / f"latest_net_G_{name}.pth")
        torch.save({k: v + 9 for k, v in network.state_dict().items()}, tmp_path / f"5_net_G_{name}.pth")
    ours = cyclegan(blocks=2, init_from=str(tmp_path))
    x = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(ours.translate(x, "AtoB"), theirs["A"](x))
    torch.testing.assert_close(ours.translate(x, "BtoA"), theirs["B"](x))


def test_their_discriminator_of_a_judges_domain_b(tmp_path):
    names = {0: (4, 3), 2: (8, 4), 5: (16, 8), 8: (32, 16), 11: (1, 32)}
    state = {f"model.{i}.weight": torch.rand(*shape, 4, 4) for i, shape in names.items()}
    state |= {f"model.{i}.bias": torch.rand(shape[0]) for i, shape in names.items()}
    torch.save(state, tmp_path / "latest_net_D_A.pth")
    model = cyclegan(init_from=str(tmp_path / "latest_net_D_A.pth"))
    assert torch.equal(model.discriminator["B"][8].weight, state["model.8.weight"])
    assert not torch.equal(model.discriminator["A"][8].weight, state["model.8.weight"])


def test_their_u_net_draws_the_same_in_ours(tmp_path):
    theirs = TheirUnet(4)
    torch.save(theirs.state_dict(), tmp_path / "latest_net_G.pth")
    ours = Pix2Pix(width=4, halvings=5, shape=SHAPE, init_from=str(tmp_path / "latest_net_G.pth"))
    ours.configure_model()
    x = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(ours.translate(x), theirs.train()(x))


def test_weights_that_do_not_fit_are_named(tmp_path):
    torch.save(TheirGenerator(4, 2).state_dict(), tmp_path / "latest_net_G_A.pth")
    with pytest.raises(ValueError, match=r"G_A.pth is of another architecture .*set --model.blocks and width"):
        cyclegan(blocks=1, init_from=str(tmp_path))
    (tmp_path / "latest_net_G_A.pth").write_text("text")
    with pytest.raises(ValueError, match="cannot be read as weights"):
        cyclegan(init_from=str(tmp_path))
    with pytest.raises(ValueError, match=r"init_from: .*nowhere is not there or holds none of \*net_G_A.pth"):
        cyclegan(init_from=str(tmp_path / "nowhere"))


def test_a_model_that_began_elsewhere_loads_without_that_file(tmp_path):
    torch.save(TheirGenerator(4, 1).state_dict(), tmp_path / "latest_net_G_A.pth")
    model = CycleGAN(width=4, blocks=1, init_from=str(tmp_path))
    run = play(tmp_path / "run", model, Photos(crop_size=32), 1)
    run.save_checkpoint(tmp_path / "a.ckpt")
    (tmp_path / "latest_net_G_A.pth").unlink()
    assert isinstance(CycleGAN.load_from_checkpoint(tmp_path / "a.ckpt"), CycleGAN)
