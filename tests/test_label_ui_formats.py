"""The formats of votes: what each writes it reads back, files of other tools, and files that are broken."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.errors import ConfigError, InputError, StoreError
from db.records.votes import FLAGS
from db.whole_file import whole_file
from label_ui.exchange import BadLine, FaceName, LabelRow, Row, VoteRow
from label_ui.exchange_formats import format_for, format_named, format_of, formats

CLASSES = ("happy", "a,b", 'so "so"', "two\nlines", "=1+1", "[x]", "né😀", "unsure?")
HISTORY = ("csv", "jsonl")
TOOLS = ("label-studio", "label-studio-crops", "cvat", "fiftyone")

hashes = st.integers(0, 2**64).map(lambda number: f"{number:064x}")
names = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12).filter(str.strip)
times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))
seconds = st.none() | st.floats(0, 1e6)
shown = st.dictionaries(
    names, st.none() | st.integers(-5, 5) | names | st.lists(names, max_size=2), max_size=2
)


@st.composite
def faces(draw: st.DrawFn) -> FaceName:
    x, y = draw(st.floats(0, 500)), draw(st.floats(0, 300))
    box = (x, y, x + draw(st.floats(1, 99)), y + draw(st.floats(1, 99)))
    photo = draw(hashes)
    file = f"{photo[:2]}/{photo}.jpg"
    return FaceName(photo, draw(st.integers(0, 9)), draw(hashes), box, (640, 480), file)


@st.composite
def votes(draw: st.DrawFn, face: FaceName, history: bool) -> VoteRow:
    action = draw(st.sampled_from(["vote", "vote", "skip", "undo"])) if history else "vote"
    choices = tuple(draw(st.lists(st.sampled_from(CLASSES), max_size=3, unique=True)))
    denies = draw(st.none() | st.sampled_from(CLASSES)) if history and not choices else None
    return VoteRow(
        face=face,
        voter=draw(names),
        action=action,
        choices=choices,
        denies=denies,
        flag=draw(st.none() | st.sampled_from(FLAGS)),
        seconds=draw(seconds),
        at=draw(st.none() | times),
        shown=draw(shown),
        campaign=draw(st.just("") | names),
        id=draw(st.just("") | names),
        undoes=draw(names) if action == "undo" else "",
        kind=draw(st.sampled_from(["person", "simulated", "anonymous"])),
    )


@st.composite
def labels(draw: st.DrawFn, face: FaceName) -> LabelRow:
    share = draw(st.floats(0, 1))
    chosen = draw(st.none() | st.sampled_from(CLASSES))
    distribution = {"happy": share, "a,b": 1 - share}
    return LabelRow(face, chosen, distribution, share, draw(st.integers(0, 9)), draw(names), draw(times))


@st.composite
def ledgers(draw: st.DrawFn, history: bool) -> list[Row]:
    rows: list[Row] = []
    for face in draw(st.lists(faces(), max_size=3, unique_by=lambda face: face.photo_sha256)):
        voted = draw(st.lists(votes(face, history), max_size=4, unique_by=lambda row: row.voter))
        rows += voted
        rows += draw(st.lists(labels(face), max_size=1))
    return rows


def round_trip(folder: Path, name: str, rows: Sequence[Row]) -> list[Row | BadLine]:
    path = folder / f"votes.{name}"
    with whole_file(path) as file:
        assert format_named(name).write(iter(rows), file, CLASSES) == {}
    read = list(format_named(name).read(path))
    return [row if isinstance(row, BadLine) else replace(row, line=0) for row in read]


@pytest.mark.parametrize("name", HISTORY)
def test_the_ledger_formats_lose_nothing(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp(name)

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(ledgers(history=True))
    def check(rows: list[Row]) -> None:
        assert round_trip(folder, name, rows) == rows

    check()


@pytest.mark.parametrize("name", TOOLS)
def test_what_we_write_for_another_tool_comes_back_whole(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp(name)

    def key(row: Row | BadLine) -> str:
        return repr(row)

    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(ledgers(history=False))
    def check(rows: list[Row]) -> None:
        assert sorted(round_trip(folder, name, rows), key=key) == sorted(rows, key=key)

    check()


FACE = FaceName("a" * 64, 0, "b" * 64, (10.0, 20.0, 110.0, 220.0), (640, 480), f"aa/{'a' * 64}.jpg")


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def read(path: Path, name: str = "") -> list[Row | BadLine]:
    return list((format_named(name) if name else format_of(path)).read(path))


def said(rows: Sequence[Row | BadLine]) -> list[tuple[str, str, tuple[str, ...], str | None]]:
    return [(row.face.file, row.voter, row.choices, row.flag) for row in rows if isinstance(row, VoteRow)]


def test_every_format_tells_its_own_files_from_the_others(tmp_path: Path) -> None:
    rows: list[Row] = [VoteRow(FACE, "Ana", choices=("happy",)), LabelRow(FACE, "happy", {}, 1.0, 1, "auto")]
    for name, kind in formats().items():
        path = tmp_path / name
        with whole_file(path) as file:
            kind.write(rows, file, ("happy",))
        assert format_of(path).name == name.removesuffix("-crops")


@pytest.mark.parametrize("text", ["", "\n \n", "hello\n", "{}", "name,age\nAna,3\n", "<html></html>"])
def test_a_file_of_no_format_is_named_in_one_line(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "strange.txt", text)
    with pytest.raises(InputError) as caught:
        format_of(path)
    assert "strange.txt" in str(caught.value) and "\n" not in str(caught.value)


def test_an_unknown_format_or_suffix_says_which_there_are() -> None:
    with pytest.raises(ConfigError, match="no format 'excel'"):
        format_named("excel")
    with pytest.raises(InputError) as caught:
        format_for(Path("votes.json"))
    assert "label-studio" in caught.value.hint
    assert format_for(Path("votes.csv")).name == "csv"
    assert format_for(Path("x.XML")).name == "cvat"


def test_plain_answers_are_read_in_both_spellings_and_any_separator(tmp_path: Path) -> None:
    for text in ("question,worker,answer\n7,ana,happy\n", "task;worker;label;extra\n7;ana;happy;x\n"):
        assert said(read(write(tmp_path / "a.csv", text))) == [("7", "ana", ("happy",), None)]
    rows = read(write(tmp_path / "b.csv", "question,worker,answer\n7,a,unsure\n7,b,not_a_face\n,c,x\n7,d\n"))
    assert said(rows) == [("7", "a", (), None), ("7", "b", (), "not_a_face")]
    bad = [row.line for row in rows if isinstance(row, BadLine)]
    assert bad == [4, 5]


@pytest.mark.parametrize(
    ("name", "good", "stray"),
    [
        ("csv", "vote,Ann{0},happy,{0:064x},0", 'vote,"Ann,happy,{0:064x},0'),
        ("ferplus", "Training,fer{0}.png,0,1", '"Training,fer{0}.png,0,1'),
    ],
)
@pytest.mark.parametrize("places", [(3,), (0, 1, 7), (9,)])
def test_a_stray_quote_spoils_its_line_alone(
    tmp_path: Path, name: str, good: str, stray: str, places: tuple[int, ...]
) -> None:
    header = {"csv": "action,voter,choices,photo_sha256,face", "ferplus": "Usage,Image name,happiness,anger"}
    lines = [(stray if place in places else good).format(place) for place in range(10)]
    path = tmp_path / "votes.csv"
    path.write_text("\n".join([header[name], *lines]))
    rows = read(path, name)
    bad = [(row.line, row.reason) for row in rows if isinstance(row, BadLine)]
    assert bad == [(place + 2, "a quote is opened and never closed") for place in places]
    told = [row.line for row in rows if not isinstance(row, BadLine)]
    assert told == [place + 2 for place in range(10) if place not in places]


def test_a_name_of_many_lines_in_a_ledger_is_one_name(tmp_path: Path) -> None:
    name = "a" + "\n" * 30 + "b"
    row = VoteRow(FaceName("a" * 64, 0), "Ann", choices=("happy",), campaign=name)
    assert round_trip(tmp_path, "csv", [row, replace(row, voter="Ben")]) == [row, replace(row, voter="Ben")]


def test_bad_lines_are_told_by_number_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    path.write_bytes(
        b"action,voter,choices,file,seconds\nvote,ana,happy,a.jpg,1\nvote,ana,happy,a.jpg,soon\n"
        b'fly,ana,happy,a.jpg,1\nvote,\xff,happy,a.jpg,1\nvote,ana,happy,,1\nvote,ben,"two\nlines",a.jpg,2\n'
        b"vote,cem,happy,a.jpg,-1\nvote,cem,happy,a.jpg,\n"
    )
    rows = read(path)
    assert [row.voter for row in rows if isinstance(row, VoteRow)] == ["ana", "ben", "cem"]
    assert [row.line for row in rows if isinstance(row, BadLine)] == [3, 4, 5, 6, 9]
    lines = '{"action":"vote","voter":"a","file":"x"}\n{"action":\n[1]\n\n{"voter":"b","file":"x","choices":["c"]}\n'
    rows = read(write(tmp_path / "v.jsonl", lines))
    assert [type(row).__name__ for row in rows] == ["VoteRow", "BadLine", "BadLine", "VoteRow"]
    assert [row.line for row in rows] == [1, 2, 3, 5]


def test_cells_a_spreadsheet_would_run_are_made_harmless_and_come_back(tmp_path: Path) -> None:
    row = VoteRow(FACE, "=HYPERLINK(1)", choices=("@x",), campaign="'=1", id="-7")
    path = tmp_path / "votes.csv"
    with whole_file(path) as file:
        format_named("csv").write([row], file, ("@x",))
    assert "'=HYPERLINK" in path.read_text() and "''=1" in path.read_text()
    assert [replace(one, line=0) for one in read(path) if isinstance(one, VoteRow)] == [row]


def test_fer_plus_counts_become_unnamed_votes_in_no_telling_order(tmp_path: Path) -> None:
    head = "Usage,Image name,neutral,happiness,anger,unknown,NF\n"
    path = write(
        tmp_path / "votes.csv", head + "Training,a.png,5,2,0,2,1\nTraining,,1,0,0,0,0\nTest,b.png,x,0,0,0,0\n"
    )
    rows = read(path)
    cast = [row for row in rows if isinstance(row, VoteRow)]
    assert (
        len(cast) == 10
        and {row.voter for row in cast} == {""}
        and {row.kind for row in cast} == {"anonymous"}
    )
    answers = [row.choices[0] if row.choices else row.flag or "unsure" for row in cast]
    assert sorted(answers) == ["happiness"] * 2 + ["neutral"] * 5 + ["not_a_face"] + ["unsure"] * 2
    assert answers != sorted(answers, key=["neutral", "happiness", "unsure", "not_a_face"].index)
    assert [row.line for row in rows if isinstance(row, BadLine)] == [3, 4]
    assert read(path) == rows


def test_fer_plus_is_written_with_its_own_names_and_says_what_it_left_out(tmp_path: Path) -> None:
    face = replace(FACE, file="Training/fer1.png")
    rows: list[Row] = [
        VoteRow(face, "Ana", choices=("happy",)),
        VoteRow(face, "Ben", choices=("angry", "sad")),
        VoteRow(face, "Cem"),
        VoteRow(face, "Dee", flag="not_a_face"),
        VoteRow(face, "Eve", flag="offensive"),
        VoteRow(face, "Fay", denies="happy"),
        LabelRow(face, "happy", {}, 1.0, 3, "auto"),
    ]
    path = tmp_path / "votes.csv"
    with whole_file(path) as file:
        left_out = format_named("ferplus").write(rows, file, ("happy", "angry", "sad", "neutral"))
    lines = path.read_text().splitlines()
    assert lines[0].endswith("neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF")
    assert lines[1] == "Training,fer1.png,0,1,0,0,1,0,0,0,1,1"
    assert (
        left_out['votes with the flag "offensive"']
        == left_out['votes that say "no"']
        == left_out["labels"]
        == 1
    )
    assert left_out["second and later classes of a vote"] == 1


LABEL_STUDIO = [
    {
        "id": 1,
        "data": {"image": "/data/upload/4/1a2b3c4d-party.jpg"},
        "annotations": [
            {
                "completed_by": {"id": 3, "email": "ana@lab.fr", "first_name": "Ana"},
                "created_at": "2026-03-09T22:16:08.728353Z",
                "lead_time": 4.288,
                "was_cancelled": False,
                "result": [
                    {
                        "id": "r1",
                        "type": "rectanglelabels",
                        "from_name": "tag",
                        "to_name": "img",
                        "original_width": 200,
                        "original_height": 100,
                        "value": {"x": 10, "y": 20, "width": 30, "height": 40, "rectanglelabels": ["Face"]},
                    },
                    {
                        "id": "r1",
                        "type": "choices",
                        "from_name": "mood",
                        "to_name": "img",
                        "value": {"x": 10, "y": 20, "width": 30, "height": 40, "choices": ["happy"]},
                    },
                ],
            },
            {"completed_by": 7, "was_cancelled": True, "result": []},
            {"result": [{"id": "x", "type": "brushlabels", "value": {}}]},
        ],
        "predictions": [
            {
                "model_version": "m",
                "score": 0.5,
                "result": [{"type": "choices", "value": {"choices": ["sad"]}}],
            }
        ],
    },
    {
        "data": {"text": "b.jpg"},
        "annotations": [{"result": [{"type": "choices", "value": {"choices": ["sad"]}}]}],
    },
]


def test_a_label_studio_export_is_read_with_its_people_times_and_boxes(tmp_path: Path) -> None:
    rows = read(write(tmp_path / "project.json", json.dumps(LABEL_STUDIO, indent=1)))
    first = rows[0]
    assert isinstance(first, VoteRow)
    assert (first.voter, first.choices, first.seconds) == ("ana@lab.fr", ("happy",), 4.288)
    assert first.at == datetime(2026, 3, 9, 22, 16, 8, 728353, tzinfo=UTC)
    assert first.face == FaceName(
        xyxy=(20, 20, 80, 60), size_wh=(200, 100), file="/data/upload/4/1a2b3c4d-party.jpg"
    )
    assert [type(row).__name__ for row in rows] == ["VoteRow", "VoteRow", "BadLine", "LabelRow", "VoteRow"]
    assert isinstance(rows[1], VoteRow) and (rows[1].action, rows[1].voter) == ("skip", "Label Studio user 7")
    assert isinstance(rows[4], VoteRow) and (rows[4].kind, rows[4].face.file) == ("anonymous", "b.jpg")
    assert rows[4].line > rows[0].line


def test_a_label_changed_in_the_tool_is_somebody_elses_vote(tmp_path: Path) -> None:
    path = tmp_path / "annotations.xml"
    row = VoteRow(FACE, "Ana", choices=("happy",), seconds=1.5, id="request-1")
    with whole_file(path) as file:
        format_named("cvat").write([row], file, ("happy", "sad"))
    write(path, path.read_text().replace('<box label="happy"', '<box label="sad"').replace(">Ana<", "><"))
    (changed,) = read(path)
    assert isinstance(changed, VoteRow)
    assert (changed.voter, changed.kind, changed.choices, changed.id) == ("", "anonymous", ("sad",), "")
    assert changed.face.photo_sha256 == FACE.photo_sha256


CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version>
<image id="0" name="party.jpg" width="200" height="100">
<box label="happy" xtl="20.00" ytl="20.00" xbr="80.00" ybr="60.00" occluded="0" z_order="0">
<attribute name="glasses">true</attribute></box>
<polygon label="happy" points="1,2;3,4;5,6"/>
<box label="happy" xtl="80" ytl="20" xbr="20" ybr="60"/>
<tag label="sad"/>
</image>"""


