"""The papers' data sets, from a local server: download, resume, damage, archives that would climb out."""

import io
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image

import datamodules.known_domains as known
from datamodules import KnownDomains


def png(value):
    data = io.BytesIO()
    Image.new("RGB", (40, 40), (value, 0, 0)).save(data, "PNG")
    return data.getvalue()


def zipped(members):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


HORSES = zipped({f"horse2zebra/{part}/{i}.png": png(i) for part in ("trainA", "trainB", "testA") for i in range(2)})


@pytest.fixture
def server(monkeypatch):
    """Serves ``server.files`` by path, in parts when asked, and breaks off after ``server.limit`` bytes."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            content = host.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            begin = int(self.headers.get("Range", "bytes=0-")[6:-1])
            host.asked.append(begin)
            if begin >= len(content):
                self.send_error(416)
                return
            self.send_response(206 if begin else 200)
            self.send_header("Content-Length", str(len(content) - begin))
            self.end_headers()
            self.wfile.write(content[begin:][: host.limit])

        def log_message(self, *_):
            """Quiet."""

    host = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host.files, host.asked, host.limit = {"/cyclegan/datasets/horse2zebra.zip": HORSES}, [], None
    threading.Thread(target=host.serve_forever, daemon=True).start()
    monkeypatch.setattr(known, "HOST", f"http://127.0.0.1:{host.server_port}")
    yield host
    host.shutdown()
    host.server_close()


def horses(tmp_path):
    return KnownDomains("horse2zebra", root=str(tmp_path), load_size=36, crop_size=32)


def test_a_set_is_downloaded_once_and_used(tmp_path, server):
    data = horses(tmp_path)
    data.prepare_data()
    data.setup("fit")
    assert data.shape == {"A": (3, 32, 32), "B": (3, 32, 32)} and data.name == "horse2zebra" and not data.aligned
    assert [path.name for path in tmp_path.iterdir()] == ["horse2zebra"]
    horses(tmp_path).prepare_data()
    assert server.asked == [0]


def test_a_broken_download_goes_on_where_it_broke(tmp_path, server):
    server.limit = 100
    with pytest.raises(ValueError, match="broke off after 100 of"):
        horses(tmp_path).prepare_data()
    server.limit = None
    horses(tmp_path).prepare_data()
    assert server.asked == [0, 100] and (tmp_path / "horse2zebra" / "trainA" / "1.png").is_file()


def test_a_left_over_of_another_file_is_thrown_away(tmp_path, server):
    (tmp_path / "horse2zebra.zip.part").write_bytes(bytes(len(HORSES) + 5))
    horses(tmp_path).prepare_data()
    assert (tmp_path / "horse2zebra").is_dir()


def test_a_missing_file_and_a_dead_host_are_said_plainly(tmp_path, server, monkeypatch):
    server.files.clear()
    with pytest.raises(ValueError, match=r"horse2zebra.zip answers 404 Not Found: download .* by hand.*--data DIR"):
        horses(tmp_path).prepare_data()
    monkeypatch.setattr(known, "HOST", "http://127.0.0.1:1")
    with pytest.raises(ValueError, match=r"cannot be reached \(.*refused.*\): try again later, or download"):
        horses(tmp_path).prepare_data()
    assert not (tmp_path / "horse2zebra").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zipped({"../evil.png": b"x"}), "leads out of its folder"),
        (zipped({"other/a.png": b"x"}), "holds no folder horse2zebra"),
        (HORSES[: len(HORSES) // 2], "cannot be unpacked"),
    ],
)
def test_archives_that_cannot_serve_leave_nothing_behind(tmp_path, server, content, message):
    server.files["/cyclegan/datasets/horse2zebra.zip"] = content
    inside = tmp_path / "data"
    with pytest.raises(ValueError, match=message):
        KnownDomains("horse2zebra", root=str(inside)).prepare_data()
    assert [path.name for path in inside.iterdir()] == ["horse2zebra.zip"] and not (tmp_path / "evil.png").exists()


def test_a_tar_that_climbs_out_is_refused(tmp_path, server):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        member = tarfile.TarInfo("../evil.png")
        member.size = 1
        archive.addfile(member, io.BytesIO(b"x"))
    server.files["/pix2pix/datasets/maps.tar.gz"] = data.getvalue()
    with pytest.raises(ValueError, match=r"maps.tar.gz cannot be unpacked \(.*outside the destination"):
        KnownDomains("maps", root=str(tmp_path / "data")).prepare_data()
    assert not (tmp_path / "evil.png").exists()


def test_a_set_that_is_there_is_used_as_it_is(tmp_path):
    folder = tmp_path / "maps" / "train"
    folder.mkdir(parents=True)
    Image.new("RGB", (80, 40)).save(folder / "1.png")
    data = KnownDomains("maps", root=str(tmp_path), load_size=36, crop_size=32)
    data.prepare_data()
    assert data.aligned and data.size("train") == 1


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="no known data set 'zebras': there are apple2orange, "):
        KnownDomains("zebras")
