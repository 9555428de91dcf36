"""Networks of shapes alone: built for what their graph tells, with variables that hold nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras


@contextmanager
def weightless() -> Iterator[None]:
    """Networks that are built inside have variables of a shape and no value: VGG's 138 million take no memory and no time.

    They can be counted, and neither run nor be used afterwards. At the end Keras's session is cleared, because Keras would
    fill the waiting variables at its next chance; with it go the caller's random seed and precision policy.

    >>> with weightless():
    ...     work = zoo.macs(zoo.build("vgg16"), (224, 224))
    """
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        keras.backend.clear_session(free_memory=False)  # there is none to speak of, and looking for it takes long