def test_boxes_drawn_in_cvat_are_unnamed_votes(tmp_path: Path) -> None:
    path = write(tmp_path / "annotations.xml", CVAT + "</annotations>")
    rows = read(path)
    assert said(rows) == [("party.jpg", "", ("happy",), None), ("party.jpg", "", ("sad",), None)]
    assert [row.line for row in rows if isinstance(row, BadLine)] == [6, 7]
    assert isinstance(rows[0], VoteRow) and rows[0].face.size_wh == (200, 100)


def test_a_file_that_breaks_off_gives_its_rows_then_one_clear_line(tmp_path: Path) -> None:
    broken = {
        "annotations.xml": CVAT,
        "project.json": json.dumps(LABEL_STUDIO)[:-2],
        "labels.json": '{"classes": ["happy"], "labels": {"a": [{"label": 0, "bounding_box": [0,0,1,1]}], "b": [',
    }
    for name, text in broken.items():
        path, rows = write(tmp_path / name, text), []
        with pytest.raises(InputError, match="line") as caught:
            for row in format_of(path).read(path):
                rows.append(row)
        assert rows and "cut off" in caught.value.hint


def test_an_xml_file_with_a_doctype_is_refused(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "bbbb">]>' + CVAT.split("?>")[1] + "</annotations>"
    with pytest.raises(InputError, match="DOCTYPE"):
        read(write(tmp_path / "annotations.xml", bomb), "cvat")


