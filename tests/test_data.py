"""Order of the data, sources, decoding policies, and one clear line for what cannot serve."""

import gzip
import pickle
import struct

import numpy as np
import pytest
import torch
from helpers import TinyGAN, trainer
from PIL import Image

import datamodules.torchvision_sets
from datamodules import CIFAR10, LSUN, MNIST, CelebA, Digits, FashionMNIST, Folder
from datamodules.decode import read_image
from datamodules.images import mixed, resized
from datamodules.sampler import StepSampler


def indices(sampler):
    return [draw.index.tolist() for draw in sampler]


def test_an_epoch_draws_each_datum_once_and_drops_what_fills_no_step():
    steps = indices(StepSampler(23, 2, n_critic=3))
    assert len(steps) == 3 and all(len(step) == 6 for step in steps)
    flat = [i for step in steps for i in step]
    assert len(set(flat)) == 18 and set(flat) <= set(range(23))


def test_the_order_is_a_function_of_seed_and_epoch():
    def order(seed, epoch):
        sampler = StepSampler(50, 5, seed=seed)
        sampler.set_epoch(epoch)
        return indices(sampler)

    assert order(1, 2) == order(1, 2)
    assert order(1, 2) != order(1, 3) and order(1, 2) != order(2, 2)


def test_two_ranks_see_the_minibatches_of_one_process():
    alone = StepSampler(64, 4, n_critic=2, flip=True, cut=True)
    pair = [StepSampler(64, 2, n_critic=2, flip=True, cut=True, rank=rank, world_size=2) for rank in range(2)]
    for whole, *parts in zip(alone, *pair, strict=True):
        for field in ("index", "flip", "corner"):
            rows = [getattr(part, field).unflatten(0, (2, 2)) for part in parts]
            assert torch.equal(torch.cat(rows, dim=1).flatten(0, 1), getattr(whole, field))


def test_flips_are_half_and_only_on_request():
    assert not any(draw.flip.any() for draw in StepSampler(100, 10))
    share = torch.cat([draw.flip for draw in StepSampler(10_000, 100, flip=True)]).float().mean()
    assert 0.47 < share < 0.53


def test_digits_are_the_scans_of_scikit_learn():
    from sklearn.datasets import load_digits

    data = Digits(image_size=8)
    data.setup("fit")
    batch, order = next(data.reference(batch_size=5)), mixed(1797)[:5]
    assert data.shape == (1, 8, 8) and data.classes == 10 and len(data.source("train")) == 1797
    expected = torch.from_numpy(load_digits().images)[order].float() / 8 - 1
    torch.testing.assert_close(batch["x"][:, 0], expected, atol=1 / 127, rtol=0)
    assert batch["label"].tolist() == load_digits().target[order].tolist()
    with pytest.raises(ValueError, match="no test split"):
        data.source("test")


def batches_of(data, n_critic=1, steps=2):
    """The batches that a model gets in training."""
    seen = []

    class Seeing(TinyGAN):
        def training_step(self, batch, batch_idx):
            seen.append(batch)
            self.optimizers()[0].step()

        def build(self):
            self.generator, self.discriminator = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)

    trainer("unused", steps, barebones=False).fit(Seeing(n_critic=n_critic), datamodule=data)
    return seen


def test_batches_are_normalised_gathered_and_mirrored():
    data = Digits(batch_size=4, flip=True, seed=5)
    batch = batches_of(data, n_critic=3)[0]
    assert batch["x"].shape == (12, 1, 16, 16) and batch["x"].dtype == torch.float32
    sampler = StepSampler(1797, 4, 3, seed=5, flip=True)
    draw = next(iter(sampler))
    raw = data.source("train").images[draw.index].float() / 127.5 - 1
    expected = torch.where(draw.flip[:, None, None, None], raw.flip(-1), raw)
    torch.testing.assert_close(batch["x"], expected)
    assert torch.equal(batch["label"], data.source("train").labels[draw.index])
    assert draw.flip.any() and not draw.flip.all()


