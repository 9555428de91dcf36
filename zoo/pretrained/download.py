"""The weights files that `keras.applications` publishes, and how they come here: `weights="imagenet"`.

Addresses and MD5 sums are those in the source of Keras 3.15. It has no sums for MobileNetV2; what comes for these is held
to the network's shapes only.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import InputError, unknown

if TYPE_CHECKING:
    import pooch

BASE = "https://storage.googleapis.com/"
KERAS = "tensorflow/keras-applications/"
TRIES_AGAIN = 3  # after the first, waiting 1, 2, 3 s
TIMEOUT = 30  # seconds without a byte
CHUNK = 1 << 18  # bytes
_KERNELS = "weights_tf_dim_ordering_tf_kernels"

# name → the file below BASE, and its MD5 sum or None
PUBLISHED: dict[str, tuple[str, str | None]] = {
    "vgg16": (f"{KERAS}vgg16/vgg16_{_KERNELS}.h5", "64373286793e3c8b2b4e3219cbf3544b"),
    "vgg19": (f"{KERAS}vgg19/vgg19_{_KERNELS}.h5", "cbe5617147190e668d6c5d5026f83318"),
    "mobilenet_v2": (f"{KERAS}mobilenet_v2/mobilenet_v2_{_KERNELS}_1.0_224.h5", None),
    "mobilenet_v2_140": (f"{KERAS}mobilenet_v2/mobilenet_v2_{_KERNELS}_1.4_224.h5", None),
    "mobilenet_v2_075": (f"{KERAS}mobilenet_v2/mobilenet_v2_{_KERNELS}_0.75_224.h5", None),
    "mobilenet_v2_050": (f"{KERAS}mobilenet_v2/mobilenet_v2_{_KERNELS}_0.5_224.h5", None),
    "mobilenet_v2_035": (f"{KERAS}mobilenet_v2/mobilenet_v2_{_KERNELS}_0.35_224.h5", None),
    "resnet50_keras": (f"{KERAS}resnet/resnet50_{_KERNELS}.h5", "2cb95161c43110f7111970584f804107"),
    "resnet101_keras": (f"{KERAS}resnet/resnet101_{_KERNELS}.h5", "f1aeb4b969a6efcfb50fad2f0c20cfc5"),
    "resnet152_keras": (f"{KERAS}resnet/resnet152_{_KERNELS}.h5", "100835be76be38e30d865e96f2aaae62"),
    "resnet50_v2": (f"{KERAS}resnet/resnet50v2_{_KERNELS}.h5", "3ef43a0b657b3be2300d5770ece849e0"),
    "resnet101_v2": (f"{KERAS}resnet/resnet101v2_{_KERNELS}.h5", "6343647c601c52e1368623803854d971"),
    "resnet152_v2": (f"{KERAS}resnet/resnet152v2_{_KERNELS}.h5", "a49b44d1979771252814e80f8ec446f9"),
    "densenet121": (f"{KERAS}densenet/densenet121_{_KERNELS}.h5", "9d60b8095a5708f2dcce2bca79d332c7"),
    "densenet169": (f"{KERAS}densenet/densenet169_{_KERNELS}.h5", "d699b8f76981ab1b30698df4c175e90b"),
    "densenet201": (f"{KERAS}densenet/densenet201_{_KERNELS}.h5", "1ceb130c1ea1b78c3bf6114dbdfd8807"),
    **{
        f"mobilenet_v3_{name}": (f"{KERAS}mobilenet_v3/weights_mobilenet_v3_{file}_float.h5", md5)
        for name, file, md5 in (
            ("large", "large_224_1.0", "59e551e166be033d707958cf9e29a6a7"),
            ("large_075", "large_224_0.75", "765b44a33ad4005b3ac83185abf1d0eb"),
            ("large_minimalistic", "large_minimalistic_224_1.0", "675e7b876c45c57e9e63e6d90a36599c"),
            ("small", "small_224_1.0", "8768d4c2e7dee89b9d02b2d03d65d862"),
            ("small_075", "small_224_0.75", "cb65d4e5be93758266aa0a7f2c6708b7"),
            ("small_minimalistic", "small_minimalistic_224_1.0", "99cd97fb2fcdad2bf028eb838de69e37"),
        )
    },
    **{
        f"efficientnet_{name}": (f"keras-applications/efficientnet{name}.h5", md5)
        for name, md5 in (
            ("b0", "902e53a9f72be733fc0bcb005b3ebbac"),
            ("b1", "1d254153d4ab51201f1646940f018540"),
            ("b2", "b15cce36ff4dcbd00b6dd88e7857a6ad"),
            ("b3", "ffd1fdc53d0ce67064dc6a9c7960ede0"),
            ("b4", "18c95ad55216b8f92d7e70b3a046e2fc"),
            ("b5", "ace28f2a6363774853a83a0b21b9421a"),
            ("b6", "165f6e37dce68623721b423839de8be5"),
            ("b7", "8c03f828fec3ef71311cd463b6759d99"),
        )
    },
}


def fetch(name: str) -> Path:
    """The published ImageNet weights of a network: from the cache, or downloaded into it with a bar on standard error.

    The cache is the user's cache folder of densezoo, or $DENSEZOO_CACHE. A download that broke off goes on where it
    stopped; a file whose sum is wrong is thrown away.

    Raises:
        InputError: if nothing is published for that network, the file cannot be had, or what comes is not that file; the
            message says how to go on by hand.
    """
    if name not in PUBLISHED:
        raise unknown("network with published ImageNet weights", name, PUBLISHED)
    import pooch
    import requests

    path, md5 = PUBLISHED[name]
    file, url = path.rpartition("/")[2], BASE + path
    cache = pooch.create(
        path=pooch.os_cache("densezoo"),
        base_url="",
        registry={file: md5 and f"md5:{md5}"},
        urls={file: url},
        env="DENSEZOO_CACHE",
        retry_if_failed=TRIES_AGAIN,
    )
    by_hand = f'download it elsewhere, put it at {cache.abspath / file}, or name it: weights="applications:PATH"'
    try:
        return Path(cache.fetch(file, downloader=resume))
    except (requests.exceptions.RequestException, OSError) as error:
        reason = type(error).__name__ if isinstance(error, requests.exceptions.ConnectionError) else error
        raise InputError(f"{url} cannot be fetched ({reason}); {by_hand}") from error
    except ValueError as error:  # pooch's word for a wrong sum
        raise InputError(f"{url} gave a file whose MD5 sum is not {md5}, thrown away; {by_hand}") from error


def resume(url: str, output_file: str, pooch: pooch.Pooch) -> None:
    """Downloads as pooch asks, by way of a `.part` file that survives a broken connection and is added to the next time.

    Raises:
        requests.exceptions.RequestException: if the server cannot be reached, refuses, or stops early.
    """
    import requests
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    name = url.rpartition("/")[2]
    part = Path(pooch.abspath) / f"{name}.part"
    had = part.stat().st_size if part.is_file() else 0
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={had}-"} if had else {})}
    with requests.get(url, stream=True, timeout=TIMEOUT, headers=headers) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            part.unlink()  # longer than the file: not its beginning
        response.raise_for_status()
        if response.status_code != requests.codes.partial_content:
            had = 0
        length = _length(response)
        columns = (TextColumn(name), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress, open(part, "ab" if had else "wb") as file:
            bar = progress.add_task(name, total=length and had + length, completed=had)
            got = 0
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                got += len(chunk)
                progress.update(bar, completed=had + got)
    if length is not None and got < length:
        raise requests.exceptions.ConnectionError(f"{got:,} of {length:,} bytes came")
    os.replace(part, output_file)


def _length(response: Any) -> int | None:
    length = response.headers.get("Content-Length")
    return None if length is None else int(length)
