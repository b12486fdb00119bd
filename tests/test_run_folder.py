"""Run folders, local records, W&B offline, and the page."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.local_log import LocalLog, read_rows
from runtime.loggers import has_wandb_key, make_loggers, wandb_mode
from runtime.names import UsageError, model_name
from runtime.page import write_page
from runtime.run_folder import RUN_FOLDER_VARIABLE, RunOptions, claim_folder, planned_folder, resumed_folder


@pytest.fixture(autouse=True)
def nothing_claimed(monkeypatch, tmp_path):
    monkeypatch.delenv(RUN_FOLDER_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    yield
    os.environ.pop(RUN_FOLDER_VARIABLE, None)


def test_folders_count_up_and_are_never_shared():
    claimed = []
    for seed in (0, 0, 5):
        claimed.append(claim_folder(RunOptions(), "gan-digits", seed))
    assert [str(path) for path in claimed] == [f"runs/gan-digits/{n}" for n in ("000-s0", "001-s0", "002-s5")]
    shutil.rmtree(claimed[0])
    (claimed[1].parent / "1000-s0").mkdir()
    assert planned_folder(RunOptions(), "gan-digits", 0).name == "1001-s0"
    (claimed[1].parent / "1000-s0").rmdir()
    assert planned_folder(RunOptions(), "gan-digits", 0).name == "003-s0"


def test_processes_of_one_run_share_its_folder(monkeypatch):
    first = claim_folder(RunOptions(), "a", 0)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert claim_folder(RunOptions(), "a", 0) == first.resolve()


def test_a_name_replaces_the_counter_and_is_taken_once():
    folder = claim_folder(RunOptions(out="here", name="mine"), "a", 0)
    assert str(folder) == "here/a/mine"
    with pytest.raises(UsageError, match="here/a/mine exists"):
        planned_folder(RunOptions(out="here", name="mine"), "a", 0)


def test_resume_finds_the_newest_run_of_a_model():
    for number, name in enumerate(
        ("gan-digits/000-s0", "dcgan-digits/000-s0", "wgan-gp-digits/000-s0", "gan-digits/001-s0")
    ):
        checkpoint = Path("runs") / name / "checkpoints" / "last.ckpt"
        checkpoint.parent.mkdir(parents=True)
        checkpoint.touch()
        os.utime(checkpoint, (1000 + number, 1000 + number))
        kind = {"gan-": "GAN", "dcga": "DCGAN", "wgan": "WGANGP"}[name[:4]]
        (checkpoint.parent.parent / "config.yaml").write_text(f"model:\n  class_path: gan_modules.{kind}\n")
    assert resumed_folder("last")[0] == Path("runs/gan-digits/001-s0").resolve()
    assert resumed_folder("last", model="dcgan")[0] == Path("runs/dcgan-digits/000-s0").resolve()
    with pytest.raises(UsageError, match="no checkpoint in runs/ of wgan;"):
        resumed_folder("last", model="wgan")  # a wgan-gp is no wgan
    folder, checkpoint = resumed_folder("runs/gan-digits/000-s0")
    assert checkpoint == folder / "checkpoints" / "last.ckpt"
    Path("lost.ckpt").touch()
    with pytest.raises(UsageError, match="does not lie in a run folder"):
        resumed_folder("lost.ckpt")


def test_names_of_models_come_from_the_presets():
    assert model_name("gan_modules.WGANGP") == "wgan-gp" and model_name("gan_modules.GAN") == "gan"
    assert model_name("my.Special") == "special"


# The local record.


def test_rows_are_flushed_and_the_table_widens(tmp_path):
    log = LocalLog(tmp_path)
    log.log_metrics({"a": 1.0}, 1)
    log.log_metrics({"a": 2.0, "b": 3.0}, 2)
    log.log_metrics({"b": 4.0}, 3)
    assert read_rows(log.jsonl) == [{"step": 1, "a": 1.0}, {"step": 2, "a": 2.0, "b": 3.0}, {"step": 3, "b": 4.0}]
    assert log.csv.read_text().split() == ["step,a,b", "1,1.0,", "2,2.0,3.0", "3,,4.0"]


def test_a_resumed_record_drops_the_lost_rows_and_a_torn_line(tmp_path):
    log = LocalLog(tmp_path)
    for step in range(4):
        log.log_metrics({"a": step}, step)
    with log.jsonl.open("a") as file:
        file.write('{"step": 9, "a"')
    resumed = LocalLog(tmp_path, keep_until=2)
    resumed.log_metrics({"b": 7.0}, 3)
    assert [row["step"] for row in read_rows(log.jsonl)] == [0, 1, 2, 3]
    assert log.csv.read_text().split() == ["step,a,b", "0,0.0,", "1,1.0,", "2,2.0,", "3,,7.0"]


# W&B.


def test_wandb_is_online_only_with_a_key(monkeypatch, tmp_path):
    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert wandb_mode("auto") == "offline" and wandb_mode("online") == "online" and wandb_mode("off") == "off"
    (tmp_path / "netrc").write_text("machine api.wandb.ai login user password 0123\n")
    assert has_wandb_key() and wandb_mode("auto") == "online"
    monkeypatch.setenv("WANDB_BASE_URL", "https://own.example")
    assert not has_wandb_key()
    monkeypatch.setenv("WANDB_API_KEY", "0123")
    assert wandb_mode("auto") == "online"
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert wandb_mode("auto") == "offline"


def test_an_offline_run_can_be_read_back(command, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    line = "--model gan --model.width 4 --steps 6 --trainer.log_every_n_steps 2 --fid.every_n_steps 6 --fid.n_fake 50"
    status, out, err = command(f"{line} --samples.every_n_steps 3 --progress.show false")
    assert status == 0, err
    assert "W&B         offline; to upload it: wandb sync runs/gan-digits/000-s0/wandb/offline-run-" in out
    run = Path("runs/gan-digits/000-s0")
    (record,) = run.glob("wandb/offline-run-*/*.wandb")
    shown = subprocess.run(
        [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(record)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for text in ("loss/generator/adversarial", "discriminator/real", "score/frechet_pixels", "speed/images_per_second"):
        assert text in shown
    assert "trainer/global_step" in shown
    from PIL import Image

    pictures = list(record.parent.rglob("*.png"))
    assert len(pictures) >= 3 and all(Image.open(path).getextrema()[0][1] > 0 for path in pictures)
    assert (run / "wandb_run_id.txt").read_text() in record.name


def test_without_a_server_the_run_is_recorded_offline(monkeypatch, tmp_path, caplog):
    import wandb

    monkeypatch.setattr("wandb.init", lambda **options: (_ for _ in ()).throw(wandb.errors.CommError("no route\nmore")))
    loggers = make_loggers(RunOptions(wandb="offline"), tmp_path, {})
    assert [type(logger) for logger in loggers] == [LocalLog]
    assert "W&B could not start (no route): metrics.csv" in caplog.text
    starts = []

    def unreachable(**options):
        starts.append(options["mode"])
        raise wandb.errors.CommError("no route")

    monkeypatch.setattr("wandb.init", unreachable)
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    with pytest.raises(UsageError, match="--wandb online needs a key"):
        make_loggers(RunOptions(wandb="online"), tmp_path, {})
    monkeypatch.setenv("WANDB_API_KEY", "0123")
    assert [type(logger) for logger in make_loggers(RunOptions(wandb="online"), tmp_path, {})] == [LocalLog]
    assert starts == ["online", "offline"] and "recording offline" in caplog.text


def test_tensorboard_is_written_when_asked_for(tmp_path):
    loggers = make_loggers(RunOptions(wandb="off", tensorboard=True), tmp_path, {})
    loggers[1].log_metrics({"loss/a": 1.0}, 3)
    loggers[1].experiment.close()
    assert list((tmp_path / "tensorboard").glob("events*"))


# The page.


def test_the_page_shows_pictures_curves_and_configuration(tmp_path):
    (tmp_path / "samples").mkdir()
    for name in ("reals", "fakes_000000", "fakes_000500"):
        (tmp_path / "samples" / f"{name}.png").touch()
    (tmp_path / "config.yaml").write_text("note: <script>&\n")
    log = LocalLog(tmp_path)
    log.log_metrics({"loss/x": 0.5, "bad": float("nan")}, 50)
    page = write_page(tmp_path).read_text()
    data = json.loads(page.split("const data = ")[1].split(";\n")[0].replace("<\\/", "</"))
    fakes = ["samples/fakes_000000.png", "samples/fakes_000500.png"]
    assert data["panels"] == {"fakes": fakes, "reals": ["samples/reals.png"]}
    assert data["curves"] == {"loss/x": [[50, 0.5]]}
    assert "note: &lt;script&gt;&amp;" in page and "{{" not in page
