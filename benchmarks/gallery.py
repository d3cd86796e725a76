"""The gallery of a large store: its first page, every filter and bulk actions through HTTP, and the page in Chromium.

    python benchmarks/gallery.py --faces 100000 --votes 300000

The store is filled in bulk (as in ``next_face.py``) in a temporary folder: photos of one face each, 20 people's votes,
7 of 10 faces decided. Faces share ``--crops`` drawn crops, so thumbnails are made from real JPEGs of 256 pixels.
The server is the ``label`` command in a process of its own. Milliseconds through HTTP are of one client at a time,
a page of 100 faces with the number that fit, ``--rounds`` times; thumbnails "cold" are each made anew, "warm" come
from the server's memory. In headless Chromium the clock runs from the navigation until the first thumbnail is
painted (Element Timing): "cold" in an empty browser cache, "warm" when the browser knows Gradio's scripts;
``after_our_script_ms`` counts from the moment our page's script runs. The last line is JSON.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import cv2
import httpx
import numpy as np
from browser import chromium, workbench
from next_face import fill_store
from sqlalchemy import text

from db.engine import Database, engine_for, sqlite_url
from db.errors import NotFoundError
from db.workspace import Workspace, create_workspace, open_workspace

CROP_SIDE = 256
FILTERS: dict[str, dict[str, Any]] = {
    "class": {"label": "angry"},
    "candidate class": {"candidate_class": "sad"},
    "harvest": {"harvest_id": 3},
    "owner": {"owner": "owner 7"},
    "source": {"source": "flickr"},
    "confidence": {"least_confidence": 0.2, "most_confidence": 0.4},
    "flag": {"flag": "artificial"},
    "any flag": {"flag": "any"},
    "votes": {"least_votes": 4, "most_votes": 5},
    "undecided": {"state": "undecided"},
    "tie": {"state": "tie"},
    "not reviewed": {"reviewed": False},
    "voted by": {"voted_by": 1},
    "campaign": {"campaign_id": 1},
    "several at once": {"label": "happy", "candidate_class": "happy", "flag": "any", "least_votes": 3},
}
# Runs before the page's own scripts: when the first thumbnail was painted, and when our script first asked for faces.
WATCH = """
window.seen = {};
new PerformanceObserver((list) => { for (const entry of list.getEntries())
  window.seen.painted ??= entry.renderTime || entry.loadTime; }).observe({ type: "element", buffered: true });
const ask = window.fetch;
window.fetch = (url, ...more) => {
  if (String(url).endsWith("/me")) window.seen.script ??= performance.now();
  if (String(url).endsWith("/api/gallery")) window.seen.asked ??= performance.now();
  return ask(url, ...more);
};
new MutationObserver(() => document.querySelectorAll(".mq-tile img:not([elementtiming])")
  .forEach((img) => img.setAttribute("elementtiming", "thumb"))).observe(document, { childList: true, subtree: true });
