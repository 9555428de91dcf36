"""Several devices and hosts: a run over two of either comes to what it comes to on one."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import quick_jax
from training_toys import Blocks, network

import zoo
from zoo.errors import InputError
from zoo.training import distribution

TOY = Path(__file__).parents[1] / "support" / "spread_toy.py"


def start(backend: str, *arguments: object) -> subprocess.Popen:
    """The toy's run as a process; what it says at length goes where nobody reads it, so that it need not wait."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", **quick_jax.FLAGS}
    command = [sys.executable, str(TOY), *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def told(process: subprocess.Popen) -> dict[str, Any]:
    try:
        out, error = process.communicate(timeout=240)
    finally:
        process.kill()
    assert process.returncode == 0, error[-2000:]
    return json.loads(out.strip().splitlines()[-1])


def check_same(one: dict[str, Any], spread: dict[str, Any]) -> None:
    assert (one["devices"], spread["devices"]) == (1, 2)
    np.testing.assert_allclose(spread["losses"], one["losses"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(spread["weights"], one["weights"], rtol=1e-5, atol=1e-5)
    assert spread["score"] == pytest.approx(one["score"], abs=1e-6)
    assert one["losses"][1] < one["losses"][0]


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@pytest.fixture(scope="module")
def on_tensorflow() -> dict[str, Any]:
    pytest.importorskip("tensorflow")
    return told(start("tensorflow"))


def test_two_devices_on_tensorflow(on_tensorflow):
    check_same(on_tensorflow["one"], on_tensorflow["two"])


def test_two_hosts_on_tensorflow(on_tensorflow):
    ports = free_ports(2)
    processes = [start("tensorflow", index, *ports) for index in range(2)]
    try:
        first, second = (told(process)["hosts"] for process in processes)
    finally:
        for process in processes:
            process.kill()
    check_same(on_tensorflow["one"], first)
    assert second == first


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")
def test_two_devices_on_jax():
    found = told(start("jax"))
    check_same(found["one"], found["two"])


def test_here_there_is_one_device_and_nothing_is_divided():
    assert distribution.replicas() == distribution.parts() == 1 and not distribution.sees_parts()
    assert len(distribution.devices()) >= 1
    assert distribution.mean_over_parts(3.0) == 3.0 and distribution.sum_over_parts([1, None]) == [1, None]


def test_one_of_several_devices_may_be_all():
    with distribution.across(1) as count:
        assert count == 1
        result = zoo.train(network(), Blocks(), epochs=1, batch_size=4, verbose=0)
    plain = zoo.train(network(), Blocks(), epochs=1, batch_size=4, verbose=0)
    assert result.rows[0]["loss"] == pytest.approx(plain.rows[0]["loss"], abs=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: distribution.across(99).__enter__(), "count=99 devices; there (is|are)"),
        (lambda: distribution.across(0).__enter__(), "count=0 devices"),
        (lambda: distribution.join(["10.0.0.1:7000"], 0), "two addresses or more"),
        (lambda: distribution.join(["10.0.0.1", "10.0.0.2"], 0), "each HOST:PORT"),
        (lambda: distribution.join(["10.0.0.1:7000", "10.0.0.2:7000"], 2), "index=2: expected this host's place among the 2"),
    ],
)
def test_bad_places_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_a_batch_must_be_divisible(monkeypatch):
    monkeypatch.setattr(distribution, "replicas", lambda: 3)
    with pytest.raises(InputError, match="batch_size=4 cannot be divided among 3 devices; give a multiple of 3"):
        distribution.check_batch(4)


def test_a_backend_without_an_engine_says_so(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(InputError, match="over devices on torch; set KERAS_BACKEND to jax or tensorflow"):
        distribution.across(1).__enter__()
