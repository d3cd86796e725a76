"""How many votes the replay of a policy asks for and how many judge, when nobody says."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import click
import numpy as np
import pytest
from click.testing import CliRunner


@pytest.fixture
def adaptive(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> ModuleType:
    monkeypatch.syspath_prepend(str(request.config.rootpath / "benchmarks"))
    return importlib.import_module("adaptive")


@pytest.mark.parametrize(
    ("sizes", "given", "chosen"),
    [
        ([10] * 9, (None, None), (5, 5)),  # FER+
        ([30] * 9, (None, None), (5, 5)),
        ([4] * 9, (None, None), (2, 2)),
        ([5] * 9 + [10], (None, None), (3, 2)),
        ([7] * 9, (5, None), (5, 2)),
        ([7] * 9, (None, 1), (5, 1)),
        ([2] * 9 + [9], (5, 3), (5, 3)),
        ([1] * 9 + [2], (None, None), (1, 1)),
    ],
)
def test_what_is_not_given_fits_the_votes_that_questions_have(
    adaptive: ModuleType, sizes: list[int], given: tuple[int | None, int | None], chosen: tuple[int, int]
) -> None:
    assert adaptive.chosen_numbers(np.array(sizes), *given) == chosen


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ([4, 3], "4 is the most that one has; try --most 2 --held-out 2"),
        ([1], "two votes"),
        ([], "two votes"),
    ],
)
def test_what_cannot_be_had_names_what_can(adaptive: ModuleType, sizes: list[int], told: str) -> None:
    with pytest.raises(click.ClickException, match=told):
        adaptive.chosen_numbers(np.array(sizes, np.int64), 5, 5)


def test_a_set_with_four_votes_a_question_is_replayed_and_the_choice_told(
    adaptive: ModuleType, tmp_path: Path
) -> None:
    votes = tmp_path / "votes.csv"
    lines = [f"q{q},w{w},{'ab'[(q + (w == q % 7)) % 2]}\n" for q in range(20) for w in range(4)]
    votes.write_text("question,worker,answer\n" + "".join(lines))
    done = CliRunner().invoke(
        adaptive.main, ["--votes", str(votes), "--seeds", "1", "--rule", "answers"], catch_exceptions=False
    )
    assert done.exit_code == 0 and "asked: 2 to 2 votes" in done.stderr and "judges: 2" in done.stderr
    assert "adaptive 2-2-2" in done.stdout and "20 questions" in done.stdout
