"""Two domains: unequal counts, pairing, layouts of folders, cuts, and what cannot serve."""

import numpy as np
import pytest
import torch
from helpers import play, trainer
from PIL import Image

from datamodules import CIFAR10Domains, Pairs, Photos
from datamodules.domains import cut
from datamodules.sampler import StepSampler
from datamodules.sources import Images
from gan_modules import CycleGAN, Pix2Pix


def write(folder, count, size=(40, 30), base=0):
    """Flat images whose red is their number: 0.png has red ``base``, 1.png ``base + 1``, ..."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        Image.new("RGB", size, (base + i, 0, 0)).save(folder / f"{i}.png")


def numbers(x):
    """The numbers of flat images."""
    return ((x[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()


def batches(data, steps, paired=False):
    """What a model gets."""
    seen, model = [], Pix2Pix(width=2, halvings=3) if paired else CycleGAN(width=2, blocks=0, pool_size=0)
    model.on_train_batch_start = lambda batch, i: seen.append({k: v.clone() for k, v in batch.items()})
    trainer("unused", steps).fit(model, datamodule=data)
    return seen


SMALL = {"load_size": 36, "crop_size": 32}


def test_unpaired_domains_of_unequal_size_are_drawn_independently(tmp_path):
    write(tmp_path / "trainA", 6)
    write(tmp_path / "trainB", 4, base=100)
    data = Pairs(str(tmp_path), batch_size=2, **SMALL)
    seen = batches(data, 6)  # two epochs of three steps
    assert all(b[name].shape == (2, 3, 32, 32) for b in seen for name in "AB")
    drawn = {name: [n for b in seen for n in numbers(b[name])] for name in "AB"}
    assert sorted(drawn["A"][:6]) == list(range(6)) == sorted(drawn["A"][6:])  # the larger domain once an epoch
    assert set(drawn["B"]) == {100, 101, 102, 103} and len(set(drawn["B"][:4])) == 4
    partners = {(a, b - 100) for a, b in zip(drawn["A"], drawn["B"], strict=True)}
    assert len({a for a, _ in partners}) < len(partners)  # other partners in the second epoch


@pytest.mark.parametrize("layout", ["folders", "side by side"])
def test_paired_layouts_keep_partners_together(tmp_path, layout):
    if layout == "folders":
        write(tmp_path / "train" / "A", 4)
        write(tmp_path / "train" / "B", 4, base=100)
    else:
        (tmp_path / "train").mkdir()
        for i in range(4):
            both = Image.new("RGB", (80, 30), (i, 0, 0))
            both.paste((100 + i, 0, 0), (40, 0, 80, 30))
            both.save(tmp_path / "train" / f"{i}.png")
    data = Pairs(str(tmp_path), batch_size=2, **SMALL)
    data.setup("fit")
    assert data.aligned and data.shape == {"A": (3, 32, 32), "B": (3, 32, 32)}
    for b in batches(data, 2, paired=True):
        assert [n + 100 for n in numbers(b["A"])] == numbers(b["B"])
    loose = Pairs(str(tmp_path), batch_size=4, **SMALL)
    pairs = [p for b in batches(loose, 4) for p in zip(numbers(b["A"]), numbers(b["B"]), strict=True)]
    assert any(a + 100 != b for a, b in pairs)


def test_both_images_of_a_pair_are_cut_and_mirrored_alike(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "train").mkdir()
    for i in range(4):
        half = rng.integers(0, 256, (36, 40, 3), dtype=np.uint8)
        Image.fromarray(np.concatenate([half, half], axis=1)).save(tmp_path / "train" / f"{i}.png")
    for in_memory, workers in ((True, 0), (False, 0), (False, 2)):
        data = Pairs(str(tmp_path), load_size=None, crop_size=32, batch_size=4, in_memory=in_memory, workers=workers)
        for b in batches(data, 3, paired=True):
            assert torch.equal(b["A"], b["B"])


def test_memory_and_workers_give_the_same_batches(tmp_path):
    write(tmp_path / "trainA", 5)
    write(tmp_path / "trainB", 3, base=50)
    kinds = ((True, 0), (False, 0), (False, 2))
    first, *others = [batches(Pairs(str(tmp_path), batch_size=2, in_memory=m, workers=w, **SMALL), 4) for m, w in kinds]
    for other in others:
        assert all(torch.equal(a[k], b[k]) for a, b in zip(first, other, strict=True) for k in "AB")


def test_cuts_reach_both_borders():
    images = torch.arange(25, dtype=torch.uint8).view(1, 1, 5, 5).expand(2, -1, -1, -1)
    pieces = cut(images, torch.tensor([[0.0, 0.0], [0.999, 0.999]]), 3)
    assert pieces[0, 0, 0, 0] == 0 and pieces[1, 0, -1, -1] == 24
    assert cut(images, torch.zeros(2, 2), None) is images


def test_photos_cut_patches_of_two_photographs():
    data = Photos(crop_size=32, batch_size=4, epoch_size=40)
    seen = batches(data, 12)
    assert all(b[name].shape == (4, 3, 32, 32) for b in seen for name in "AB")
    assert len({tuple(x.flatten()[:20].tolist()) for b in seen for x in b["A"]}) > 40
    assert data.size("test") == 13 * 5 == sum(len(b["A"]) for b in data.reference("test"))
    assert data.size("train") == 40 and data.shape["B"] == (3, 32, 32)
    with pytest.raises(ValueError, match="leave out load_size"):
        Photos(load_size=100)


def test_the_test_split_is_test_or_val_and_ends_with_each_domain(tmp_path):
    write(tmp_path / "trainA", 1), write(tmp_path / "trainB", 1)
    with pytest.raises(ValueError, match="has no test split: looked for testA, test or val"):
        Pairs(str(tmp_path), **SMALL).size("test")
    write(tmp_path / "valA", 5), write(tmp_path / "valB", 2, base=100)
    data = Pairs(str(tmp_path), **SMALL)
    seen = list(data.reference("test", batch_size=3))
    assert sorted(n for b in seen for n in numbers(b["A"])) == [0, 1, 2, 3, 4]
    assert sorted(n for b in seen for n in numbers(b["B"])) == [100, 101]
    assert [len(b["B"]) for b in seen] == [2, 0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda f: None, "has no train split: looked for trainA and trainB"),
        (lambda f: write(f / "trainA", 1), r"no folder .*trainB: an unpaired data set needs trainA and trainB"),
        (lambda f: (write(f / "trainA", 1), (f / "trainB").mkdir()), "no images of domain B in .*trainB"),
        (lambda f: (write(f / "train/A", 2), write(f / "train/B", 1)), r"train/A/1.png has no partner of that name in"),
        (lambda f: write(f / "train", 1, size=(41, 30)), "0.png is 41 pixels wide: a side-by-side pair needs"),
    ],
)
def test_folders_that_cannot_serve_are_named(tmp_path, make, message):
    make(tmp_path)
    with pytest.raises(ValueError, match=message):
        Pairs(str(tmp_path), **SMALL).setup("fit")


def test_sizes_that_do_not_fit_are_named(tmp_path):
    with pytest.raises(ValueError, match="crop_size 30 is larger than load_size 20"):
        Pairs(str(tmp_path), load_size=20, crop_size=30)
    write(tmp_path / "trainA", 1), write(tmp_path / "trainB", 1)
    with pytest.raises(ValueError, match=r"domain A of .* has images of 40x30, smaller than crop_size 64"):
        Pairs(str(tmp_path), load_size=None, crop_size=64).setup("fit")
    write(tmp_path / "trainA", 2, size=(50, 50), base=9)
    Image.new("RGB", (7, 9)).save(tmp_path / "trainA" / "zz.png")
    with pytest.raises(ValueError, match=r"images differ in size: .*set --data.load_size"):
        Pairs(str(tmp_path), load_size=None, crop_size=None).setup("fit")
    with pytest.raises(ValueError, match=r"Pix2Pix needs pairs and the domains of .* are unpaired"):
        batches(Pairs(str(tmp_path), **SMALL), 1, paired=True)


def test_a_paired_model_trains_on_pairs(tmp_path):
    write(tmp_path / "train" / "A", 3)
    write(tmp_path / "train" / "B", 3, base=100)
    run = play(tmp_path / "run", Pix2Pix(width=2, halvings=3), Pairs(str(tmp_path), **SMALL), 2, log_every_n_steps=2)
    assert {"loss/generator/l1", "loss/generator/adversarial"} <= set(run.callback_metrics)


def test_classes_of_cifar10_are_domains(tmp_path, monkeypatch):
    labels = torch.tensor([7, 4, 7, 1, 4, 7])
    images = torch.arange(6, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 32, 32).contiguous()
    monkeypatch.setattr("datamodules.torchvision_sets.CIFAR10.read", lambda self, split: Images(images, labels))
    data = CIFAR10Domains(a="horse", b="deer")
    first = next(data.reference())
    assert sorted(numbers(first["A"])) == [0, 2, 5] and sorted(numbers(first["B"])) == [1, 4]
    with pytest.raises(ValueError, match="no class 'zebra': use one of airplane"):
        CIFAR10Domains(b="zebra")


def test_going_round_a_small_domain_takes_each_datum_before_any_again():
    sampler = StepSampler(3, 1, length=9)
    order = [draw.index.item() for draw in sampler]
    assert [sorted(order[i : i + 3]) for i in (0, 3, 6)] == [[0, 1, 2]] * 3
    assert [draw.index.item() for draw in StepSampler(3, 1, length=9, stream=1)] != order
