"""What every command says in the same way: counts, and what to type next."""

from __future__ import annotations

from pathlib import Path

import pytest

from db.command import counted, in_workspace, tally


@pytest.mark.parametrize(
    ("number", "what", "said"),
    [
        (1, "faces", "1 face"),
        (1, "photos without a face", "1 photo without a face"),
        (1, "lines left out", "1 line left out"),
        (1, "new campaigns", "1 new campaign"),
        (1, "people", "1 person"),
        (1, "votes on faces", "1 vote on faces"),
        (1_000, "faces", "1,000 faces"),
        (0, "faces", "0 faces"),
        (1, "facesaver", "1 facesaver"),
        (1, "happy", "1 happy"),
    ],
)
def test_one_thing_is_counted_in_the_singular(number: int, what: str, said: str) -> None:
    assert counted(number, what) == said
    assert tally({what: number, "failed": 1}) == f"{said}, 1 failed"


def test_a_command_names_its_workspace_unless_it_is_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIMIQUE_WORKSPACE", raising=False)
    assert in_workspace("curate faces", Path("workspace")) == "curate faces"
    assert in_workspace("curate faces", Path("my faces")) == "curate faces --workspace 'my faces'"
    monkeypatch.setenv("MIMIQUE_WORKSPACE", "my faces")
    assert in_workspace("curate faces", Path("my faces")) == "curate faces"
    assert in_workspace("curate faces", Path("workspace")) == "curate faces --workspace workspace"
