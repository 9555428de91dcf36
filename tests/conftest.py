"""What several test files share: fixtures, and switches that make this machine compute like another.

    make test ARGS="--threads 1 --kernels plain"       TF_ENABLE_ONEDNN_OPTS=0 make test

`--threads` is for TensorFlow and LiteRT, `--kernels plain` takes XNNPACK away from LiteRT, and TF_ENABLE_ONEDNN_OPTS=0
oneDNN from TensorFlow: each adds up in another order, as other processors do.
"""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras

    from edge.gpu.process import Free

# Fixtures that build a network's tiny sibling by its `name`, for whoever comes next as well.
BUILT = ("untrained", "untrained_of_any_size")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--threads", type=int, help="of TensorFlow and LiteRT on the CPU; as many as they like by default")
    parser.addoption("--kernels", choices=("xnnpack", "plain"), default="xnnpack", help="LiteRT's on the CPU")


def pytest_configure(config: pytest.Config) -> None:
    if config.option.threads:
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(config.option.threads)  # read when TensorFlow starts
    elif workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
        share = str(max(1, (os.cpu_count() or 1) // workers))  # two workers with as many threads as cores wait for each other
        for variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
            os.environ.setdefault(variable, share)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the tests of one network's tiny sibling in a row, wherever they lie, so that it is built once.

    Those marked `early` come first: long ones, which must not be what one process still does when the other has ended, and
    modules of a fixture that takes long, which a process that takes over half of the other's rest would make again.
    """
    places: dict[str, int] = {}
    order: dict[pytest.Item, tuple[bool, int]] = {}
    for place, item in enumerate(items):
        built = isinstance(item, pytest.Function) and not set(BUILT).isdisjoint(item.fixturenames)
        early = item.get_closest_marker("early") is not None
        order[item] = not early, places.setdefault(item.callspec.params["name"], place) if built else place
    items.sort(key=order.__getitem__)


def pytest_collection_finish() -> None:
    """Python's garbage collector, which took a third of the suite's time, leaves alone what the imports made.

    Each of its rounds through TensorFlow's and Keras's own objects takes a fifth of a second and frees nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)  # a small network is some ten thousand objects


@pytest.fixture
def untrained(name: str) -> keras.Model:
    """The network's tiny sibling at `tiny_models.ODD`, shared: for tests that leave it as it is."""
    from tiny_models import ODD, shared_tiny

    return shared_tiny(name, ODD)


@pytest.fixture
def untrained_of_any_size(name: str) -> keras.Model:
    """The same without a size, wherever the network has none of its own; shared too."""
    from tiny_models import ODD, shared_tiny

    from zoo import registry

    return shared_tiny(name, ODD if registry.get(name).fixed_size else None)


@pytest.fixture(scope="session")
def idle_workers() -> Iterator[Free]:
    """Processes of `edge.gpu.worker` that no test is using."""
    from edge.gpu.process import stop_all

    idle: Free = {}
    yield idle
    stop_all(idle)


@pytest.fixture
def workers(idle_workers: Free) -> Iterator[None]:
    """Files run in worker processes that have run others before: for tests of files, not of processes."""
    from edge.gpu.process import reused

    with reused(idle_workers):
        yield


@pytest.fixture(scope="session")
def precisions(idle_workers: Free, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Those of the GPU that are two computations here. Where a driver has no float16, the accelerator computes the reduced one
    in float32, to the last bit what it computes with float32 enforced: compiling every graph for both shows nothing."""
    from converter_models import SIZE, pictures, segmenter

    import converters
    import edge
    from edge.gpu.process import reused
    from edge.gpu.remote import PRECISIONS
    from edge.gpu.vulkan import driver

    if driver() is None:
        return PRECISIONS
    path = converters.to_tflite(segmenter(size=SIZE), tmp_path_factory.mktemp("precisions") / "small.tflite").path
    with reused(idle_workers):
        return PRECISIONS if edge.gpu_check(path, list(pictures(2))).half else PRECISIONS[1:]


@pytest.fixture(scope="session", autouse=True)
def interpreters(pytestconfig: pytest.Config):
    """LiteRT's interpreters of this process have the kernels and threads of the command line."""
    options = pytestconfig.option
    if not options.threads and options.kernels == "xnnpack":
        yield
        return
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    changes = {"num_threads": options.threads} if options.threads else {}
    if options.kernels == "plain":
        changes["experimental_op_resolver_type"] = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    initialise = Interpreter.__init__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            Interpreter, "__init__", lambda self, *args, **kwargs: initialise(self, *args, **{**kwargs, **changes})
        )
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and peers' models beside the checkout, or $DENSEZOO_SHARED; tests skip where there is none."""
    folder = Path(os.environ.get("DENSEZOO_SHARED", Path(__file__).parents[2] / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder.name}; set DENSEZOO_SHARED to run this test")
    return folder
