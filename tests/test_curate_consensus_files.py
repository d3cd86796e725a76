"""Deciding a file of votes without a workspace: good files, bad lines, and what is written."""

from __future__ import annotations

import csv
import json
import os
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.answers import read_answers
from curate.cli import main
from curate.label_file import COLUMNS, decide_file
from curate.table_text import table_lines
from db.errors import InputError, StoreError

HEADER = "question,worker,answer\n"


def write(folder: Path, text: str | bytes, name: str = "answers.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def labels(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def consensus(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["consensus", *map(str, arguments)])


def test_a_file_of_votes_becomes_a_file_of_labels_in_its_order(tmp_path: Path) -> None:
    votes = write(tmp_path, HEADER + "q2,ann,cat\nq1,ann,dog\nq2,bob,cat\nq1,bob,dog\nq1,cy,cat\n")
    done = consensus("--votes", votes, "--rule", "plurality", "--out", tmp_path / "labels.csv")
    assert done.exit_code == 0
    assert done.stdout.startswith("2 questions, 5 votes, 3 workers, 2 labelled")
    first, second = labels(tmp_path / "labels.csv")
    assert tuple(first)[:3] == ("question", "label", "confidence") and tuple(first)[:6] == COLUMNS
    assert (first["question"], first["label"], first["votes"], first["rule"]) == (
        "q2",
        "cat",
        "2",
        "plurality",
    )
    assert (second["label"], float(second["p_dog"])) == ("dog", pytest.approx(2 / 3, abs=1e-5))


@pytest.mark.parametrize("rule", ["auto", "majority", "dawid-skene"])
def test_without_out_the_labels_go_to_the_terminal_and_the_tally_beside_them(
    tmp_path: Path, rule: str
) -> None:
    done = consensus("--votes", write(tmp_path, HEADER + "1,a,x\n1,b,x\n"), "--rule", rule)
    assert next(csv.DictReader(done.stdout.splitlines()))["label"] == "x"
    assert "1 question, 2 votes" in done.stderr


def test_bad_lines_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    text = HEADER + "1,a,x\n1,b\n,a,x\n2,a,\n\n1,a,y\n2,b,x\n3,a,x,,\n"
    done = consensus("--votes", write(tmp_path, text), "--out", tmp_path / "labels.csv")
    assert [row["question"] for row in labels(tmp_path / "labels.csv")] == ["1", "2"]
    told = [line.partition("answers.csv, ")[2] for line in done.stderr.splitlines()]
    assert told == [
        "line 3: expected 3 cells, got 2; left out",
        "line 4: the question is empty; left out",
        "line 5: the answer is empty; left out",
        "line 7: this worker has answered this question before; left out",
        "line 9: expected 3 cells, got 5; left out",
    ]
    assert labels(tmp_path / "labels.csv")[0]["label"] == "x"


def test_many_bad_lines_are_counted_not_listed(tmp_path: Path) -> None:
    done = consensus(
        "--votes", write(tmp_path, HEADER + "1,a\n" * 500 + "1,a,x\n"), "--json", "--out", tmp_path / "o"
    )
    assert len(done.stderr.splitlines()) == 21 and "left out 480 lines more" in done.stderr
    assert json.loads(done.stdout) == {
        "questions": 1, "votes": 1, "workers": 1, "labelled": 1, "without a label": 0, "lines left out": 500,
    }  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffquestion,worker,answer\né,ann,joie\n".encode(),
        "question;worker;answer\né;ann;joie\n".encode(),
        "question\tworker\tanswer\r\né\tann\tjoie\r\n".encode(),
        "question,worker,answer\né,ann,joie\n".encode("cp1252"),
        "question,worker,answer\né,ann,joie\n".encode("utf-16"),
        'Answer,Note,"Question",WORKER\njoie,"a, b",é,ann\n'.encode(),
        "task,worker,label\né,ann,joie\n".encode(),
    ],
    ids=["mark", "semicolons", "tabs", "cp1252", "utf-16", "other order", "crowd-kit"],
)
def test_files_as_people_have_them_are_read(tmp_path: Path, content: bytes) -> None:
    answers = read_answers(write(tmp_path, content))
    assert (answers.questions, answers.workers, answers.table.classes) == (("é",), ("ann",), ("joie",))
    assert answers.bad == ()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is empty"),
        ("a,b,c\n1,2,3\n", "no column 'question'"),
        ("question,answer\n1,x\n", "no column 'worker'"),
        ("question,truth\n1,3\n2,1\n", "no column 'worker'"),
        ("image,usage,happy,unsure,NF\na,Training,3,1,0\n", "no column 'worker'"),
        ("question,worker\n1,x\n", "no column 'answer'"),
    ],
)
def test_a_file_that_names_no_columns_is_refused_in_one_line(tmp_path: Path, content: str, told: str) -> None:
    done = consensus("--votes", write(tmp_path, content))
    assert done.exit_code == 1 and told in done.stderr and "question,worker,answer" in done.stderr


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    assert "cannot be read" in consensus("--votes", tmp_path / "none.csv").stderr
    assert consensus("--votes", tmp_path).exit_code == 2