def test_resizing_keeps_the_range_and_the_mean():
    images = torch.randint(0, 256, (3, 1, 28, 28), dtype=torch.uint8)
    small = resized(images, 14)
    assert small.shape == (3, 1, 14, 14) and small.dtype == torch.uint8
    assert abs(small.float().mean() - images.float().mean()) < 2
    assert resized(images, 28) is images and resized(images, None) is images


@pytest.mark.parametrize("option", [{"batch_size": 0}, {"image_size": 0}, {"workers": -1}])
def test_options_out_of_range_are_named(option):
    with pytest.raises(ValueError, match=next(iter(option))):
        Digits(**option)


def test_a_data_set_smaller_than_a_step_is_refused():
    with pytest.raises(
        ValueError, match=r"digits has 1797 training images and one step takes 2560.*lower the batch_size"
    ):
        batches_of(Digits(batch_size=512), n_critic=5)


# Folders.


def write_images(folder, count, size=(8, 8), mode="RGB", suffix="png", start=0):
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(count)
    for i in range(count):
        shape = size[::-1] if mode == "L" else (*size[::-1], 3)
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(folder / f"{start + i:03d}.{suffix}")


def test_a_folder_of_sub_folders_is_labelled_by_them(tmp_path):
    write_images(tmp_path / "cats", 5)
    write_images(tmp_path / "dogs" / "small", 3)
    data = Folder(str(tmp_path), batch_size=4)
    data.setup("fit")
    assert data.shape == (3, 8, 8) and data.classes == 2 and data.name == tmp_path.name
    assert sorted(next(data.reference())["label"].tolist()) == [0] * 5 + [1] * 3


def test_a_flat_folder_has_no_labels_and_two_images_are_no_pair(tmp_path):
    write_images(tmp_path, 2, mode="L")
    data = Folder(str(tmp_path), batch_size=1)
    data.setup("fit")
    assert data.classes is None and data.shape == (1, 8, 8)
    assert set(batches_of(data)[0]) == {"x"}


def test_train_and_test_sub_folders_are_splits(tmp_path):
    write_images(tmp_path / "train", 4)
    write_images(tmp_path / "val", 2)
    data = Folder(str(tmp_path))
    assert len(data.source("train")) == 4 and len(data.source("test")) == 2 and data.classes is None


def test_classes_are_those_of_the_training_images(tmp_path):
    for name in ("a", "b", "c"):
        write_images(tmp_path / "train" / name, 2)
    assert Folder(str(tmp_path)).classes == 3  # a train folder alone
    for name in ("b", "c"):
        write_images(tmp_path / "test" / name, 1, mode="L")
    data = Folder(str(tmp_path))
    assert data.source("test").labels.tolist() == [1, 2] and data.source("test").shape == data.shape
    write_images(tmp_path / "test" / "z", 1)
    with pytest.raises(ValueError, match=r"000.png is of a class that the training images do not have \(a, b, c\)"):
        Folder(str(tmp_path)).source("test")


def test_hidden_folders_are_passed_over(tmp_path):
    write_images(tmp_path / "a", 1), write_images(tmp_path / "b", 1), write_images(tmp_path / ".Trash", 3)
    data = Folder(str(tmp_path))
    assert data.classes == 2 and data.size("train") == 2


def test_a_part_of_a_sorted_folder_stands_for_all_of_it(tmp_path):
    for name in ("a", "b", "c", "d"):
        write_images(tmp_path / name, 25)
    (half,) = Folder(str(tmp_path)).reference(limit=50)
    assert half["label"].bincount().min() >= 8


def test_the_same_images_come_from_memory_and_from_workers(tmp_path):
    write_images(tmp_path, 12)
    kinds = [
        Folder(str(tmp_path), batch_size=4, in_memory=m, workers=w) for m, w in ((True, 0), (False, 0), (False, 2))
    ]
    first, *others = [batches_of(data) for data in kinds]
    for batches in others:
        assert all(torch.equal(a["x"], b["x"]) for a, b in zip(first, batches, strict=True))


