"""Files that take their name only when they are whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from db.whole_file import renamed_when_whole, synced_file


def test_what_goes_wrong_leaves_the_file_that_was_there_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("old")
    with pytest.raises(KeyError), renamed_when_whole(path) as part:
        part.write_text("half")
        raise KeyError
    with pytest.raises(KeyError), synced_file(path) as file:
        file.write(b"half")
        raise KeyError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_file_is_replaced_whole_with_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    for text in ("one", "two"):
        with renamed_when_whole(path) as part:
            part.write_text(text)
            assert part.name == "history.csv.part"
        assert path.read_text() == text
    with synced_file(path, "w", permissions=0o600, encoding="utf-8") as file:
        file.write("trois été")
    assert path.read_text(encoding="utf-8") == "trois été" and path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_two_who_write_the_same_file_at_once_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    with synced_file(path) as first, synced_file(path) as second:
        first.write(b"a" * 9)
        second.write(b"b" * 9)
    assert path.read_bytes() == b"a" * 9 and list(tmp_path.iterdir()) == [path]
