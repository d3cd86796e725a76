"""Reading ahead keeps the order, holds little, and raises what a read raised when it is its turn."""

import threading

import pytest

from curate.ahead import read_ahead


@pytest.mark.parametrize("count", [0, 1, 4, 50])
def test_items_come_in_order_with_what_was_read(count):
    assert list(read_ahead(range(count), lambda n: n * n)) == [(n, n * n) for n in range(count)]


def test_no_more_than_so_many_are_read_in_advance():
    taken = []
    stream = read_ahead((taken.append(n) or n for n in range(100)), str, threads=2, ahead=3)
    next(stream)
    assert len(taken) == 4
    stream.close()
    assert len(taken) == 4


def test_reads_run_at_the_same_time():
    both = threading.Barrier(2, timeout=20)
    assert [index for _, index in read_ahead("ab", lambda _: both.wait() >= 0)] == [True, True]


def test_what_a_read_raises_comes_at_its_turn():
    stream = read_ahead([1, 0, 2], lambda n: 1 / n)
    assert next(stream) == (1, 1.0)
    with pytest.raises(ZeroDivisionError):
        next(stream)