"""


def filled(path: Path, faces: int, votes: int, crops: int, seed: int) -> Workspace:
    """A workspace whose faces share so many crops."""
    create_workspace(path, preset="7")
    url = sqlite_url(path / "mimique.db")
    fill_store(url, faces, votes, seed)
    workspace = open_workspace(path)
    rng = np.random.default_rng(seed)
    names = []
    for _ in range(crops):
        coarse = rng.integers(0, 256, (CROP_SIDE // 12, CROP_SIDE // 12, 3), np.uint8)
        image = cv2.resize(coarse, (CROP_SIDE, CROP_SIDE), interpolation=cv2.INTER_CUBIC)
        names.append(workspace.blobs.put(cv2.imencode(".jpg", image)[1].tobytes(), ".jpg"))
    database = Database(engine_for(url))
    with database.write() as connection:
        for place, name in enumerate(names):
            update = text("UPDATE face SET crop_sha256 = :name WHERE id % :crops = :place")
            connection.execute(update, {"name": name, "crops": crops, "place": place})
    database.engine.dispose()
    return workspace


def percentiles(seconds: list[float]) -> dict[str, float]:
    p50, p95, most = np.percentile(np.array(seconds) * 1000, [50, 95, 100])
    return {"p50_ms": round(p50, 1), "p95_ms": round(p95, 1), "max_ms": round(most, 1)}


def timed(call: Callable[[], object], rounds: int) -> dict[str, float]:
    seconds = []
    for _ in range(rounds):
        begun = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begun)
    return percentiles(seconds)


class Curator:
    """Somebody who asks the server as the page does."""

    def __init__(self, url: str, name: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=600)
        self.token = ""
        self.token = self.call("join", name=name)["token"]

    def call(self, name: str, /, **values: Any) -> Any:
        answer = self.http.post(f"/api/{name}", json=values, headers={"X-Mimique-Token": self.token})
        answer.raise_for_status()
        return answer.json()["ok"]

    def thumb(self, face: int) -> bytes:
        answer = self.http.get(f"/picture/thumb/{face}?size=160")
        answer.raise_for_status()
        return answer.content


def over_http(curator: Curator, faces: int, crops: int, rounds: int) -> dict[str, Any]:
    """Pages, filters and thumbnails."""
    first = timed(lambda: curator.call("gallery"), rounds)
    last = timed(lambda: curator.call("gallery", offset=faces - 100, counted=False), rounds)
    unsure = timed(lambda: curator.call("gallery", order="least sure"), rounds)
    filters = {
        name: timed(lambda only=only: curator.call("gallery", filter=only), rounds)  # type: ignore[misc]
        for name, only in FILTERS.items()
    }
    cold = [_seconds(lambda i=i: curator.thumb(i)) for i in range(1, crops + 1)]  # type: ignore[misc]
    warm = [_seconds(lambda i=i: curator.thumb(i)) for i in range(1, crops + 1)]  # type: ignore[misc]
    begun = time.perf_counter()
    review = curator.call("review_list", fresh=True)
    looked = time.perf_counter() - begun
    return {
        "first_page": first,
        "last_page": last,
        "least_sure_page": unsure,
        "filters": filters,
        "slowest_filter_p95_ms": max(found["p95_ms"] for found in filters.values()),
        "thumb_cold": percentiles(cold),
        "thumb_warm": percentiles(warm),
        "thumb_bytes": len(curator.thumb(1)),
        "review_list": {"fresh_ms": round(looked * 1000, 1), "faces": review["total"]},
        "review_list_again": timed(lambda: curator.call("review_list"), rounds),
        "review_face": timed(lambda: curator.call("review_face", face=faces // 2), rounds),
    }


def bulk(curator: Curator) -> dict[str, Any]:
    """Relabel all faces of one candidate class, and take it back."""
    only = {"candidate_class": "fear"}
    before = curator.call("gallery", filter={**only, "label": "sad"})["count"]
    begun = time.perf_counter()
    done = curator.call("review_act", action="relabel", label="sad", filter=only, sure=True)
    acted = time.perf_counter()
    curator.call("review_undo", batch=done["batch"])
    undone = time.perf_counter()
    restored = curator.call("gallery", filter={**only, "label": "sad"})["count"] == before
    return {
        "faces": done["faces"],
        "relabel_s": round(acted - begun, 2),
        "undo_s": round(undone - acted, 2),
        "restored": restored,
    }


def _seconds(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def in_browser(url: str, profile: Path, rounds: int) -> dict[str, Any]:
    """From the navigation to the first thumbnail painted: once cold, then warm."""
    try:
        driver = chromium(profile, "--window-size=1280,800")
    except NotFoundError as error:
        return {"skipped": str(error)}
    try:
        driver.set_script_timeout(60)
        driver.get(f"{url}/robots.txt")
        driver.execute_async_script(
            'const done = arguments[1]; fetch("/api/join", {method: "POST", headers: {"Content-Type": '
            '"application/json"}, body: JSON.stringify({name: arguments[0]})}).then((a) => a.json()).then(done);',
            "Gallery",
        )
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
        visits = [_visit(driver, f"{url}/gallery") for _ in range(rounds + 1)]
    finally:
        driver.quit()
    warm = visits[1:]
    return {
        "cold_painted_ms": round(visits[0]["painted"]),
        "warm_painted": percentiles([visit["painted"] / 1000 for visit in warm]),
        "after_our_script": percentiles([(v["painted"] - v["script"]) / 1000 for v in warm]),
        "after_asking": percentiles([(v["painted"] - v["asked"]) / 1000 for v in warm]),
    }


def _visit(driver: Any, url: str) -> dict[str, float]:
    driver.get(url)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        seen: dict[str, float] = driver.execute_script("return window.seen || {}")
        if "painted" in seen:
            return seen
        time.sleep(0.05)
    raise SystemExit("no thumbnail was painted within a minute")


def measure(folder: Path, faces: int, votes: int, crops: int, rounds: int, seed: int) -> dict[str, Any]:
    """The figures of one run."""
    workspace = filled(folder / "faces", faces, votes, crops, seed)
    for name in ("Curator", "Gallery"):
        workspace.store.annotators.add(name, role="curator")
    workspace.store.close()
    with workbench(workspace.path) as url:
        curator = Curator(url, "Curator")
        http = over_http(curator, faces, crops, rounds)
        browser = in_browser(url, folder / "profile", min(rounds, 5))
        acted = bulk(curator)
        curator.http.close()
    return {"faces": faces, "votes": votes, "http": http, "browser": browser, "bulk": acted}


@click.command(help=__doc__)
@click.option("--faces", default=100_000, show_default=True)
@click.option("--votes", default=300_000, show_default=True)
@click.option("--crops", default=500, show_default=True, help="Different pictures, shared by the faces.")
@click.option("--rounds", default=10, show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(faces: int, votes: int, crops: int, rounds: int, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        click.echo(json.dumps(measure(Path(folder), faces, votes, crops, rounds, seed)))


if __name__ == "__main__":
    main()
