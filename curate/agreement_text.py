"""The figures of agreement as tables for a terminal, with what they mean in plain words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from curate.agreement import Agreement
from curate.agreement_sheets import (
    Cell,
    Names,
    Row,
    answer_rows,
    confusion_rows,
    mix_up_rows,
    pair_rows,
    stage_rows,
    voter_rows,
)
from db.command import counted

MOST_ROWS = 12
READINGS = {
    "reliable": "reliable: conclusions may rest on these labels",
    "tentative": "good enough for tentative conclusions; reliable is from 0.80 on",
    "care": "not reliable yet (conclusions need 0.67): train on the shares of votes rather than on single labels",
    "poor": "not reliable yet: people see different things in the same faces: say more clearly what each class means",
    "unknown": "unknown: it needs faces that two people judged, and more than one answer",
}


def print_agreement(found: Agreement, person: Names, console: Console) -> None:
    """Everything worth reading; long tables are cut with a word on how many rows were left out."""
    for line in headlines(found):
        console.print(line, highlight=False)
    if not len(found.votes):
        return
    tables = (
        ("Answers", _answers(found)),
        ("When one person says the row, others say", _confusion(found)),
        ("Classes that people mix up", _mix_ups(found)),
        ("Voters", _voters(found, person)),
        ("Two people, least agreement first", _pairs(found, person)),
        ("One more vote on a face whose votes stand so", _stages(found)),
    )
    for title, (header, rows) in tables:
        if rows:
            _print_table(title, header, rows, console)


def headlines(found: Agreement) -> list[str]:
    """The headline figures as sentences."""
    seen, human, more = found.reliability, found.ceiling.overall, found.one_more_vote
    who = counted(len(found.voters), "people") if found.voters or not seen.votes else "people without a name"
    lines = [
        f"{who} cast {counted(seen.votes, 'votes')} on {counted(seen.faces, 'faces')}; "
        f"{counted(seen.shared, 'faces')} {'has' if seen.shared == 1 else 'have'} two votes or more"
    ]
    if seen.agreement is not None:
        lines.append(
            f"{_percent(seen.agreement)} of {seen.pairs:,} pairs of votes agree{_range(seen.agreement_bounds)}; two "
            f"people asked anew would agree on {_percent(found.kinds.best.two_agree if found.kinds else None)} of faces"
        )
    figure = "" if seen.alpha is None else f" {_point(seen.alpha)}{_range(seen.alpha_bounds, _point)}"
    lines.append(f"Krippendorff's alpha{figure}: {READINGS[seen.verdict]}")
    if seen.kappa is not None:
        lines.append(f"Fleiss' kappa {_point(seen.kappa)}")
    if human.share is not None:
        lines.append(
            f"human ceiling {_percent(human.share)}{_range(human.bounds)}: how often one more person says what a "
            f"face is labelled as, over {human.faces:,} faces"
        )
    if more.skill is not None and more.expected is not None:
        lines.append(
            f"by the one-coin model {_percent(more.skill)} of votes and {_percent(more.expected)} of labels are right; "
            f"one more vote on each face would mend {_labels(more.gain_in_faces)}"
        )
    return lines


_Sheet = tuple[Sequence[str], Sequence[Sequence[str]]]


def _answers(found: Agreement) -> _Sheet:
    header = ("answer", "votes", "share", "others say it too", "human ceiling", "faces")
    return header, [
        (
            str(row["answer"]),
            _count(row["votes"]),
            _percent(row["share"]),
            _percent(row["others_agree"]),
            _with_range(row, "ceiling"),
            _count(row["ceiling_faces"]),
        )
        for row in answer_rows(found)
    ]


def _confusion(found: Agreement) -> _Sheet:
    names = found.confusion.names
    rows = [row for row in confusion_rows(found) if any(row[name] for name in names)]
    return ("", *names), [(str(row["one_says"]), *(_percent(row[name]) for name in names)) for row in rows]


def _mix_ups(found: Agreement) -> _Sheet:
    rows = [row for row in mix_up_rows(found) if row["split"]]
    return ("one says", "another", "of votes for either", "alpha (95 %)", ""), [
        (
            str(row["first"]),
            str(row["second"]),
            _percent(row["split"]),
            _with_range(row, "alpha", _point),
            str(row["verdict"]),
        )
        for row in rows
    ]


def _voters(found: Agreement, person: Names) -> _Sheet:
    header = ("voter", "votes", "share", "skill (95 %)", "kappa", "gold", "median", "hurried", "drift (95 %)")
    return header, [
        (
            str(row["voter"]),
            _count(row["votes"]),
            _percent(row["share"]),
            _with_range(row, "skill"),
            _point(row["kappa"]),
            f"{_percent(row['gold'])} of {row['gold_votes']}" if row["gold_votes"] else "",
            f"{row['median_s']:.1f} s" if row["median_s"] is not None else "",
            _percent(row["hurried"]),
            _drift(row),
        )
        for row in voter_rows(found, person)
    ]


def _drift(row: Row) -> str:
    """``worse -22.0 (-43.1 to -2.4)``; where it may as well be none or the contrary, ``not clear:`` and so on."""
    verdict = "not clear:" if row["drift_verdict"] == "steady" else row["drift_verdict"]
    return f"{verdict} {_with_range(row, 'drift', _points)}" if verdict else ""


def _pairs(found: Agreement, person: Names) -> _Sheet:
    return ("one", "another", "common faces", "agreement (95 %)", "Cohen's kappa"), [
        (
            str(row["first"]),
            str(row["second"]),
            _count(row["faces"]),
            _with_range(row, "agreement"),
            _point(row["cohens_kappa"]),
        )
        for row in pair_rows(found, person)
    ]


def _stages(found: Agreement) -> _Sheet:
    return ("votes so far", "faces", "label is right", "vote changes it", "gain a vote"), [
        (
            str(row["votes_so_far"]),
            _count(row["faces"]),
            _percent(row["right"]),
            _percent(row["changes"]),
            _points(row["gain"]),
        )
        for row in stage_rows(found)
    ]


def _print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]], console: Console) -> None:
    table = Table(title=title, title_justify="left", box=None, header_style="bold")
    for place, column in enumerate(header):
        table.add_column(
            column, justify="right" if place and rows[0][place][:1] in "0123456789.–-+" else "left"
        )
    for row in rows[:MOST_ROWS]:
        table.add_row(*row)
    console.print()
    console.print(table)
    if len(rows) > MOST_ROWS:
        console.print(f"… and {len(rows) - MOST_ROWS:,} more: curate agreement --csv FOLDER", highlight=False)


def _with_range(row: Row, name: str, shown: Callable[[Cell], str] | None = None) -> str:
    shown = shown or _percent
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return (
        ""
        if row[name] is None
        else f"{shown(row[name])}{_range(None if low is None else (low, high), shown)}"
    )


def _range(bounds: tuple[Cell, Cell] | None, shown: Callable[[Cell], str] | None = None) -> str:
    shown = shown or _percent
    return "" if bounds is None else f" ({shown(bounds[0])} to {shown(bounds[1])})"


def _percent(value: Cell) -> str:
    return f"{value:.0%}" if isinstance(value, int | float) else ""


def _point(value: Cell) -> str:
    return f"{value:.2f}" if isinstance(value, int | float) else ""


def _points(value: Cell) -> str:
    """Percentage points with their sign."""
    return f"{100 * value:+.1f}" if isinstance(value, int | float) else ""


def _labels(expected: float) -> str:
    """Whole labels from ten on, as the Agreement page has it; below, a tenth says more than none."""
    return f"{expected:,.{0 if expected >= 10 else 1}f} labels"


def _count(value: Cell) -> str:
    return f"{value:,}" if isinstance(value, int) else ""