def test_a_fiftyone_data_set_is_read_with_numbered_classes_and_empty_pictures(tmp_path: Path) -> None:
    labels = {
        "dir/a": [{"label": 1, "bounding_box": [0.1, 0.2, 0.3, 0.4], "attributes": {"voter": "Ana"}}],
        "b": None,
        "c": [{"label": "sad", "bounding_box": [0, 0, 0, 1]}, {"bounding_box": [0, 0, 1, 1]}],
    }
    path = write(tmp_path / "labels.json", json.dumps({"classes": ["happy", "sad"], "labels": labels}))
    rows = read(path)
    assert said(rows) == [("dir/a", "Ana", ("sad",), None)]
    assert [type(row).__name__ for row in rows] == ["VoteRow", "BadLine", "BadLine"]


def test_a_long_json_file_is_read_a_piece_at_a_time(tmp_path: Path) -> None:
    task = {
        "data": {"image": "a.jpg", "note": "x" * 3000},
        "annotations": [LABEL_STUDIO[1]["annotations"][0]],
    }
    path = write(tmp_path / "tasks.json", "[" + ",\n".join([json.dumps(task)] * 400) + "]")
    rows = iter(format_of(path).read(path))
    assert isinstance(next(rows), VoteRow)
    assert [row.line for row in rows][-1] == 400


def test_a_full_disk_leaves_the_earlier_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = write(tmp_path / "votes.csv", "old")
    with pytest.raises(StoreError, match="the disk is full"), whole_file(path) as file:
        file.write("new")
        raise OSError(28, "No space left on device")
    assert path.read_text() == "old" and [one.name for one in tmp_path.iterdir()] == ["votes.csv"]
    with pytest.raises(InputError, match="cannot write"), whole_file(tmp_path / "nowhere" / "votes.csv"):
        pass
    with pytest.raises(InputError, match="is a folder"), whole_file(tmp_path):
        pass


def test_the_real_sets_are_read_without_a_bad_line(shared: Path) -> None:
    rows = list(
        format_of(shared / "data" / "crowd" / "dog" / "answer.csv").read(shared / "data/crowd/dog/answer.csv")
    )
    assert len(rows) == 8070 and not any(isinstance(row, BadLine) for row in rows)
    path = shared / "data" / "ferplus" / "votes.csv"
    counted = sum(isinstance(row, VoteRow) for row in format_of(path).read(path))
    assert counted == 321_369
