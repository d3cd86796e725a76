"""Models by name: where they are looked for, and downloads that are checked before they count."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from curate import registry
from curate.registry import ModelEntry, entry, fetch, known_models, located, resolve
from db.errors import ModelError, NotFoundError

BODY = b"weights " * 20_000


class _Server(BaseHTTPRequestHandler):
    """Serves BODY at /good, half of it at /short under the full length, moves /moved to /good."""

    def do_GET(self) -> None:
        if self.path == "/missing":
            self.send_error(404)
            return
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/good")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY[: len(BODY) // 2] if self.path == "/short" else BODY)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Server) as httpd:
        Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.delenv("MIMIQUE_MODELS", raising=False)
    return tmp_path / "cache"


def _model(url: str) -> ModelEntry:
    return ModelEntry("toy", "test", "toy.onnx", hashlib.sha256(BODY).hexdigest(), len(BODY), "CC0-1.0", url)


def test_every_known_model_has_a_licence_and_a_hash_that_is_whole_or_absent():
    names = [model.name for model in known_models()]
    assert len(set(names)) == len(names)
    for model in known_models():
        assert model.licence
        assert model.task
        assert len(model.sha256) in (0, 64)
        assert model.url is None or model.url.startswith("https://")


def test_the_first_known_model_is_the_bundled_default():
    assert known_models()[0].name == registry.DEFAULT_DETECTOR
    assert known_models()[0].bundled


def test_torchvision_file_names_carry_the_head_of_their_hash():
    for model in known_models():
        if model.file.endswith(".pth"):
            assert model.sha256.startswith(model.file.removesuffix(".pth").rsplit("-", 1)[1])


def test_a_path_resolves_to_itself(tmp_path):
    own = tmp_path / "my-model.onnx"
    own.write_bytes(b"x")
    assert resolve(str(own)) == own


def test_a_model_is_found_in_a_models_folder_before_the_cache(tmp_path, own_cache, monkeypatch):
    model = _model("http://127.0.0.1:9/closed")
    own_cache.mkdir()
    (own_cache / model.file).write_bytes(BODY)
    assert located(model) == own_cache / model.file
    empty, full = tmp_path / "empty", tmp_path / "full"
    empty.mkdir()
    full.mkdir()
    (full / model.file).write_bytes(BODY)
    monkeypatch.setenv("MIMIQUE_MODELS", os.pathsep.join([str(empty), str(full)]))
    assert located(model) == full / model.file


@pytest.mark.parametrize(
    ("size", "says"),
    [(5, "has 5 bytes, expected 322,906"), (322_906, r"its sha256 is [0-9a-f]{12}…, expected 104ee26c71d5…")],
)
def test_a_file_of_another_size_or_hash_is_not_taken_for_the_model(tmp_path, monkeypatch, size, says):
    (tmp_path / entry("yunet").file).write_bytes(bytes(size))
    monkeypatch.setenv("MIMIQUE_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match=says) as caught:
        resolve("yunet")
    assert "mimique models fetch yunet" in caught.value.hint


def test_a_damaged_file_is_passed_over_for_a_whole_one_further_on(tmp_path, own_cache, monkeypatch):
    model = _model("http://127.0.0.1:9/closed")
    own_cache.mkdir()
    (own_cache / model.file).write_bytes(BODY)
    (tmp_path / model.file).write_bytes(BODY[:-1] + b"!")
    monkeypatch.setenv("MIMIQUE_MODELS", str(tmp_path))
    assert located(model) == own_cache / model.file
    (tmp_path / model.file).write_bytes(BODY)
    os.utime(tmp_path / model.file, ns=(1, 1))
    assert located(model) == tmp_path / model.file


def test_the_bundled_file_is_checked_by_its_hash():
    assert located(known_models()[0]) is not None
    assert located(replace(known_models()[0], sha256="0" * 64)) is None


def test_a_model_without_a_known_checksum_says_that_it_is_not_verified():
    assert entry("yunet").verified
    assert not entry("yolov8n-cls").verified


def test_the_bundled_model_is_the_file_the_registry_describes():
    bundled = known_models()[0]
    assert registry.sha256_of([resolve(bundled.name)]) == bundled.sha256


def test_a_model_that_is_not_here_is_an_error_that_names_the_command():
    with pytest.raises(ModelError) as caught:
        resolve("yunet")
    assert "mimique models fetch yunet" in caught.value.hint


def test_a_model_that_nobody_serves_is_an_error_that_names_the_folder():
    with pytest.raises(ModelError) as caught:
        resolve("yolov8-lite-t-face")
    assert "MIMIQUE_MODELS" in caught.value.hint


@pytest.mark.parametrize("name", ["yunett", "", "nowhere/model.onnx", "nowhere.onnx", "/", "tests/"])
def test_an_unknown_name_or_path_is_an_error(name):
    with pytest.raises(NotFoundError):
        resolve(name)


@pytest.mark.parametrize("path", ["/good", "/moved"])
def test_fetching_stores_the_checked_file_and_tells_progress(server, own_cache, path):
    told: list[tuple[int, int]] = []
    stored = fetch(_model(server + path), progress=lambda done, size: told.append((done, size)))
    assert stored == own_cache / "toy.onnx"
    assert stored.read_bytes() == BODY
    assert told[-1] == (len(BODY), len(BODY))


def test_fetching_again_downloads_nothing(server):
    first = fetch(_model(f"{server}/good"))
    assert fetch(_model("http://127.0.0.1:9/closed")) == first


@pytest.mark.parametrize(
    ("path", "changes", "says"),
    [
        ("/good", {"sha256": "0" * 64}, "sha256"),
        ("/good", {"size": 5}, "expected 5 bytes"),
        ("/short", {}, "toy"),
        ("/short", {"sha256": "", "size": 0}, "toy"),
        ("/missing", {}, "404"),
    ],
)
def test_a_download_that_is_not_the_file_leaves_nothing_behind(server, own_cache, path, changes, says):
    with pytest.raises(ModelError, match=says):
        fetch(replace(_model(server + path), **changes))
    assert list(own_cache.iterdir()) == []


def test_a_damaged_file_in_the_given_folder_is_fetched_again(server, tmp_path):
    (tmp_path / "toy.onnx").write_bytes(b"half")
    assert fetch(_model(f"{server}/good"), folder=tmp_path).read_bytes() == BODY


def test_a_server_that_is_down_is_one_error():
    with pytest.raises(ModelError, match="failed"):
        fetch(_model("http://127.0.0.1:9/closed"))
