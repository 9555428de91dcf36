"""The process in which TensorFlow's converter runs: what ends it does not end this one."""

from __future__ import annotations

import operator
import os
import sys

import pytest

from converters.tflite import inspection
from converters.worker import Died, Failed, Worker
from zoo.errors import InputError


@pytest.fixture(scope="module")
def worker():
    worker = Worker()
    yield worker
    worker.close()


def test_it_is_another_process_that_stays(worker) -> None:
    first = worker.call(os.getpid)
    assert first != os.getpid() and worker.call(os.getpid) == first
    assert worker.call(operator.add, [1], [2]) == [1, 2]


def test_its_exceptions_come_back_by_kind(worker) -> None:
    with pytest.raises(Failed, match="ZeroDivisionError"):
        worker.call(operator.truediv, 1, 0)
    with pytest.raises(InputError, match=r"nowhere\.tflite: no such file"):
        worker.call(inspection.load, "nowhere.tflite")


def test_its_end_is_an_exception_with_its_last_words_and_the_next_call_has_a_new_one(worker) -> None:
    first = worker.call(os.getpid)
    last = "__import__('os').write(2, b'Check failed: nothing'), __import__('os').abort()"
    with pytest.raises(Died, match=r"(?s)status -6.*Check failed: nothing"):
        worker.call(eval, last)
    with pytest.raises(Died, match="status 3"):
        worker.call(os._exit, 3)
    assert worker.call(os.getpid) != first


def test_what_it_prints_disturbs_nobody(worker, capfd) -> None:
    assert worker.call(print, "hello") is None
    assert worker.call(sys.getsizeof, b"") > 0
    assert capfd.readouterr() == ("", "")
