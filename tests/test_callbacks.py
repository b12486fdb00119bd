"""Grids, scores and speed: what is written, what is shown, and that the numbers are right."""

import numpy as np
import pytest
import scipy.linalg
import torch
from helpers import TinyGAN, play, trainer
from PIL import Image
from pytorch_lightning.loggers import TensorBoardLogger
from torch import nn

import callbacks.fid
import metrics.features
from callbacks import FID, SampleGrid, Throughput
from callbacks.pictures import send, to_grid, to_panel, to_uint8
from datamodules import Digits
from gan_modules import CGAN, GAN
from gan_modules.randomness import PICTURES, seed_for
from metrics import FrechetDistance
from metrics.features import INCEPTION_FILE, find_inception


def small_gan(**options):
    return GAN(width=4, latent_dim=3, **options)


# Pictures.


def test_pixels_are_rounded_and_clipped():
    values = torch.tensor([-2.0, -1.0, 0.0, 1.0, 3.0])
    assert to_uint8(values).tolist() == [0, 0, 128, 255, 255]


def test_a_grid_is_as_bright_as_its_images():
    picture = np.asarray(to_grid(torch.ones(4, 1, 16, 16) * torch.tensor([-1, -0.5, 0.5, 1])[:, None, None, None], 2))
    assert picture.shape == (2 * 66 + 2, 2 * 66 + 2, 3)
    tiles = [picture[y + 20, x + 20, 0] for y in (0, 66) for x in (0, 66)]
    assert tiles == [0, 64, 191, 255]


def test_a_panel_of_two_names_has_one_datum_to_a_row():
    pictures = {"real": torch.ones(3, 3, 64, 64), "fake": -torch.ones(3, 1, 64, 64)}
    panel = np.asarray(to_panel(pictures, ("real", "fake"), columns=8))
    assert panel.shape[:2] == (3 * 66 + 2, 2 * 66 + 2)
    assert panel[30, 30].tolist() == [255] * 3 and panel[30, 100].tolist() == [0] * 3


class Recorder:
    """A logger with W&B's way to take pictures."""

    def __init__(self):
        self.images = []

    def log_image(self, key, images, step, caption):
        self.images.append((key, images[0], step, caption[0]))


def test_pictures_reach_loggers_of_both_kinds_and_are_not_black(tmp_path):
    recorder, board = Recorder(), TensorBoardLogger(tmp_path, name="", version="")
    picture = to_grid(torch.rand(4, 1, 16, 16), 2)
    send([recorder, board], "samples/fakes", picture, 7, "caption")
    board.experiment.close()
    assert recorder.images == [("samples/fakes", picture, 7, "caption")]
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path)).Reload().Images("samples/fakes")
    assert events[0].step == 7 and events[0].width == picture.width
    import io

    assert np.asarray(Image.open(io.BytesIO(events[0].encoded_image_string))).max() > 100


# SampleGrid.


def test_grids_come_from_the_start_every_n_steps_and_at_the_end(tmp_path):
    play(tmp_path, small_gan(), Digits(), 5, callbacks=[SampleGrid(every_n_steps=2, columns=3)])
    names = sorted(path.name for path in (tmp_path / "samples").iterdir())
    assert names == [*(f"fakes_00000{step}.png" for step in (0, 2, 4, 5)), "reals.png"]
    assert all(Image.open(tmp_path / "samples" / name).getextrema()[0][1] > 0 for name in names)


def test_grids_use_the_same_latents_and_training_does_not_notice_them(tmp_path):
    def trained(folder, watchers):
        model = small_gan()
        play(folder, model, Digits(), 3, callbacks=watchers)
        return model.generator[0].weight

    quiet = trained(tmp_path / "a", [])
    watched = trained(tmp_path / "b", [SampleGrid(1), FID(1, n_fake=50)])
    assert torch.equal(quiet, watched)
    again = trained(tmp_path / "c", [SampleGrid(3)])
    assert torch.equal(again, quiet)
    first, second = ((tmp_path / f / "samples/fakes_000003.png").read_bytes() for f in "bc")
    assert first == second


def test_labelled_data_stands_in_one_row_per_class(tmp_path):
    grid = SampleGrid(columns=3)
    play(tmp_path, CGAN(width=4, latent_dim=3), Digits(), 1, callbacks=[grid])
    assert grid._batch["label"].tolist() == [k for k in range(10) for _ in range(3)]
    data = Digits()
    few = SampleGrid(columns=3, rows=2, max_classes=5).fixed_batch(data, torch.device("cpu"))
    first = next(data.reference(batch_size=6))
    assert torch.equal(few["x"], first["x"])  # the first, where classes are many


def test_a_grid_can_be_switched_off_and_refuses_nonsense(tmp_path):
    play(tmp_path, small_gan(), Digits(), 1, callbacks=[SampleGrid(every_n_steps=0)])
    assert not (tmp_path / "samples").exists()
    with pytest.raises(ValueError, match="columns"):
        SampleGrid(columns=0)


