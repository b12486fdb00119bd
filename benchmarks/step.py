"""How much a training step of ours costs against a bare PyTorch loop of the same networks, optimizers and data.

    python benchmarks/step.py [--json] [--rounds 7] [--only mlp]

Each round times both, one after the other, so that a slow minute of the machine hits both; the ratio of each round is
taken, and the median and the range of the ratios are printed, and the largest resident memory of each.

Ours is the whole ``fit`` as a user has it: local log,
W&B offline, throughput, run page, last checkpoint, logging every 50 steps. Images per second of the in-memory data
path against torchvision's data set through a DataLoader come with ``--only loading``.
"""

import argparse
import json
import logging
import os
import statistics
import tempfile
import time
import traceback
import warnings
from pathlib import Path

import torch
import torchvision
from pytorch_lightning import Callback, Trainer

from callbacks import FID, SampleGrid, Throughput
from datamodules import DomainsDataModule, ImageDataModule
from datamodules.sources import Images
from gan_modules import DCGAN, GAN, WGANGP, CycleGAN
from gan_modules.base import GANModule, split
from gan_modules.penalties import gradient_penalty
from runtime.checkpoints import LastCheckpoint
from runtime.cli import quieten
from runtime.loggers import make_loggers
from runtime.page import RunPage
from runtime.run_folder import RunOptions


class Noise(ImageDataModule):
    """Random images in memory: what they show does not matter for speed."""

    name = "noise"

    def __init__(self, side: int, channels: int, size: int = 12_800, **options):
        super().__init__(**options)
        self.side, self.channels, self.count = side, channels, size

    def read(self, split):
        generator = torch.Generator().manual_seed(0)
        shape = (self.count, self.channels, self.side, self.side)
        return Images(torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator))


class NoisePairs(DomainsDataModule):
    """Two domains of random images in memory."""

    name = "noise"

    def __init__(self, side: int, size: int = 400, **options):
        super().__init__(flip=False, **options)
        self.side, self.count = side, size

    def read(self, split):
        generator = torch.Generator().manual_seed(0)
        shape = (self.count, 3, self.side, self.side)
        return {k: Images(torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)) for k in "AB"}


CASES = {
    "mlp": (lambda: GAN(seed=1), lambda: Noise(28, 1, batch_size=128), 150),
    "dcgan32": (lambda: DCGAN(width=32, seed=1), lambda: Noise(32, 3, batch_size=64), 50),
    "wgan_gp": (lambda: WGANGP(width=32, seed=1), lambda: Noise(28, 1, batch_size=64), 12),
    "cyclegan64": (lambda: CycleGAN(width=16, seed=1), lambda: NoisePairs(64, batch_size=1), 30),
}


def ours(model: GANModule, data: ImageDataModule, steps: int) -> float:
    """Seconds a step of ``Trainer.fit``, from the end of the first step on."""
    with tempfile.TemporaryDirectory() as folder:
        loggers = make_loggers(RunOptions(wandb="offline"), Path(folder), config={})
        clock = Clock()
        watchers = [SampleGrid(every_n_steps=10_000), FID(every_n_steps=0), Throughput(show=False)]
        last = LastCheckpoint(Path(folder), 10_000)
        trainer = Trainer(
            max_steps=steps + 1,
            max_epochs=-1,
            accelerator="cpu",
            logger=loggers,
            callbacks=[clock, *watchers, RunPage(), last],
            default_root_dir=folder,
            enable_model_summary=False,
            use_distributed_sampler=False,
        )
        trainer.fit(model, datamodule=data)
        loggers[1].experiment.finish()
    return clock.seconds / steps


class Clock(Callback):
    """Time from the end of the first step to the end of the last."""

    def on_train_batch_end(self, trainer, model, *_):
        now = time.perf_counter()
        if trainer.global_step == 1:
            self.begin = now
        self.seconds = now - self.begin


