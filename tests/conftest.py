"""One thread, no W&B unless a test asks, caches of their own, and commands that run in forks of this process."""

import os

os.environ.update(WANDB_MODE="disabled", CUDA_VISIBLE_DEVICES="")

import pytest
import torch
from helpers import fork

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """Statistics of real data are cached for this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(autouse=True)
def same_draws():
    """Each test draws the same data, whichever run before it."""
    torch.manual_seed(0)


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Run ``train.py`` with some arguments in an empty folder: returns (exit status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    import runtime.training  # noqa: F401  imported once, then forked with this process
    from train import main

    return lambda line, **env: fork(lambda: main(line.split()), env)
