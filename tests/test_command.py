"""The real command: every model, what it leaves behind, what it says, and what it says to mistakes."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image

from commands.options import short_help, understand
from runtime.explain import explain
from runtime.names import UsageError, datasets, models

ROOT = Path(__file__).resolve().parent.parent
SHORT = (
    "--steps 4 --batch-size 8 --trainer.log_every_n_steps 2 --fid.n_fake 50 --fid.every_n_steps 4 --progress.show false"
)
SMALL_MODELS = [name for name, path in models().items() if "datamodules.Digits" in path.read_text()]


def run_of(folder="runs"):
    return next(Path(folder).glob("*/*"))


@pytest.mark.parametrize("name", SMALL_MODELS)
def test_every_small_experiment_runs(command, name):
    status, out, err = command(f"--model {name} --model.width 4 {SHORT}")
    assert status == 0, err
    run = run_of()
    assert run == Path(f"runs/{name}-digits/000-s0")
    found = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
    assert {"generator.safetensors", "model.json"} <= found
    assert {"config.yaml", "metrics.csv", "metrics.jsonl", "index.html", "samples/reals.png"} <= found
    assert {
        "samples/fakes_000000.png",
        "samples/fakes_000004.png",
        "checkpoints/last.ckpt",
        "checkpoints/best.ckpt",
    } <= found
    for line in ("picture     runs/", "curves      runs/", "checkpoint  runs/"):
        assert line in out
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    losses = [row for row in rows if "loss/generator/adversarial" in row]
    assert [row["step"] for row in losses] == [2, 4]
    assert {"discriminator/real", "discriminator/fake", "gradient/generator", "speed/images_per_second"} <= set(
        losses[0]
    )
    with (run / "metrics.csv").open() as file:
        table = list(csv.DictReader(file))
    assert len(table) == len(rows)
    assert [row["step"] for row in table if row["score/frechet_pixels"]] == ["4"]


@pytest.mark.parametrize(
    ("line", "pictures"),
    [
        (
            "--model cyclegan --model.blocks 0",
            {"AtoB_000000.png", "AtoB_000004.png", "BtoA_000000.png", "BtoA_000004.png"},
        ),
        ("--model pix2pix", {"AtoB_000000.png", "AtoB_000004.png"}),
        ("--model pix2pix --direction BtoA", {"BtoA_000000.png", "BtoA_000004.png"}),
    ],
)
def test_every_translation_runs(command, line, pictures):
    status, _, err = command(f"{line} --model.width 2 {SHORT} --batch-size 2 --samples.rows 2")
    assert status == 0, err
    run = run_of()
    assert {path.name for path in (run / "samples").iterdir()} == pictures
    scores = set().union(*(json.loads(row) for row in (run / "metrics.jsonl").read_text().splitlines()))
    for direction in {name[:4] for name in pictures}:
        assert {f"score/frechet_pixels_{direction}", f"score/kernel_pixels_{direction}"} <= scores
    Image.new("RGB" if "BtoA" in line or "cyclegan" in line else "L", (50, 30)).save("photo.png")
    status, _, err = command(f"translate --checkpoint {run} --input photo.png --output out")
    assert status == 0 and Image.open("out/photo.png").size == (50, 30), err


def test_presets_are_all_valid_and_name_what_they_train(command):
    for name, path in models().items():
        preset = yaml.safe_load(path.read_text())
        assert preset["model"]["class_path"].startswith("gan_modules.")
        assert preset["data"]["class_path"].startswith("datamodules."), name
    assert {"gan", "dcgan", "wgan", "wgan-gp", "cgan"} <= set(SMALL_MODELS)
    assert {"dcgan-celeba", "wgan-gp-cifar10", "gan-mnist"} <= set(models())
    from runtime.cli import Parsed

    for name in models():
        if name not in SMALL_MODELS:
            Parsed(understand(["--model", name]).args)


def test_a_resolved_config_alone_repeats_the_run(command):
    command(f"--model cgan --model.width 4 --model.n_critic 2 --seed 3 {SHORT}")
    first = run_of()
    assert first.name == "000-s3"
    status, _, err = command(f"--config {first}/config.yaml")
    assert status == 0, err
    second = first.parent / "001-s3"
    states = [torch.load(run / "checkpoints/last.ckpt", weights_only=True)["state_dict"] for run in (first, second)]
    assert all(torch.equal(a, b) for a, b in zip(*(s.values() for s in states), strict=True))
    assert (first / "samples/fakes_000004.png").read_bytes() == (second / "samples/fakes_000004.png").read_bytes()


def test_options_reach_what_they_name(command):
    line = f"--model dcgan --model.width 4 {SHORT} --lr 0.003 --seed 7 --name mine --out elsewhere --data.image_size 28"
    status, _, err = command(line)
    assert status == 0, err
    config = yaml.safe_load(Path("elsewhere/dcgan-digits/mine/config.yaml").read_text())
    assert config["model"]["init_args"]["lr"] == 0.003 and config["seed_everything"] == 7
    assert config["data"]["init_args"]["image_size"] == 28 and config["trainer"]["max_steps"] == 4
    status, _, err = command(line)
    assert status == 2 and err == (
        "train.py: elsewhere/dcgan-digits/mine exists: choose another --name, "
        "or go on with it by --resume elsewhere/dcgan-digits/mine\n"
    )


def test_epochs_count_passes_over_the_data(command):
    status, _, err = command(f"--model gan --model.width 4 {SHORT} --batch-size 200 --model.n_critic 2 --epochs 3")
    assert status == 0, err
    assert torch.load(run_of() / "checkpoints/last.ckpt", weights_only=True)["global_step"] == 3 * (1797 // 400)


def test_a_folder_of_images_is_trained_on(command):
    for kind in ("a", "b"):
        folder = Path("pictures") / kind
        folder.mkdir(parents=True)
        for i in range(5):
            Image.new("RGB", (16, 16), (10 * i, 100, 50)).save(folder / f"{i}.png")
    status, _, err = command(f"--model cgan --model.width 4 {SHORT} --data pictures --fid.n_fake 10")
    assert status == 0, err
    assert run_of().parent.name == "cgan-pictures"


def test_a_dry_run_says_the_plan_and_leaves_nothing(command):
    status, out, err = command("--model wgan --dry-run --seed 5")
    assert status == 0, err
    assert "WGAN, dcgan networks: generator 135,873 parameters, discriminator 34,465 parameters" in out
    assert "digits: 1,797 images, 1 x 16 x 16, 10 classes" in out
    assert "1500 generator steps, each of 5 x 64 images" in out
    assert "runs/wgan-digits/000-s5/" in out
    assert list(Path().iterdir()) == []


def test_resume_goes_on_where_the_run_stopped(command):
    command(f"--model dcgan --model.width 4 {SHORT}")
    run = run_of()
    for what, steps in (("last", 6), (str(run), 8), (f"{run}/checkpoints/best.ckpt", 9)):
        status, _, err = command(f"--resume {what} --steps {steps}")
        assert status == 0, err
        assert torch.load(run / "checkpoints/last.ckpt", weights_only=True)["global_step"] == steps
    assert list(Path("runs").glob("*/*")) == [run]
    steps = [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    losses = [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines() if "loss/" in line]
    assert losses == sorted(set(losses)) and max(steps) == 9


@pytest.mark.parametrize("name", ["dcgan", "cyclegan"])
def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit(command, name):
    """Stopped after steps within an epoch, at its end and after it (an epoch has 7 steps)."""
    options = (
        "--model.width 2 --progress.show false --fid.every_n_steps 0 --samples.every_n_steps 0 --run.checkpoint_every 1"
    )
    sizes = {
        "dcgan": "--batch-size 128 --model.n_critic 2",
        "cyclegan": "--batch-size 1 --data.epoch_size 7 --model.blocks 0",
    }
    line = f"--model {name} {options} {sizes[name]} --model.lr_schedule constant"
    assert command(f"{line} --steps 16 --name whole")[0] == 0
    folder = next(Path("runs").glob("*/whole"))
    whole = torch.load(folder / "checkpoints/last.ckpt", weights_only=True)["state_dict"]
    for stop in (1, 6, 7, 8, 15):
        assert command(f"{line} --steps {stop} --name part{stop}")[0] == 0
        part = folder.parent / f"part{stop}"
        status, _, err = command(f"--resume {part} --steps 16")
        assert status == 0 and not re.search(r"\.py:\d+:", err), err
        resumed = torch.load(part / "checkpoints/last.ckpt", weights_only=True)["state_dict"]
        assert all(torch.equal(whole[key], resumed[key]) for key in whole), stop


def test_a_resume_that_cannot_work_leaves_the_run_as_it_was(command):
    command(f"--model gan --model.width 4 {SHORT}")
    run = run_of()
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    status, _, err = command(f"--resume {run} --steps 3")
    assert status == 2 and "this run has reached step 4 of 3" in err
    (run / "checkpoints" / "best.ckpt").write_bytes(before[run / "checkpoints" / "best.ckpt"][:1000])
    status, _, err = command(f"--resume {run}/checkpoints/best.ckpt --steps 9")
    assert status == 2 and "is no checkpoint that can be read" in err
    after = {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name != "best.ckpt"}
    assert after == {path: content for path, content in before.items() if path.name != "best.ckpt"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_with_a_checkpoint(tmp_path, number):
    options = "--model gan --model.width 4 --steps 1000000 --progress.show false --fid.every_n_steps 0 --batch-size 8"
    run = subprocess.Popen(
        [sys.executable, ROOT / "train.py", *options.split()],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    record = tmp_path / "runs/gan-digits/000-s0/metrics.jsonl"
    while not record.is_file() and run.poll() is None:
        time.sleep(0.05)
    run.send_signal(number)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 128 + number, err
    assert b"stopped by signal" in out
    assert torch.load(record.parent / "checkpoints/last.ckpt", weights_only=True)["global_step"] >= 50


def test_a_preset_that_scores_on_a_test_split_falls_back_where_there_is_none(command):
    status, _, err = command(f"--model gan-mnist --data digits --model.width 4 {SHORT}")
    assert status == 0 and "scores: against the training images, for digits has no test split" in err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--model dcgn", "no model 'dcgn'. Did you mean 'dcgan'?"),
        ("--model zzzz", "no model 'zzzz'. Known: cgan, "),
        (
            "--model dcgan --data mnits",
            "--data mnits: no data set of that name and no such folder. Did you mean 'mnist'?",
        ),
        ("--model dcgan --stesp 4", "no option '--stesp'. Did you mean '--steps'?"),
        ("--model dcgan --model.widht 4", "no option '--model.widht'. Did you mean '--model.width'?"),
        (
            "--model dcgan --trainer.max_epoch 4",
            "no option '--trainer.max_epoch'. Did you mean '--trainer.max_epochs'?",
        ),
        ("--model dcgan --fid.n_fakes 4", "no option '--fid.n_fakes'. Did you mean '--fid.n_fake'?"),
        ("--model dcgan --model.width x", "--model.width must be a whole number or null; got 'x'"),
        (
            "--model dcgan --model.loss hing",
            "--model.loss must be one of non_saturating, minimax, least_squares, hinge",
        ),
        ("--model dcgan --steps", "--steps needs a value"),
        ("--model dcgan --lr -1", "lr and discriminator_lr must be above 0"),
        ("--model dcgan --batch-size 4000", "digits has 1797 training images and one step takes 4000"),
        ("--model dcgan --data.image_size 17", "the dcgan networks need square images of 4..7 x 2^n pixels, got 17x17"),
        ("--model dcgan steps", "'steps' is not an option. Did you mean '--steps'?"),
        ("--steps 5", "--model NAME is missing"),
        ("--config nowhere.yaml", "--config: no file nowhere.yaml"),
        ("--resume last", "--resume last: no checkpoint in runs/"),
        ("--resume nowhere", "--resume: no checkpoint nowhere"),
        ("--resume last --lr 3", "--resume goes on with a run as it is: --model.lr cannot change"),
        ("--resume last --data mnist", "--resume goes on with a run as it is: leave out --model, --data"),
        ("--model gan --dry-run=false", "--dry-run takes no value"),
        ("--model gan --model.seed 3", "--model.seed follows --seed"),
        ("--model gan --run.threads 0", "--run.threads must be 1 or more"),
        ("--model gan --seed -1", "-1 is not in bounds"),
        ("--model gan --trainer.log_every_n_steps 0", "--trainer.log_every_n_steps must be 1 or more"),
        ("--model gan --trainer.gradient_clip_val 1", "--trainer.gradient_clip_val and accumulate_grad_batches do not"),
        ("--model gan --gpus 1", "No supported gpu backend found"),
        (
            "--model cyclegan --data digits",
            "CycleGAN translates between two domains and digits is one: use --data photos",
        ),
        ("--model gan --data photos", "GAN draws images of one kind and photos has two domains: use --model cyclegan"),
        ("--model pix2pix --data photos", "Pix2Pix needs pairs and the domains of photos are unpaired"),
        ("fti --model dcgan", "no command 'fti'. Did you mean 'fit'?"),
        ("--model gan --data mnist --data.root nowhere", "mnist is not under nowhere/ and could not be downloaded"),
    ],
)
def test_mistakes_get_one_line_and_leave_nothing(command, monkeypatch, line, message):
    import torchvision

    monkeypatch.setattr(torchvision.datasets.MNIST, "download", lambda self: 1 / 0)
    status, out, err = command(line)
    assert (status, out) == (2, ""), err
    assert err.startswith(f"train.py: {message}") and err.count("\n") == 1
    assert list(Path().iterdir()) == []


def test_an_unwritable_place_is_named(command):
    Path("runs").write_text("a file")
    status, _, err = command(f"--model gan {SHORT}")
    assert status == 2 and "cannot make the run folder runs/gan-digits/000-s0" in err and err.count("\n") == 1


def test_help_pages_name_what_there_is(command):
    page = short_help()
    assert all(name in page for name in (*models(), *datasets(), "--resume", "--dry-run"))
    status, out, _ = command("--model wgan-gp --help")
    assert status == 0
    for text in (
        "--model.gp_weight",
        "default: 10.0",
        "lambda, the weight of the gradient penalty",
        "--data.image_size",
    ):
        assert text in out
    status, out, _ = command("--model gan --help-all")
    assert status == 0 and "--trainer.max_steps" in out and "--run.checkpoint_every" in out


def test_a_misspelt_model_and_the_help_answer_at_once(tmp_path):
    """True processes, whose imports count."""
    for arguments, status, text in ((["--model", "dcgn"], 2, "Did you mean 'dcgan'?"), (["--help"], 0, "usage:")):
        begin = time.monotonic()
        done = subprocess.run(
            [sys.executable, ROOT / "train.py", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == status and text in done.stdout + done.stderr
        assert time.monotonic() - begin < 1


def test_a_true_process_trains_from_any_folder(tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, ROOT / "train.py", *f"--model gan --model.width 4 {SHORT}".split()],
        cwd=tmp_path, capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs/gan-digits/000-s0/checkpoints/last.ckpt").is_file()
    assert not re.search(r"\.py:\d+:", done.stderr), done.stderr  # no warning from any library


def test_the_models_import_without_wandb_and_jsonargparse():
    blocked = "import sys; sys.modules['wandb'] = sys.modules['jsonargparse'] = None; "
    code = blocked + "import gan_modules, datamodules, callbacks, metrics; print('imported')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "imported\n", done.stderr


def test_explanations_of_reports_without_a_known_form_keep_their_first_line():
    assert explain("something odd\n  with details") == "something odd"
    assert explain('Parser key "a.b":\n  odd') == "--a.b: odd"
    with pytest.raises(UsageError, match="'word' is not an option"):
        understand(["word"])