def bare(model: GANModule, data: ImageDataModule, steps: int) -> float:
    """Seconds a step of a plain loop: the same networks, fused Adam, data gathered from one tensor in memory."""
    model.fit_to(data)
    model.configure_model()
    if isinstance(model, CycleGAN):
        return bare_cyclegan(model, data, steps)
    generator, discriminator, images = model.generator, model.discriminator, data.source("train").images
    adam = {"betas": model.betas, "fused": True}
    generator_optimizer = torch.optim.Adam(generator.parameters(), lr=model.lr, **adam)
    discriminator_optimizer = torch.optim.Adam(discriminator.parameters(), lr=model.lr, **adam)
    size = model.n_critic * data.batch_size
    wasserstein = isinstance(model, WGANGP)
    softplus = torch.nn.functional.softplus
    order, used = torch.randperm(len(images)), 0

    def step() -> None:
        nonlocal order, used
        if used + size > len(images):
            order, used = torch.randperm(len(images)), 0
        index, used = order[used : used + size], used + size
        x = images.index_select(0, index).float().mul_(1 / 127.5).sub_(1)
        *early, last = split({"x": x}, model.n_critic)
        for minibatch in [*early, last]:
            real = minibatch["x"]
            is_last = minibatch is last
            with torch.set_grad_enabled(is_last):
                fake = generator(torch.randn(len(real), model.latent_dim))
            on_real, on_fake = discriminator(real), discriminator(fake.detach())
            if wasserstein:
                mix = torch.rand(len(real), 1, 1, 1)
                loss = on_fake.mean() - on_real.mean()
                loss = loss + model.gp_weight * gradient_penalty(discriminator, real, fake, mix)
            else:
                loss = softplus(-on_real).mean() + softplus(on_fake).mean()
            discriminator_optimizer.zero_grad()
            loss.backward()
            discriminator_optimizer.step()
        for parameter in discriminator.parameters():
            parameter.requires_grad_(False)
        judged = discriminator(fake)
        loss = -judged.mean() if wasserstein else softplus(-judged).mean()
        generator_optimizer.zero_grad()
        loss.backward()
        generator_optimizer.step()
        for parameter in discriminator.parameters():
            parameter.requires_grad_(True)

    step()
    begin = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - begin) / steps


def bare_cyclegan(model: CycleGAN, data: DomainsDataModule, steps: int) -> float:
    """Seconds a step of the authors' loop: both generators, then both discriminators on pooled fakes."""
    G, F, D_A, D_B = (*model.generator.values(), *model.discriminator.values())
    images = {name: source.images for name, source in data.sources("train").items()}
    adam = {"lr": model.lr, "betas": model.betas, "fused": True}
    generator_optimizer = torch.optim.Adam(model.generator.parameters(), **adam)
    discriminator_optimizer = torch.optim.Adam(model.discriminator.parameters(), **adam)
    l1 = torch.nn.functional.l1_loss

    def step() -> None:
        a, b = (images[k][torch.randint(len(images[k]), (1,))].float().mul_(1 / 127.5).sub_(1) for k in "AB")
        idt_a, fake_a = F(torch.cat([a, b])).chunk(2)
        fake_b, idt_b = G(torch.cat([a, b])).chunk(2)
        for parameter in model.discriminator.parameters():
            parameter.requires_grad_(False)
        loss = (D_A(fake_a) - 1).square().mean() + (D_B(fake_b) - 1).square().mean()
        loss = loss + 10 * (l1(F(fake_b), a) + l1(G(fake_a), b)) + 5 * (l1(idt_a, a) + l1(idt_b, b))
        generator_optimizer.zero_grad()
        loss.backward()
        generator_optimizer.step()
        for parameter in model.discriminator.parameters():
            parameter.requires_grad_(True)
        shown = {k: model.pools[k].query(x, torch.rand(1, 2)) for k, x in (("A", fake_a), ("B", fake_b))}
        judged = ((D_A, a, shown["A"]), (D_B, b, shown["B"]))
        loss = sum(((D(x) - 1).square().mean() + D(y).square().mean()) / 2 for D, x, y in judged)
        discriminator_optimizer.zero_grad()
        loss.backward()
        discriminator_optimizer.step()

    step()
    begin = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - begin) / steps


