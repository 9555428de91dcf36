"""Prefetcher: batches and samples made in threads before they are asked for."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from zoo.errors import InputError, is_whole
from zoo.training import distribution

MOST_WORKERS = 8  # by default: each holds a batch

Item = TypeVar("Item")


class Prefetcher(Generic[Item]):
    """Things that are asked for by their number, and nearly always one after the other.

    Args:
        make: gives number `place`, whatever was made before; called by several threads at once.
        count: how many there are.
        workers: threads; as many things are made ahead. With one, each is made when it is asked for, by who asks.
        ahead: whether one thread makes things ahead too.
    """

    def __init__(self, make: Callable[[int], Item], count: int, workers: int, ahead: bool = False) -> None:
        self._make, self._count, self._workers = make, count, workers
        threaded = ahead or workers > 1
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="prefetch") if threaded else None
        self._futures: dict[int, Future[Item]] = {}  # by place
        self._lock = threading.Lock()

    def take(self, place: int) -> Item:
        """Number `place`. What was made ahead and is not wanted after it is thrown away."""
        if self._pool is None:
            return self._make(place)
        window = range(place, min(place + 1 + self._workers, self._count))
        with self._lock:
            for other in set(self._futures).difference(window):
                self._futures.pop(other).cancel()
            for each in window:
                if each not in self._futures:
                    self._futures[each] = self._pool.submit(self._make, each)
            future = self._futures.pop(place)
        return future.result()

    def close(self) -> None:
        """Makes nothing any more."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)


def in_order(make: Callable[[int], Item], count: int, workers: int) -> Iterator[Item]:
    """`make` of 0, 1, … up to `count`, made ahead by so many threads."""
    prefetcher = Prefetcher(make, count, workers, ahead=True)
    try:
        yield from map(prefetcher.take, range(count))
    finally:
        prefetcher.close()


def threads(workers: int | None) -> int:
    """As many threads as asked for; by default one on a CPU, else one for each of the host's processors, to 8.

    Raises:
        InputError: for anything but a whole number above 0, or None.
    """
    if workers is None:
        return 1 if distribution.on_cpu() else min(MOST_WORKERS, os.cpu_count() or 1)
    if not is_whole(workers, 1):
        raise InputError(f"workers={workers!r}; expected a number of threads, 1 or more, or None")
    return int(workers)
