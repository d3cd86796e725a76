"""Milliseconds from a key to the next face painted, in headless Chromium with real key events.

    python benchmarks/keys.py                              200 votes at 2 a second, against the real server
    python benchmarks/keys.py --network-ms 300 --votes 50  with every answer 300 ms later, as on a slow line

A key is a trusted event (DevTools protocol). The time runs from the event's own timestamp until the next face is
painted as the browser reports it (Element Timing's ``renderTime``). Beside it stand Event Timing's ``duration`` of
the key, which the browser rounds to 8 ms, with the wait until our script ran and how long it ran (keys under 16 ms
are not listed), and a message sent from the first animation frame after the key. ``too_soon`` keys came within
250 ms of a face's paint, which happens when the machine is busy, and are no votes. The server is the ``label``
command in a process of its own; faces are drawn patterns of 160 to 480 pixels in a workspace of their own. Every
vote must have reached the store, once. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from browser import chromium, workbench

from db.errors import InputError, MimiqueError
from db.records.faces import NewFace
from db.records.photos import NewPhoto, Origin
from db.workspace import Workspace, create_workspace, open_workspace

WAIT_S = 60.0
# Notes every key with its own time, and every face when it is painted; all on the page's one clock.
WATCH = """
window.seen = { keys: [], faces: [], durations: [], delays: [], handlers: [], frames: [] };
const stage = document.querySelector("#mq-stage");
let before;
addEventListener("keydown", () => (before = stage.firstElementChild), true);
addEventListener("keydown", (event) => {  // after the page's own listener
  seen.keys.push({ at: event.timeStamp, trusted: event.isTrusted, answered: stage.firstElementChild !== before });
  requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => seen.frames.push(performance.now() - event.timeStamp);
    channel.port2.postMessage(0);
  });
});
new MutationObserver(() => stage.querySelector("img")?.setAttribute("elementtiming", "face"))
  .observe(stage, { childList: true });
new PerformanceObserver((list) => list.getEntries().forEach((entry) => seen.faces.push(entry.renderTime)))
  .observe({ type: "element" });
new PerformanceObserver((list) => list.getEntries().filter((entry) => entry.name === "keydown")
  .forEach(({ duration, startTime, processingStart, processingEnd }) => {
    seen.durations.push(duration);
    seen.delays.push(processingStart - startTime);
    seen.handlers.push(processingEnd - processingStart);
  })).observe({ type: "event", durationThreshold: 16 });