# Scores.


def closed_form(a, b):
    """The Frechet distance of two feature sets, by scipy's matrix square root."""
    a, b = a.double().numpy(), b.double().numpy()
    root = scipy.linalg.sqrtm(np.cov(a.T) @ np.cov(b.T)).real
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root)


def test_the_distance_equals_scipys():
    real = torch.randint(0, 256, (300, 1, 16, 16), dtype=torch.uint8)
    fake = torch.randint(0, 200, (300, 1, 16, 16), dtype=torch.uint8)
    distance = FrechetDistance("pixels", channels=1)
    distance.update(real, real=True)
    distance.update(fake[:100], real=False)
    distance.update(fake[100:], real=False)
    features = [torch.nn.functional.avg_pool2d(x.double() / 255, 2).flatten(1) for x in (real, fake)]
    assert distance.name == "frechet_pixels"
    assert distance.compute() == pytest.approx(closed_form(*features), rel=1e-4)
    distance.forget_fakes()
    distance.update(real, real=False)
    assert distance.compute() == pytest.approx(0, abs=1e-4)


def test_the_kernel_distance_is_the_unbiased_polynomial_mmd():
    real = torch.randint(0, 256, (40, 1, 16, 16), dtype=torch.uint8)
    fake = torch.randint(0, 200, (40, 1, 16, 16), dtype=torch.uint8)
    distance = FrechetDistance("pixels", channels=1, keep_features=True)
    distance.update(real, real=True)
    distance.update(fake[:10], real=False), distance.update(fake[10:], real=False)
    x, y = (torch.nn.functional.avg_pool2d(i.double() / 255, 2).flatten(1) for i in (real, fake))
    kernel = lambda a, b: (a @ b.T / 64 + 1) ** 3
    off = lambda k: (k.sum() - k.trace()) / (40 * 39)
    expected = off(kernel(x, x)) + off(kernel(y, y)) - 2 * kernel(x, y).mean()
    assert distance.kernel_name == "kernel_pixels"
    assert distance.kernel_distance() == pytest.approx(expected.item(), rel=1e-3)
    statistics = distance.statistics()
    again = FrechetDistance("pixels", channels=1, keep_features=True)
    again.load_statistics(statistics)
    again.update(fake, real=False)
    assert again.kernel_distance() == pytest.approx(expected.item(), rel=1e-3)
    again.forget_fakes()
    again.update(real, real=False)
    assert again.kernel_distance() < 1e-6 and again.compute() == pytest.approx(0, abs=1e-4)


def test_a_score_is_of_the_model_against_the_data(tmp_path):
    model, data, watcher = small_gan(ema_decay=0.5), Digits(), FID(2, n_fake=250, n_real=400, batch_size=100)
    run = play(tmp_path, model, data, 4, callbacks=[watcher])
    distance = FrechetDistance("pixels", channels=1)
    for batch in data.reference(limit=400):
        distance.update(to_uint8(batch["x"]), real=True)
    for number, size in enumerate((100, 100, 50)):
        latent = model.latent(size, torch.Generator().manual_seed(seed_for(PICTURES, 0, number)))
        distance.update(to_uint8(model.sample(latent)), real=False)
    assert run.callback_metrics["score/frechet_pixels"].item() == pytest.approx(distance.compute(), rel=1e-5)


