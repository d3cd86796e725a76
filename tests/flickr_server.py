"""A local server that speaks as much of Flickr's REST protocol as we use, with its quirks; for tests."""

import json
import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

LICENSES = [
    {"id": "0", "name": "All Rights Reserved", "url": ""},
    {
        "id": "2",
        "name": "Attribution-NonCommercial License",
        "url": "https://creativecommons.org/licenses/by-nc/2.0/",
    },
    {"id": "4", "name": "Attribution License", "url": "https://creativecommons.org/licenses/by/2.0/"},
    {"id": "7", "name": "No known copyright restrictions", "url": "https://www.flickr.com/commons/usage/"},
    {
        "id": "9",
        "name": "Public Domain Dedication (CC0)",
        "url": "https://creativecommons.org/publicdomain/zero/1.0/",
    },
    {"id": "10", "name": "Public Domain Mark", "url": "https://creativecommons.org/publicdomain/mark/1.0/"},
    {"id": "11", "name": "Attribution 4.0", "url": "https://creativecommons.org/licenses/by/4.0/"},
]


@dataclass(frozen=True)
class FakePhoto:
    id: str
    text: str
    license: str = "4"
    uploaded: int = 1_600_000_000
    picture: bytes = b""
    tells_license: bool = True  # whether the search answer carries the licence
    fate: str = ""  # "404", "410", "placeholder", "html", "cut", "bad gzip": what its download does
    tells_url: bool = True
    obeys_license: bool = True  # False: comes back whatever licence was asked for