"""


def drawn_faces(path: Path, count: int, seed: int) -> Workspace:
    """A workspace with that many faces: smooth patterns, so that their JPEGs weigh what photos weigh."""
    create_workspace(path)
    workspace = open_workspace(path)
    rng = np.random.default_rng(seed)
    for i in range(count):
        side = int(rng.integers(160, 480))
        coarse = rng.integers(0, 256, (side // 12, side // 12, 3), np.uint8)
        image = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
        jpeg = cv2.imencode(".jpg", image)[1].tobytes()
        sha256 = workspace.blobs.put(jpeg, ".jpg")
        photo = NewPhoto(sha256, ".jpg", side, side, "0" * 16, len(jpeg))
        workspace.store.photos.add(photo, Origin("drawn", str(i)))
        face = NewFace((0, 0, side, side), 0.9, sha256, (side, side), 1.0)
        (new,) = workspace.store.photos.without_detection()
        workspace.store.faces.record_detection(new.id, "drawn", [face])
    return workspace


class Browser:
    """The workbench in headless Chromium."""

    def __init__(self, profile: Path) -> None:
        self.driver = chromium(profile, "--window-size=1280,800")

    def until(self, condition: str) -> None:
        end = time.monotonic() + WAIT_S
        while not self.driver.execute_script(f"return Boolean({condition})"):
            if time.monotonic() > end:
                raise InputError(f"the page did not come to: {condition}")
            time.sleep(0.05)

    def open(self, url: str) -> None:
        self.driver.get(url)
        self.until("document.querySelector('#mq-join')?.checkVisibility()")
        self.driver.find_element("id", "mq-name").send_keys("Keys\n")
        self.until("document.querySelector('#mq-message-buttons button')?.checkVisibility()")
        self.driver.execute_script("document.querySelector('#mq-message-buttons button').click()")
        self.until("document.querySelector('#mq-stage img')?.checkVisibility()")

    def slow_down(self, network_ms: float) -> None:
        line = {"offline": False, "latency": network_ms, "downloadThroughput": -1, "uploadThroughput": -1}
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd("Network.emulateNetworkConditions", line)

    def press(self, digit: int) -> None:
        key = {"key": str(digit), "code": f"Digit{digit}", "windowsVirtualKeyCode": 48 + digit}
        self.driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyDown", "text": str(digit), **key})
        self.driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyUp", **key})


def vote(browser: Browser, votes: int, per_second: float, seed: int) -> dict[str, Any]:
    """Press that many keys, no faster than that; gives what the page noted."""
    rng = np.random.default_rng(seed)
    time.sleep(2)  # let the page settle, as a person would
    browser.driver.execute_script(WATCH)
    for _ in range(votes):
        pressed = time.monotonic()
        browser.press(int(rng.integers(1, 5)))
        time.sleep(max(0.0, pressed + 1 / per_second - time.monotonic()))
    time.sleep(1)
    browser.until("Object.keys(localStorage).every((key) => !key.startsWith('mimique.vote.'))")
    seen: dict[str, Any] = browser.driver.execute_script("return seen")
    return seen


def waits_ms(seen: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """For each key that was an answer, milliseconds until the next face was painted. Errors: InputError."""
    keys = np.array([key["at"] for key in seen["keys"] if key["answered"]])
    faces = np.sort(np.array(seen["faces"]))
    if not all(key["trusted"] for key in seen["keys"]):
        raise InputError("a key was no real key event")
    if len(faces) != len(keys) or (faces <= keys).any():
        raise InputError(f"{len(keys)} answers, but {len(faces)} faces painted")
    return np.asarray(faces - keys)


def percentiles(values: Any) -> dict[str, float]:
    found = np.percentile(np.asarray(values, np.float64), (50, 95, 99, 100)) if len(values) else [0.0] * 4
    return dict(zip(("p50", "p95", "p99", "max"), (round(float(value), 1) for value in found), strict=True))


def measure(folder: Path, votes: int, per_second: float, network_ms: float, seed: int) -> dict[str, Any]:
    """The figures of one sitting."""
    workspace = drawn_faces(folder / "faces", votes + 20, seed)
    with workbench(workspace.path) as url:
        browser = Browser(folder / "profile")
        try:
            browser.open(url)
            browser.slow_down(network_ms)
            seen = vote(browser, votes, per_second, seed)
        finally:
            browser.driver.quit()
    stored = workspace.store.votes.history()
    answered = sum(key["answered"] for key in seen["keys"])
    workspace.store.close()
    return {
        "keys": votes,
        "too_soon": votes - answered,
        "per_second": per_second,
        "network_ms": network_ms,
        "key_to_face_painted_ms": percentiles(waits_ms(seen)),
        "event_timing_ms": percentiles(seen["durations"]),
        "event_delay_ms": percentiles(seen["delays"]),
        "our_script_ms": percentiles(seen["handlers"]),
        "after_frame_ms": percentiles(seen["frames"]),
        "stored": len(stored),
        "doubled": len(stored) - len({(row.annotator_id, row.face_id) for row in stored}),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--votes", type=int, default=200)
    parser.add_argument("--per-second", type=float, default=2.0)
    parser.add_argument("--network-ms", type=float, default=0.0, help="added to every request")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), given.votes, given.per_second, given.network_ms, given.seed)
    print(json.dumps(figures))
    if figures["stored"] != given.votes - figures["too_soon"] or figures["doubled"]:
        raise InputError(f"{figures['stored']} votes are stored, {figures['doubled']} of them twice")


if __name__ == "__main__":
    try:
        main()
    except MimiqueError as error:
        sys.exit(f"error: {error} {error.hint}".rstrip())
