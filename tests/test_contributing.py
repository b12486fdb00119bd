"""The guide's example of a new GAN, taken from its page and trained."""

import re
import shutil
from pathlib import Path

import torch

import gan_modules
import runtime.names

ROOT = Path(__file__).resolve().parent.parent


def test_the_guides_new_gan_trains(command, tmp_path, monkeypatch):
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    model, preset = (re.search(rf"```{kind}\n(.*?)```", guide, re.DOTALL)[1] for kind in ("python", "yaml"))
    assert "class RSGAN" in model and "gan_modules.rsgan.RSGAN" in preset
    own = tmp_path / "own"
    shutil.copytree(ROOT / "configs", own / "configs")
    (own / "configs" / "rsgan.yaml").write_text(preset)
    (own / "rsgan.py").write_text(model)
    monkeypatch.setattr(gan_modules, "__path__", [*gan_modules.__path__, str(own)])
    monkeypatch.setattr(runtime.names, "CONFIGS", own / "configs")
    status, out, err = command("--model rsgan --steps 3 --batch-size 8 --progress.show false --fid.n_fake 50")
    assert status == 0, err
    assert "RSGAN" in out
    checkpoint = torch.load("runs/rsgan-digits/000-s0/checkpoints/last.ckpt", weights_only=True)
    assert checkpoint["global_step"] == 3 and checkpoint["model_class"] == "gan_modules.rsgan.RSGAN"