@pytest.mark.parametrize("content", [HEADER, "image,happy,sad\n", HEADER + ",,\n"])
def test_no_votes_give_a_file_with_a_header(tmp_path: Path, content: str) -> None:
    done = decide_file(write(tmp_path, content), tmp_path / "labels.csv")
    assert (done.questions, done.votes, done.labelled) == (0, 0, 0)
    assert (tmp_path / "labels.csv").read_text().startswith("question,label,confidence")


def test_counts_as_ferplus_has_them(tmp_path: Path) -> None:
    text = (
        "Usage,Image name,neutral,happiness,unknown,NF\n"
        "Training,a.png,1,9,0,0\nTraining,b.png,0,0,0,10\nTraining,c.png,5,5,0,0\nTraining,d.png,0,0,10,0\n"
        "Training,,1,0,0,0\nTraining,a.png,1,0,0,0\nTest,e.png,x,0,0,0\nTest,f.png,-1,0,0,0\nTest,g.png,0,0,0,0\n"
    )
    done = consensus("--votes", write(tmp_path, text), "--out", tmp_path / "o.csv", "--rule", "plurality")
    rows = {row["question"]: row for row in labels(tmp_path / "o.csv")}
    assert {name: (row["label"], row["reason"]) for name, row in rows.items() if name != "c.png"} == {
        "a.png": ("happiness", ""),
        "b.png": ("", "not_a_face"),
        "d.png": ("", "no agreement"),
    }
    assert rows["c.png"]["label"] in ("neutral", "happiness") and rows["a.png"]["votes"] == "10"
    assert [line.partition("line ")[2] for line in done.stderr.splitlines()] == [
        "6: the question is empty; left out",
        "7: this question has a line already; left out",
        "8: 'x' is not a count; left out",
        "9: '-1' is not a count; left out",
    ]


def test_options_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    votes = write(tmp_path, HEADER)
    assert "--votes" in consensus("--out", tmp_path / "o").stderr
    assert "--run" in consensus("--votes", votes, "--run", "x").stderr
    assert "no consensus rule 'best'" in consensus("--votes", votes, "--rule", "best").stderr