def in_a_process(function, *arguments) -> tuple[float, float]:
    """What a function returns, run in a fork of its own, and the fork's largest resident memory in MiB."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.write(writer, repr(function(*arguments)).encode())
            status = 0
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writer)
    _, status, usage = os.wait4(pid, 0)
    with os.fdopen(reader) as answer:
        text = answer.read()
    if status:
        raise SystemExit(f"{function.__name__} failed")
    return float(text), usage.ru_maxrss / 1024


def measure(case: str, rounds: int) -> dict[str, float]:
    """Ratios of our step to the bare one over alternating rounds."""
    make_model, make_data, steps = CASES[case]
    data = make_data()
    data.setup("fit")
    pairs = []
    for i in range(rounds + 1):
        runs = [ours, bare] if i % 2 else [bare, ours]
        seconds = {run.__name__: run(make_model(), data, steps) for run in runs}
        pairs.append((seconds["ours"], seconds["bare"]))
    # In forks, for the memory alone: a fork pays for every page of its parent that it touches.
    memory = {run.__name__: in_a_process(run, make_model(), data, steps)[1] for run in (ours, bare)}
    pairs = pairs[1:]  # the first round warms up
    ratios = sorted(a / b for a, b in pairs)
    return {
        "ratio": round(statistics.median(ratios), 4),
        "lowest": round(ratios[0], 4),
        "highest": round(ratios[-1], 4),
        "ours_ms": round(1000 * statistics.median(a for a, _ in pairs), 3),
        "bare_ms": round(1000 * statistics.median(b for _, b in pairs), 3),
        "ours_mib": round(memory["ours"]),
        "bare_mib": round(memory["bare"]),
    }


def loading(rounds: int) -> dict[str, float]:
    """Images a second: our loader with in-memory gathering, and torchvision's FashionMNIST through a DataLoader."""
    from torchvision.transforms import Compose, Normalize, ToTensor

    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "FashionMNIST" / "raw"
        raw.mkdir(parents=True)
        for name, count in (("train", 12_800), ("t10k", 10)):
            (raw / f"{name}-images-idx3-ubyte").write_bytes(
                bytes.fromhex("00000803") + b"".join(n.to_bytes(4) for n in (count, 28, 28)) + os.urandom(count * 784)
            )
            (raw / f"{name}-labels-idx1-ubyte").write_bytes(
                bytes.fromhex("00000801") + count.to_bytes(4) + bytes(count)
            )
        transform = Compose([ToTensor(), Normalize(0.5, 0.5)])
        common = torchvision.datasets.FashionMNIST(folder, transform=transform)
        theirs = torch.utils.data.DataLoader(common, batch_size=64, shuffle=True, drop_last=True)
        mine = Noise(28, 1, batch_size=64)
        mine.setup("fit")

        def ours() -> int:
            return sum(len(mine.on_after_batch_transfer(batch, 0)["x"]) for batch in mine.train_dataloader())

        def usual() -> int:
            return sum(len(x) for x, _ in theirs)

        speeds = []
        for _ in range(rounds):
            both = []
            for run in (ours, usual):
                begin = time.perf_counter()
                both.append(run() / (time.perf_counter() - begin))
            speeds.append(both)
    ratios = [a / b for a, b in speeds]
    return {
        "ratio": round(statistics.median(ratios), 1),
        "ours_images_per_s": round(statistics.median(a for a, _ in speeds)),
        "torchvision_images_per_s": round(statistics.median(b for _, b in speeds)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print nothing but one JSON object, as the last line")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=[*CASES, "loading"])
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    quieten()
    logging.getLogger().setLevel(logging.ERROR)
    torch.set_num_threads(1)
    results = {}
    for case in [options.only] if options.only else [*CASES, "loading"]:
        results[case] = loading(options.rounds) if case == "loading" else measure(case, options.rounds)
        if not options.json:
            print(case, results[case], flush=True)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