@dataclass
class FakeFlickr:
    """``photos`` to serve, ``trouble`` to make: method (or "download") → answers to give before the good ones."""

    photos: list[FakePhoto] = field(default_factory=list)
    trouble: dict[str, list[object]] = field(default_factory=dict)
    most_results: int = 4_000
    calls: Counter[str] = field(default_factory=Counter)
    asked: list[dict[str, str]] = field(default_factory=list)
    downloads: list[str] = field(default_factory=list)
    url: str = ""

    def take_away(self, photo_id: str, fate: str = "410") -> None:
        self.photos = [replace(p, fate=fate) if p.id == photo_id else p for p in self.photos]

    def found(self, wanted: dict[str, str]) -> list[FakePhoto]:
        licenses = wanted.get("license", "").split(",")
        until = int(wanted.get("max_upload_date", 2**40))
        hits = [
            p
            for p in self.photos
            if wanted["text"] in p.text
            and p.uploaded <= until
            and (p.license in licenses or not p.obeys_license)
        ]
        return sorted(hits, key=lambda p: (-p.uploaded, p.id))

    def search(self, wanted: dict[str, str]) -> dict[str, object]:
        per_page, page = int(wanted.get("per_page", 100)), int(wanted.get("page", 1))
        hits = self.found(wanted)
        within = hits[: self.most_results]
        shown = within[(page - 1) * per_page : page * per_page]
        pages = -(-len(within) // per_page)
        entries = [self.entry(photo, wanted.get("extras", "")) for photo in shown]
        return {
            "photos": {
                "page": page,
                "pages": pages,
                "perpage": per_page,
                "total": len(hits),
                "photo": entries,
            }
        }

    def entry(self, photo: FakePhoto, extras: str) -> dict[str, object]:
        entry: dict[str, object] = {
            "id": photo.id,
            "owner": f"{photo.id}@N00",
            "secret": "s",
            "title": f"title {photo.id}",
        }
        if "license" in extras and photo.tells_license:
            entry["license"] = photo.license
        if "date_upload" in extras:
            entry["dateupload"] = str(photo.uploaded)
        if "date_taken" in extras:
            entry |= {"datetaken": "2019-05-01 12:30:00", "datetakenunknown": "0"}
        if "tags" in extras:
            entry["tags"] = f"{photo.text} street"
        if "url_l" in extras and photo.tells_url:
            entry |= {"url_l": f"{self.url}/pictures/{photo.id}_l.jpg", "width_l": 1024, "height_l": "768"}
            entry |= {"url_o": f"{self.url}/pictures/{photo.id}_o.jpg", "width_o": 6000, "height_o": 4000}
        return entry

    def answer(self, wanted: dict[str, str]) -> dict[str, object]:
        method = wanted["method"].removeprefix("flickr.")
        if method == "photos.licenses.getInfo":
            return {"licenses": {"license": LICENSES}}
        if method == "photos.search":
            return self.search(wanted)
        photo = next((p for p in self.photos if p.id == wanted.get("photo_id") and p.fate != "410"), None)
        if photo is None:
            return {"stat": "fail", "code": 1, "message": "Photo not found"}
        if method == "photos.getInfo":
            return {"photo": {"id": photo.id, "license": photo.license}}
        if method == "photos.getSizes":
            sizes = [(240, "m"), (1024, "l"), (5000, "o")]
            entry = [
                {
                    "label": s,
                    "width": w,
                    "height": str(w // 2),
                    "source": f"{self.url}/pictures/{photo.id}_{s}.jpg",
                }
                for w, s in sizes
            ]
            return {"sizes": {"size": entry}}
        return {"stat": "fail", "code": 112, "message": f'Method "{method}" not found'}


class Handler(BaseHTTPRequestHandler):
    server: "Server"

    def log_message(self, *arguments: object) -> None: ...

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        wanted = {key: values[0] for key, values in parse_qs(body).items()}
        method, fake = wanted["method"].removeprefix("flickr."), self.server.fake
        fake.calls[method] += 1
        fake.asked.append(wanted)
        if self._troubled(method):
            return
        if 'oauth_consumer_key="good"' not in self.headers.get("Authorization", ""):
            self._json({"stat": "fail", "code": 100, "message": "Invalid API Key (Key has invalid format)"})
            return
        self._json({"stat": "ok"} | fake.answer(wanted))

    def do_GET(self) -> None:
        fake, path = self.server.fake, urlparse(self.path).path
        if path.endswith("photo_unavailable.png"):
            self._send(200, b"\x89PNG not really", "image/png")
            return
        photo_id = path.rsplit("/", 1)[1].split("_")[0]
        fake.downloads.append(path)
        photo = next((p for p in fake.photos if p.id == photo_id), None)
        if self._troubled("download"):
            return
        if photo is None or photo.fate in ("404", "410"):
            self._send(int(photo.fate) if photo else 404, b"gone", "text/html")
        elif photo.fate == "placeholder":
            self._send(302, b"", "text/html", {"Location": f"{fake.url}/images/photo_unavailable.png"})
        elif photo.fate == "html":
            self._send(200, b"<html>log in</html>", "text/html")
        elif photo.fate == "cut":
            self._send(200, photo.picture, "image/jpeg", {"Content-Length": str(len(photo.picture) + 999)})
        elif photo.fate == "bad gzip":
            self._send(200, photo.picture, "image/jpeg", {"Content-Encoding": "gzip"})
        else:
            self._send(200, photo.picture, "image/jpeg")

    def _troubled(self, what: str) -> bool:
        """Give the next of the prepared answers: an HTTP status, (status, headers), or a fail document."""
        waiting = self.server.fake.trouble.get(what)
        if not waiting:
            return False
        trouble = waiting.pop(0)
        if isinstance(trouble, dict):
            self._json(trouble)
        elif isinstance(trouble, tuple):
            self._send(trouble[0], b"busy", "text/html", trouble[1])
        else:
            self._send(int(str(trouble)), b"busy", "text/html")
        return True

    def _json(self, answer: dict[str, object]) -> None:
        self._send(200, json.dumps(answer).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (
            {"Content-Type": kind, "Content-Length": str(len(body))} | (headers or {})
        ).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        if headers and "Content-Length" in headers:
            self.close_connection = True


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, fake: FakeFlickr) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.fake = fake
        fake.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> "Server":
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        self.server_close()
