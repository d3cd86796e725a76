"""One voter at the workbench, over HTTP as the voting page does it: cookie, token, faces ahead, outbox."""

from __future__ import annotations

import http.client
import json
import random
import time
from dataclasses import dataclass, field
from typing import Any

AHEAD = 12  # faces the page keeps at hand
HOLD_S = 50.0  # so often it renews their leases
LAST_TRIES_S = 90.0  # so long it goes on sending what was not acknowledged
HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
Json = dict[str, Any]


@dataclass(slots=True)
class Sitting:
    """What one voter did. Times are milliseconds; each pair is (in the server, there and back)."""

    name: str
    sent: dict[str, int] = field(default_factory=dict)  # request id: face
    acknowledged: dict[str, int] = field(default_factory=dict)  # request id: the vote's id
    posts: int = 0
    asked_twice: int = 0
    without_face: int = 0
    unreachable: int = 0
    refused: list[str] = field(default_factory=list)
    vote_ms: list[tuple[float, float]] = field(default_factory=list)
    next_ms: list[tuple[float, float]] = field(default_factory=list)
    both_ms: list[tuple[float, float]] = field(default_factory=list)
    picture_ms: list[tuple[float, float]] = field(default_factory=list)


class UnreachableError(Exception):
    """No answer: the server is gone, or went while it was asked."""


class Browser:
    """One keep-alive connection with the login's cookie and the page's token."""

    def __init__(self, port: int) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._cookie = self._token = ""

    def fetch(self, method: str, path: str, values: Json | None = None) -> tuple[int, bytes, float, float]:
        """Status, body, and the milliseconds in the server and there and back. Errors: UnreachableError."""
        sent = {**HEADERS, "Cookie": self._cookie, "X-Mimique-Token": self._token}
        begun = time.perf_counter()
        try:
            self._http.request(method, path, None if values is None else json.dumps(values), sent)
            answer = self._http.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._http.close()
            raise UnreachableError(str(error)) from error
        trip = (time.perf_counter() - begun) * 1000
        if cookie := answer.getheader("Set-Cookie"):
            self._cookie = cookie.split(";")[0]
        server = float((answer.getheader("Server-Timing") or "app;dur=nan").partition("dur=")[2])
        return answer.status, body, server, trip

    def join(self, name: str) -> None:
        """Come in as the page does: the page itself, who I am, my name."""
        self.fetch("GET", "/")
        self.fetch("GET", "/me")
        status, body, _, _ = self.fetch("POST", "/api/join", {"name": name})
        if status != 200:
            raise UnreachableError(f"{name} could not join: {body[:200]!r}")
        self._token = json.loads(body)["ok"]["token"]


class Voter:
    """Votes until the end of the sitting, then sends what is left."""

    def __init__(self, port: int, name: str, place: float, every_s: float, seed: int) -> None:
        self._browser, self._every_s = Browser(port), every_s
        self._chance = random.Random(f"{seed} {name}")
        self._phase = place * every_s
        self._deck: list[Json] = []
        self._outbox: list[Json] = []
        self._later, self._failures = 0.0, 0
        self._answered: set[int] = set()
        self.sitting = Sitting(name)

    def vote_until(self, begin: float, end: float) -> Sitting:
        """``begin`` and ``end`` in ``time.monotonic``; all voters share them."""
        self._browser.join(self.sitting.name)
        (campaign, *_) = json.loads(self._browser.fetch("POST", "/api/open_campaigns", {})[1])["ok"]
        self._campaign, self._classes = campaign["id"], campaign["classes"]
        self._fill()
        tick = begin + self._phase
        held = time.monotonic()
        while tick < end:
            time.sleep(max(0.0, tick - time.monotonic()))
            self._answer_one()
            if time.monotonic() - held > HOLD_S:
                held = time.monotonic()
                self._ask("hold", faces=[card["face"] for card in self._deck])
            tick += self._every_s
        self._send_the_rest()
        return self.sitting

    def _answer_one(self) -> None:
        if not self._deck:
            self.sitting.without_face += 1
            self._fill()
            return
        card = self._deck.pop(0)
        self._answered.add(card["face"])
        request = f"{self._chance.getrandbits(128):032x}"
        self.sitting.sent[request] = card["face"]
        answer = {"face": card["face"], "crop": card["crop"], "request_id": request}
        choice = self._classes[(card["face"] + (self._chance.random() < 0.2)) % len(self._classes)]
        shown = {"lang": "en", "by": "key"}
        self._outbox.append({**answer, "choices": [choice], "seconds": self._every_s, "shown": shown})
        voted = self._send()
        following = self._fill()
        if voted is not None and following is not None:
            self.sitting.both_ms.append((voted[0] + following[0], voted[1] + following[1]))

    def _send(self) -> tuple[float, float] | None:
        """Send the outbox in order; stops at the first that is not answered. Gives the last one's times."""
        times = None
        while self._outbox and time.monotonic() >= self._later:
            ballot = self._outbox[0]
            self.sitting.posts += 1
            answer = self._ask("vote", **ballot)
            if answer is None or answer[0].get("again"):
                self._failures += 1
                self._later = time.monotonic() + min(0.4 * 2 ** (self._failures - 1), 8.0)
                return None
            self._failures = 0
            self._outbox.pop(0)
            if "ok" in answer[0]:
                self.sitting.acknowledged[ballot["request_id"]] = answer[0]["ok"]["vote"]
            times = answer[1]
            self.sitting.vote_ms.append(times)
        return times

    def _fill(self) -> tuple[float, float] | None:
        """Ask for what is missing of the faces ahead, with their pictures; gives the times of the asking."""
        mine = [card["face"] for card in self._deck]
        unsent = [ballot["face"] for ballot in self._outbox]
        answer = self._ask("next", count=AHEAD - len(mine), exclude=mine + unsent)
        if answer is None or "ok" not in answer[0]:
            return None
        for card in answer[0]["ok"]:
            self.sitting.asked_twice += card["face"] in self._answered or card["face"] in mine
            self._picture(card["picture"])
            self._deck.append(card)
        self.sitting.next_ms.append(answer[1])
        return answer[1]

    def _picture(self, path: str) -> None:
        try:
            status, body, server, trip = self._browser.fetch("GET", path)
        except UnreachableError:
            self.sitting.unreachable += 1
            return
        self.sitting.picture_ms.append((server, trip))
        if status != 200 or not body.startswith(b"\xff\xd8"):
            self.sitting.refused.append(f"picture: {status} {body[:200]!r}")

    def _ask(self, name: str, **values: Any) -> tuple[Json, tuple[float, float]] | None:
        """The answer and its times; None when the server cannot be reached."""
        given = {"campaign": self._campaign, "annotator": self.sitting.name, **values}
        try:
            status, body, server, trip = self._browser.fetch("POST", f"/api/{name}", given)
            answer: Json = json.loads(body)
        except (UnreachableError, ValueError):
            self.sitting.unreachable += 1
            return None
        if status != 200:
            self.sitting.refused.append(f"{name}: {status} {answer.get('error', '')}")
        return answer, (server, trip)

    def _send_the_rest(self) -> None:
        end = time.monotonic() + LAST_TRIES_S
        while self._outbox and time.monotonic() < end:
            self._send()
            time.sleep(0.1)
        self._ask("leave")


def sit(port: int, name: str, place: float, begin: float, end: float, every_s: float, seed: int) -> Sitting:
    """One sitting from beginning to end, to be run in a process of its own; ``place`` is 0 to 1 of a beat."""
    return Voter(port, name, place, every_s, seed).vote_until(begin, end)