class Scripted(FID):
    """Scores that are known beforehand."""

    script = (5.0, 3.0, 4.0)

    def _values(self, trainer, model):
        return {"fid": self.script[trainer.global_step // 2 - 1]}


def test_the_best_score_is_kept_logged_and_part_of_checkpoints(tmp_path):
    watcher, logged = Scripted(every_n_steps=2), []
    from pytorch_lightning.loggers import CSVLogger

    logger = CSVLogger(tmp_path, name="", version="")
    logger.log_metrics = lambda metrics, step: logged.append((step, metrics))
    run = play(tmp_path, small_gan(), Digits(), 6, callbacks=[watcher], logger=logger)
    scores = [(step, metrics) for step, metrics in logged if "score/fid" in metrics]
    assert scores == [
        (2, {"score/fid": 5.0, "score/best_fid": 5.0}),
        (4, {"score/fid": 3.0, "score/best_fid": 3.0}),
        (6, {"score/fid": 4.0, "score/best_fid": 3.0}),
    ]
    best = torch.load(tmp_path / "checkpoints" / "best.ckpt", weights_only=True)
    assert best["global_step"] == 4
    run.save_checkpoint(tmp_path / "later.ckpt")
    state = torch.load(tmp_path / "later.ckpt", weights_only=True)["callbacks"]
    assert next(v for k, v in state.items() if "Scripted" in k) == {"best": {"fid": {"value": 3.0, "step": 4}}}
    fresh = Scripted(every_n_steps=2)
    fresh.script = (9.0, 9.0, 9.0, 3.5)
    trainer(tmp_path, 8, callbacks=[fresh]).fit(small_gan(), datamodule=Digits(), ckpt_path=tmp_path / "later.ckpt")
    assert fresh.best == {"fid": {"value": 3.0, "step": 4}}  # not beaten by the first score after the resume


def test_real_statistics_are_computed_once_for_the_same_images(tmp_path, monkeypatch):
    updates = []
    genuine = FrechetDistance.update

    def counting(self, images, real):
        updates.append(real)
        genuine(self, images, real)

    monkeypatch.setattr(FrechetDistance, "update", counting)
    values = []
    for size in (16, 16, 12):
        run = play(tmp_path, small_gan(), Digits(image_size=size), 1, callbacks=[FID(1, n_fake=50)])
        values.append((updates.count(True), run.callback_metrics["score/frechet_pixels"].item()))
        updates.clear()
    assert values[0][0] > 0 and values[1][0] == 0 and values[2][0] > 0
    assert values[0][1] == values[1][1]
    assert len(list((callbacks.fid.cache_folder()).glob("*.pt"))) == 2


def test_on_a_cpu_inception_is_used_only_when_asked_for(tmp_path, caplog):
    play(tmp_path, small_gan(), Digits(), 1, callbacks=[FID(1, n_fake=50)])
    assert "not FID" in caplog.text and "--fid.features inception" in caplog.text
    with pytest.raises(ValueError, match=f"no file nowhere.pth: give the path of {INCEPTION_FILE}"):
        play(tmp_path, small_gan(), Digits(), 1, callbacks=[FID(1, features="inception", weights="nowhere.pth")])


def test_missing_weights_are_an_error_with_remedies(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert find_inception() is None

    def unreachable(*args, **options):
        raise OSError("host not found")

    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    with pytest.raises(
        ValueError, match=r"could not be downloaded \(host not found\).*--fid.weights FILE.*features pixels"
    ):
        play(tmp_path, small_gan(), Digits(), 1, callbacks=[FID(1, features="inception")])


def test_cached_and_given_weights_are_found(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cached = tmp_path / "hub" / "checkpoints" / INCEPTION_FILE
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"weights")
    given = tmp_path / "mine.pth"
    given.write_bytes(b"others")
    assert find_inception() == cached and find_inception(str(given)) == given
    assert metrics.features.file_hash(cached) != metrics.features.file_hash(given)


def test_inception_takes_gray_and_colour_and_gives_torch_fidelitys_features(tmp_path):
    """With random weights in the real network's file: the same path as with the published ones."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    weights = tmp_path / INCEPTION_FILE
    # The extractor insists on a file at once, so the state dict is made from its class without calling its __init__.
    from torch_fidelity import feature_extractor_inceptionv3 as module

    state = {}
    genuine = nn.Module.load_state_dict
    module_load = module.torch.load
    try:
        module.torch.load = lambda *a, **k: {}
        nn.Module.load_state_dict = lambda self, *a, **k: state.update(self.state_dict())
        weights.touch()
        FeatureExtractorInceptionV3("x", ["2048"], feature_extractor_weights_path=str(weights))
    finally:
        nn.Module.load_state_dict, module.torch.load = genuine, module_load
    torch.save(state, weights)
    images = torch.randint(0, 256, (6, 1, 28, 28), dtype=torch.uint8)
    distance = FrechetDistance("inception", channels=1, weights=weights)
    assert distance.name == "fid"
    distance.update(images, real=True)
    direct = FeatureExtractorInceptionV3("x", ["2048"], feature_extractor_weights_path=str(weights))
    expected = direct(images.expand(-1, 3, -1, -1))[0].double().sum(0)
    torch.testing.assert_close(distance.statistics()["real_features_sum"], expected, rtol=1e-4, atol=1e-4)


# Speed.


def test_speed_is_logged_in_images_of_all_minibatches(tmp_path):
    model = small_gan(n_critic=3)
    run = play(
        tmp_path,
        model,
        Digits(batch_size=8),
        4,
        callbacks=[Throughput()],
        log_every_n_steps=2,
        enable_progress_bar=True,
    )
    speeds = run.callback_metrics
    assert speeds["speed/images_seen"] == 4 * 3 * 8
    ratio = speeds["speed/images_per_second"] / speeds["speed/steps_per_second"]
    assert ratio.item() == pytest.approx(24, rel=1e-5)


def test_callbacks_know_no_model(tmp_path):
    """A model that only keeps the contract is drawn and scored like any other."""

    class Foreign(TinyGAN):
        def build(self):
            self.generator = nn.Sequential(nn.Linear(3, 256), nn.Tanh(), nn.Unflatten(1, (1, 16, 16)))
            self.discriminator = nn.Sequential(nn.Flatten(), nn.Linear(256, 1))

    run = play(
        tmp_path,
        Foreign(),
        Digits(),
        2,
        callbacks=[SampleGrid(1), FID(1, n_fake=50), Throughput()],
        enable_progress_bar=True,
    )
    assert run.callback_metrics["score/frechet_pixels"] > 0
    assert len(list((tmp_path / "samples").iterdir())) == 4