def test_a_folder_that_cannot_be_written_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    votes = write(tmp_path, HEADER + "1,a,x\n")
    with pytest.raises(InputError, match="cannot write"):
        decide_file(votes, tmp_path / "nowhere" / "labels.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["answers.csv"]


@pytest.mark.parametrize(
    ("stray", "spoilt"),
    [
        ('"q5,w0,happy', [7]),
        ('"q5,w0,happy\n"q5,w1,happy', [7, 8]),
        ('q5,"w0,happy\nq5,w1,happy\nq6,w0,"happy', [7, 9]),
        ('q5,w0,"happy', [7]),
        ('q5,w0,5" tall\n"q5",w1,"so ""so"""', []),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_quote_that_is_never_closed_spoils_its_line_alone(
    tmp_path: Path, stray: str, spoilt: list[int], end: str
) -> None:
    good = [f"{name}{i},w0,sad" for name in ("before", "after") for i in range(5)]
    lines = [HEADER.strip(), *good[:5], *stray.split("\n"), *good[5:]]
    answers = read_answers(write(tmp_path, end.join(lines)))
    assert [(bad.number, bad.reason) for bad in answers.bad] == [
        (number, "a quote is opened and never closed") for number in spoilt
    ]
    assert len(answers.table) == len(lines) - 1 - len(spoilt)


def test_a_cell_of_two_lines_is_one_cell_and_the_lines_after_it_keep_their_numbers(tmp_path: Path) -> None:
    text = HEADER + '"two\nlines",ann,"a, ""b"""\nq,ann\nq,ann,x'
    answers = read_answers(write(tmp_path, text))
    assert answers.questions == ("q", "two\nlines") and 'a, "b"' in answers.table.classes
    assert [bad.number for bad in answers.bad] == [4]


cells = st.text(st.sampled_from('ab ,;"\t\n'), min_size=1, max_size=4)


@given(st.lists(st.tuples(cells, cells, cells).filter(lambda row: "".join(row).count("\n") < 4), max_size=6))
def test_what_a_csv_writer_wrote_is_read_as_it_was(table: list[tuple[str, str, str]]) -> None:
    file = StringIO()
    csv.writer(file, lineterminator="\n").writerows(table)
    assert [row for _, row in table_lines(iter(StringIO(file.getvalue())), ",", 3)] == list(map(list, table))


@pytest.mark.parametrize(
    "content",
    [
        bytes(range(256)) * 9,
        b"\xff\xd8\xff\xe0\x10JFIF\x81\x8d\n\x90",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"\x01\x02\x03,\x04\n",
        HEADER.encode() + b"q,w,x\nq,w\0,x\n",
        HEADER.encode() + b"q,w,\x81\n",
        b"\xff\xfe\x00\xd8a\x00",
        b"\xff\xfea",
    ],
    ids=["bytes", "photo", "PNG", "control", "null", "no cp1252", "no UTF-16", "odd UTF-16"],
)
@pytest.mark.parametrize("command", ["consensus", "agreement"])
def test_what_is_no_text_is_refused_in_one_line(tmp_path: Path, content: bytes, command: str) -> None:
    done = CliRunner().invoke(main, [command, "--votes", str(write(tmp_path, content))])
    assert done.exit_code == 1 and "is no text: " in done.stderr and "CSV" in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_answers_that_differ_only_in_case_are_one_class_and_it_is_said(tmp_path: Path) -> None:
    votes = write(tmp_path, HEADER + "1,a,Happy\n1,b,happy \n1,c, happy\n1,d,sad\n")
    done = consensus("--votes", votes, "--rule", "majority", "--out", tmp_path / "o.csv")
    (row,) = labels(tmp_path / "o.csv")
    assert (row["label"], row["confidence"], row["p_sad"]) == ("happy", "0.75", "0.25")
    assert "p_Happy" not in row
    told = "answers that differ only in case are one class, spelt as the first: happy (2), Happy (1)"
    assert done.stderr.count(told) == 1
    assert told in CliRunner().invoke(main, ["agreement", "--votes", str(votes)]).stderr


@pytest.mark.parametrize("rule", ["auto", "plurality", "dawid-skene"])
def test_unsure_and_flags_mean_what_they_mean_in_a_workspace(tmp_path: Path, rule: str) -> None:
    lines = [
        "1,a,unsure",
        "1,b,happy",
        "1,c,happy",
        "2,a,not_a_face",
        "2,b,Not_a_face",
        "2,c,happy",
        "3,a,Unsure",
    ]
    votes = write(tmp_path, HEADER + "\n".join(lines))
    done = consensus("--votes", votes, "--rule", rule, "--out", tmp_path / "o.csv")
    told = [(row["label"], row["reason"], row["votes"]) for row in labels(tmp_path / "o.csv")]
    assert told[:2] == [("happy", "", "3"), ("", "not_a_face", "3")] and told[2][0] == ""
    assert [name for name in labels(tmp_path / "o.csv")[0] if name.startswith("p_")] == ["p_happy"]
    assert "as in a workspace: not_a_face (2), unsure (2)" in done.stderr


@pytest.mark.parametrize("rule", ["auto", "majority", "plurality", "dawid-skene"])
def test_votes_without_any_class_label_nothing(tmp_path: Path, rule: str) -> None:
    votes = write(tmp_path, HEADER + "1,a,unsure\n1,b,unsure\n2,a,artificial\n")
    done = decide_file(votes, tmp_path / "o.csv", rule)
    assert (done.questions, done.labelled) == (2, 0)
    assert CliRunner().invoke(main, ["agreement", "--votes", str(votes)]).exit_code == 0


def test_columns_of_counts_may_be_called_as_the_answers_are(tmp_path: Path) -> None:
    text = "image,happy,Happy,unsure,not_a_face\na,2,3,1,0\nb,0,0,0,4\nc,1,2\n"
    done = consensus("--votes", write(tmp_path, text), "--rule", "plurality", "--out", tmp_path / "o.csv")
    first, second = labels(tmp_path / "o.csv")
    assert (first["label"], first["votes"], second["reason"]) == ("Happy", "6", "not_a_face")
    assert "Happy (3), happy (2)" in done.stderr and "unsure (1), not_a_face (4)" in done.stderr
    assert "line 4: expected 5 cells, got 3" in done.stderr


rows = st.lists(
    st.tuples(st.sampled_from("pqrst"), st.sampled_from("abc"), st.sampled_from("xyz")),
    unique_by=lambda row: row[:2],
    max_size=15,
)


@settings(deadline=None, max_examples=40)
@given(
    rows.flatmap(lambda r: st.tuples(st.just(r), st.permutations(r))), st.sampled_from(["auto", "plurality"])
)
def test_the_order_of_lines_changes_no_label(
    tmp_path_factory: pytest.TempPathFactory, both: tuple[list[tuple[str, ...]], ...], rule: str
) -> None:
    folder = tmp_path_factory.mktemp("order")
    found = []
    for name, lines in zip(("one", "two"), both, strict=True):
        votes = write(folder, HEADER + "".join(",".join(line) + "\n" for line in lines), name)
        decide_file(votes, folder / f"{name}.csv", rule)
        found.append(sorted(tuple(row.items()) for row in labels(folder / f"{name}.csv")))
    assert found[0] == found[1]


@pytest.mark.parametrize(("name", "best"), [("dog", 0.843), ("bluebirds", 0.889)])
def test_on_real_crowds_the_default_is_as_good_as_the_best_of_crowd_kits(
    shared: Path, tmp_path: Path, name: str, best: float
) -> None:
    folder = shared / "data" / "crowd" / name
    decide_file(folder / "answer.csv", tmp_path / "labels.csv")
    truth = {row["question"]: row["truth"] for row in labels(folder / "truth.csv")}
    found = {row["question"]: row["label"] for row in labels(tmp_path / "labels.csv")}
    assert sum(found[question] == answer for question, answer in truth.items()) / len(truth) > best - 0.005


def test_labels_go_into_a_pipe_and_leave_it_a_pipe(tmp_path: Path) -> None:
    votes, pipe = write(tmp_path, HEADER + "1,a,x\n"), tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(pipe.read_text)
        decide_file(votes, pipe)
        assert reading.result(timeout=20).startswith("question,label")
    assert pipe.is_fifo()


def test_a_device_is_written_to_and_a_link_followed(tmp_path: Path) -> None:
    votes, real, link = write(tmp_path, HEADER + "1,a,x\n"), tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_text("old")
    real.chmod(0o600)
    link.symlink_to(real)
    null = tmp_path / "null"
    null.symlink_to("/dev/null")
    for out in (link, null):
        decide_file(votes, out)
        assert out.is_symlink()
    assert labels(real)[0]["label"] == "x" and real.stat().st_mode & 0o777 == 0o600
    assert Path("/dev/null").is_char_device()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["answers.csv", "link.csv", "null", "real.csv"]


def test_a_full_device_is_a_full_disk(tmp_path: Path) -> None:
    if not Path("/dev/full").is_char_device():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(StoreError, match="the disk is full"):
        decide_file(write(tmp_path, HEADER + "1,a,x\n"), Path("/dev/full"))


def test_a_dash_is_the_terminal(tmp_path: Path) -> None:
    done = consensus("--votes", write(tmp_path, HEADER + "1,a,x\n1,b,x\n"), "--out", "-")
    assert next(csv.DictReader(done.stdout.splitlines()))["label"] == "x"
    assert "1 question, 2 votes" in done.stderr


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (HEADER, "no line below its first has one"),
        ("image,happy,sad\na,0,0\n", "no line below its first has one"),
        (HEADER + ",,\n1,a\n", "every line was left out, first line 2: the question is empty"),
    ],
)
def test_a_file_without_votes_is_refused_and_no_table_made(tmp_path: Path, content: str, why: str) -> None:
    votes = write(tmp_path, content)
    for out in ([], ["--out", tmp_path / "labels.csv"]):
        done = consensus("--votes", votes, *out)
        assert (done.exit_code, done.stdout) == (1, "")
        assert f"answers.csv has no votes: {why}" in done.stderr and len(done.stderr.splitlines()) == 2
    assert not (tmp_path / "labels.csv").exists()


@pytest.mark.parametrize("rule", ["auto", "plurality", "dawid-skene"])
@pytest.mark.parametrize("line", ["1,a,sad", "1,b,Happy", "2,a,sad\n1,a,unsure"])
def test_a_line_that_is_left_out_changes_nothing(tmp_path: Path, rule: str, line: str) -> None:
    good = "1,a,happy\n1,b,happy\n2,a,angry\n2,b,happy\n"
    found = []
    for name, text in (("good", good), ("bad", good + line + "\n")):
        out = tmp_path / f"{name} labels.csv"
        done = consensus("--votes", write(tmp_path, HEADER + text, name), "--rule", rule, "--out", out)
        said = [told for told in done.stderr.splitlines() if not told.endswith("left out")]
        found.append((out.read_text(), said))
    assert found[0] == found[1]
    assert len(read_answers(tmp_path / "bad").bad) == line.count("\n") + 1
