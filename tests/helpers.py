"""What several tests share: small data, small players, a trainer, and forks."""

import contextlib
import os
import sys
import tempfile
import traceback
from pathlib import Path

import torch
from pytorch_lightning import LightningDataModule, Trainer
from torch import nn
from torch.utils.data import DataLoader

from datamodules.sampler import StepSampler
from gan_modules.base import GANModule


class Points(LightningDataModule):
    """Points of a tensor, with labels if given, in steps like the images'."""

    classes = None

    def __init__(self, x, label=None, batch_size=4, seed=0):
        super().__init__()
        self.x, self.label, self.batch_size, self.seed = x, label, batch_size, seed
        self.shape = tuple(x.shape[1:])
        if label is not None:
            self.classes = int(label.max()) + 1

    def __getitem__(self, draw):
        batch = {"x": self.x[draw.index]}
        return batch if self.label is None else {**batch, "label": self.label[draw.index]}

    def train_dataloader(self):
        n_critic = self.trainer.lightning_module.n_critic
        sampler = StepSampler(len(self.x), self.batch_size, n_critic, seed=self.seed)
        return DataLoader(self, sampler=sampler, batch_size=None)


class TinyGAN(GANModule):
    """The smallest game: two small perceptrons over points and a least-squares objective with two terms."""

    def build(self):
        self.generator = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, self.shape[0]))
        self.discriminator = nn.Sequential(nn.Linear(self.shape[0], 8), nn.Tanh(), nn.Linear(8, 1))

    def generate(self, batch):
        return {"x": self.generator(self.noise.normal(len(batch["x"]), 3).to(batch["x"]))}

    def discriminator_objective(self, real, fake):
        on_real, on_fake = self.discriminator(real["x"]), self.discriminator(fake["x"])
        return {
            "adversarial": (on_real - 1).square().mean() + on_fake.square().mean(),
            "drift": on_real.square().mean(),
        }

    def generator_objective(self, real, fake):
        return {"adversarial": (self.discriminator(fake["x"]) - 1).square().mean()}

    def pictures(self, batch, rng):
        return {"real": batch["x"], "fake": self.best_generator(torch.randn(len(batch["x"]), 3, generator=rng))}


def trainer(folder, steps, **options) -> Trainer:
    """A silent trainer on one CPU thread."""
    defaults = {
        "accelerator": "cpu",
        "max_steps": steps,
        "max_epochs": -1,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "use_distributed_sampler": False,
        "default_root_dir": str(folder),
        "log_every_n_steps": 1000,
    }
    return Trainer(**{**defaults, **options})


def play(folder, model, data, steps, **options) -> Trainer:
    """Train and return the trainer."""
    run = trainer(folder, steps, **options)
    run.fit(model, datamodule=data)
    return run


def weights(model) -> torch.Tensor:
    """All parameters of both players as one vector."""
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def fork(function, env=None) -> tuple[int, str, str]:
    """Run a function that returns an exit status in a fork: (status, stdout, stderr)."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                os.environ.update(env or {})
                for path, stream in ((out, 1), (err, 2)):
                    os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), stream)
                sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
                import logging

                logging.getLogger().handlers.clear()  # pytest's hold its own streams
                status = function()
            except BaseException:
                traceback.print_exc(file=sys.stderr)
            finally:
                with contextlib.suppress(Exception):
                    sys.stdout.flush(), sys.stderr.flush()
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return status, out.read_text(), err.read_text()
