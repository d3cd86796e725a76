"""Killing the server while people vote: nothing acknowledged is lost, and what is sent again counts once."""

from __future__ import annotations

import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from label_server import Guest, served
from new_workspace import new_workspace

from db.overlap import Overlap
from db.records.campaigns import MAIN_CAMPAIGN
from db.workspace import Workspace

AddFaces = Callable[[Workspace, int], tuple[int, ...]]
PEOPLE = ("Ana", "Bob", "Cleo", "Dan")
FACES = 60
PATIENCE_S = 60.0


@dataclass(slots=True)
class Outbox:
    """What one page has sent, and the votes it was told are stored: request id to the ballot, to the vote's id."""

    guest: Any
    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    acknowledged: dict[str, int] = field(default_factory=dict)

    def vote_on_everything(self) -> None:
        """Vote on all faces of the campaign, one after the other, until the server is gone."""
        try:
            cards = self.guest.call("next", campaign=MAIN_CAMPAIGN, count=32).json()["ok"]
            while cards:
                for card in cards:
                    self._send(
                        uuid.uuid4().hex, {"face": card["face"], "crop": card["crop"], "choices": ["happy"]}
                    )
                cards = self.guest.call("next", campaign=MAIN_CAMPAIGN, count=32).json()["ok"]
        except httpx.HTTPError:
            return

    def send_again(self) -> None:
        """Send everything again, as a page does that cannot know what arrived."""
        for request, ballot in self.sent.items():
            self._send(request, ballot)

    def _send(self, request: str, ballot: dict[str, Any]) -> None:
        self.sent[request] = ballot
        answer = self.guest.call("vote", campaign=MAIN_CAMPAIGN, request_id=request, **ballot)
        vote = answer.raise_for_status().json()["ok"]["vote"]
        assert self.acknowledged.setdefault(request, vote) == vote


@pytest.fixture
def server(tmp_path: Path, add_faces: AddFaces) -> Iterator[Any]:
    with new_workspace(tmp_path / "faces") as workspace:
        add_faces(workspace, FACES)
        everybody = Overlap("fixed", most=len(PEOPLE))
        workspace.store.campaigns.change(MAIN_CAMPAIGN, overlap=everybody)
        with served(workspace) as server:
            yield server


def test_after_kill_9_every_acknowledged_vote_is_there_and_sending_again_doubles_none(server: Any) -> None:
    outboxes = [Outbox(Guest(server.url)) for _ in PEOPLE]
    for name, outbox in zip(PEOPLE, outboxes, strict=True):
        assert outbox.guest.join(name).status_code == 200
    voting = [threading.Thread(target=outbox.vote_on_everything) for outbox in outboxes]
    for thread in voting:
        thread.start()
    end = time.monotonic() + PATIENCE_S
    while sum(len(outbox.acknowledged) for outbox in outboxes) < 40 and time.monotonic() < end:
        time.sleep(0.002)
    server.stop(signal.SIGKILL)
    for thread in voting:
        thread.join()

    sent = {request for outbox in outboxes for request in outbox.sent}
    acknowledged = {request: vote for outbox in outboxes for request, vote in outbox.acknowledged.items()}
    assert 40 <= len(acknowledged) < len(PEOPLE) * FACES
    stored = stored_votes(server.workspace)
    assert acknowledged.items() <= stored.items()
    assert stored.keys() <= sent

    server.start()
    for outbox in outboxes:
        outbox.send_again()
        outbox.guest.http.close()
    after = stored_votes(server.workspace)
    assert after.keys() == sent
    assert stored.items() <= after.items()
    current = server.workspace.store.votes.current()
    assert len({(vote.annotator_id, vote.face_id) for vote in current}) == len(current) == len(sent)


def stored_votes(workspace: Workspace) -> dict[str, int]:
    """Every row of the ledger by the id its page gave it."""
    rows = workspace.store.votes.history()
    found = {str(row.request_id): row.id for row in rows}
    assert len(found) == len(rows)
    return found