def test_images_of_other_sizes_are_cut_to_a_given_size(tmp_path):
    write_images(tmp_path, 2, size=(8, 8))
    write_images(tmp_path, 2, size=(20, 10), start=5)
    with pytest.raises(
        ValueError, match=r"images differ in size: .*000.png is 8x8 and .*005.png is 20x10: set --data.image_size"
    ):
        Folder(str(tmp_path)).setup("fit")
    data = Folder(str(tmp_path), image_size=6)
    data.setup("fit")
    assert data.shape == (3, 6, 6)


def test_bad_folders_and_files_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"no folder .*nowhere"):
        Folder(str(tmp_path / "nowhere")).setup("fit")
    with pytest.raises(ValueError, match="no images in"):
        Folder(str(tmp_path)).setup("fit")
    write_images(tmp_path, 2)
    with pytest.raises(ValueError, match="has no test split"):
        Folder(str(tmp_path)).source("test")
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / ".DS_Store").write_text("")
    (tmp_path / "._000.png").write_text("")
    with pytest.raises(
        ValueError, match=r"text.png is not a readable image \(no image format recognised\): repair or remove"
    ):
        Folder(str(tmp_path)).setup("fit")


def test_a_truncated_file_is_named(tmp_path):
    write_images(tmp_path, 2, size=(64, 64), suffix="jpg")
    whole = (tmp_path / "001.jpg").read_bytes()
    (tmp_path / "001.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"001.jpg cannot be read \(image file is truncated"):
        Folder(str(tmp_path)).setup("fit")


def test_odd_images_are_read_by_stated_policies(tmp_path):
    def read(image, channels=3, **options):
        path = tmp_path / options.pop("name", "a.png")
        image.save(path, **options)
        return read_image(path, channels, (4, 4)).float().mean((1, 2)).round().tolist()

    transparent = Image.new("RGBA", (4, 4), (9, 200, 30, 0))
    assert read(transparent) == [255, 255, 255]
    deep = Image.fromarray(np.full((4, 4), 128 * 257, dtype=np.uint16))
    assert read(deep, channels=1) == [128]
    assert read(Image.new("1", (4, 4), 1), channels=1) == [255]
    assert read(Image.new("CMYK", (4, 4), (0, 0, 0, 0)), name="a.jpg") == [255, 255, 255]
    assert read(Image.new("L", (4, 4), 7)) == [7, 7, 7]
    with pytest.raises(ValueError, match="floating-point pixels"):
        read(Image.new("F", (4, 4), 0.5), name="a.tif")


def test_exif_turns_pictures_upright(tmp_path):
    image = Image.fromarray(np.repeat(np.array([[0, 255]], np.uint8), 4, 0).repeat(2, 1))  # dark left, bright right
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    image.save(tmp_path / "a.png", exif=exif)
    read = read_image(tmp_path / "a.png", 1, (4, 4))[0]
    assert read[0].max() == 0 and read[-1].min() == 255  # left has become top


# Known data sets, from stand-ins in the layouts that torchvision reads.


def idx(values):
    values = np.asarray(values, dtype=np.uint8)
    return (
        struct.pack(">BBBB", 0, 0, 8, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()
    )


def idx_files(train=6, test=3):
    rng = np.random.default_rng(0)
    for split, count in (("train", train), ("t10k", test)):
        yield f"{split}-images-idx3-ubyte", idx(rng.integers(0, 256, (count, 28, 28)))
        yield f"{split}-labels-idx1-ubyte", idx(np.arange(count) % 10)


@pytest.mark.parametrize(("data_class", "folder"), [(MNIST, "MNIST"), (FashionMNIST, "FashionMNIST")])
def test_mnist_and_fashion_mnist_are_found_under_root(tmp_path, monkeypatch, data_class, folder):
    monkeypatch.setattr(datamodules.torchvision_sets, "DEBIAN_FASHION_MNIST", tmp_path / "none")
    raw = tmp_path / folder / "raw"
    raw.mkdir(parents=True)
    for name, content in idx_files():
        (raw / name).write_bytes(content)
    data = data_class(root=str(tmp_path), image_size=14)
    data.prepare_data()
    data.setup("fit")
    assert data.shape == (1, 14, 14) and len(data.source("train")) == 6 and len(data.source("test")) == 3


def test_debians_fashion_mnist_is_unpacked(tmp_path, monkeypatch):
    (tmp_path / "debian").mkdir()
    for name, content in idx_files():
        (tmp_path / "debian" / f"{name}.gz").write_bytes(gzip.compress(content))
    monkeypatch.setattr(datamodules.torchvision_sets, "DEBIAN_FASHION_MNIST", tmp_path / "debian")
    data = FashionMNIST(root=str(tmp_path / "data"))
    data.prepare_data()
    assert data.shape == (1, 28, 28) and len(data.source("train")) == 6


def test_cifar10_is_found_under_root(tmp_path, monkeypatch):
    import torchvision

    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    monkeypatch.setattr(torchvision.datasets.CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setattr(torchvision.datasets.CIFAR10, "_load_meta", lambda self: None)
    rng = np.random.default_rng(0)
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        content = {"data": rng.integers(0, 256, (2, 3072), dtype=np.uint8), "labels": [3, 9]}
        (folder / name).write_bytes(pickle.dumps(content))
    data = CIFAR10(root=str(tmp_path))
    data.prepare_data()
    assert data.shape == (3, 32, 32) and data.classes == 10 and len(data.source("train")) == 10
    first = pickle.loads((folder / "data_batch_1").read_bytes())["data"][0].reshape(3, 32, 32)
    assert np.array_equal(data.source("train").images[0].numpy(), first)


def test_what_can_neither_be_found_nor_downloaded_says_both(tmp_path, monkeypatch):
    import torchvision

    def unreachable(self):
        raise RuntimeError("host not found\nsecond line")

    monkeypatch.setattr(torchvision.datasets.MNIST, "download", unreachable)
    with pytest.raises(
        ValueError, match=r"mnist is not under .*/ and could not be downloaded \(host not found\).*--data.root"
    ):
        MNIST(root=str(tmp_path)).prepare_data()


def test_celeba_is_a_folder_of_faces(tmp_path):
    faces = tmp_path / "celeba" / "img_align_celeba"
    write_images(faces, 3, size=(178, 218), suffix="jpg")
    data = CelebA(root=str(tmp_path))
    data.prepare_data()
    data.setup("fit")
    assert data.shape == (3, 64, 64) and data.name == "celeba" and len(data.source("train")) == 3
    assert CelebA(folder=str(faces), image_size=32).shape == (3, 32, 32)


def test_lsun_is_a_database_or_a_folder(tmp_path, monkeypatch):
    import io

    import lmdb

    environment = lmdb.open(str(tmp_path / "church_outdoor_train_lmdb"), map_size=1 << 20)
    with environment.begin(write=True) as transaction:
        for i in range(5):
            packed = io.BytesIO()
            Image.new("RGB", (40, 30), (i, i, i)).save(packed, "PNG")
            transaction.put(f"{i:04d}".encode(), packed.getvalue())
    environment.close()
    data = LSUN(root=str(tmp_path), category="church_outdoor", image_size=16, batch_size=2, workers=2)
    data.setup("fit")
    assert data.shape == (3, 16, 16) and len(data.source("train")) == 5 and data.name == "lsun_church_outdoor"
    values = {int(value) for batch in data.reference() for value in ((batch["x"][:, 0, 0, 0] + 1) * 127.5).round()}
    assert values == set(range(5))
    assert batches_of(data)[0]["x"].shape == (2, 3, 16, 16)
    write_images(tmp_path / "plain", 2)
    assert LSUN(folder=str(tmp_path / "plain"), image_size=8).shape == (3, 8, 8)
    with pytest.raises(ValueError, match=r"no .*tower_train_lmdb: download"):
        LSUN(root=str(tmp_path), category="tower").setup("fit")
