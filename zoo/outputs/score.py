"""Score: one number that says how good, with its unit and its direction; NumPy-free, for files and apps read it too."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SHARE = "share"  # the unit of values from 0 to 1, which people read as per cent
_WRITTEN = {  # names as people write them
    "miou": "mIoU", "psnr": "PSNR", "ssim": "SSIM", "nss": "NSS", "cc": "CC", "kl": "KL", "end_point_error": "EPE",
    "ap": "AP", "ap50": "AP50", "ap75": "AP75", "ap_small": "AP small", "ap_medium": "AP medium", "ap_large": "AP large",
    "ar": "AR", "voc_ap": "VOC AP", "voc_ap_11": "VOC AP (11 recalls)",
    "cross_entropy": "CE", "bleu": "BLEU-4", "cider": "CIDEr", "v_rand": "V_rand", "v_info": "V_info", "dsb": "DSB score",
}  # fmt: skip


@dataclass(frozen=True)
class Score:
    """One number that says how good.

    Attributes:
        name: as in tables and files, in snake case.
        value: in the unit; nan where nothing was counted.
        unit: "share" of 0 to 1, "px", "dB", or "" for a plain number.
        higher_is_better: whether more is better.
    """

    name: str
    value: float
    unit: str = SHARE
    higher_is_better: bool = True

    @property
    def text(self) -> str:
        """The value for people: "90.1 %", "1.34 px"; "–" where it is nan."""
        if math.isnan(self.value):
            return "–"
        if self.unit == SHARE:
            return f"{100 * self.value:.1f} %"
        return f"{self.value:.4g} {self.unit}".rstrip()

    @property
    def shown(self) -> float:
        """The value on the scale that `text` shows: per cent for shares."""
        return 100 * self.value if self.unit == SHARE else self.value

    @property
    def shown_unit(self) -> str:
        """The unit of `shown`: "%" for shares."""
        return "%" if self.unit == SHARE else self.unit

    @property
    def label(self) -> str:
        """The name as people write it."""
        return _WRITTEN.get(self.name, self.name.replace("_", " "))

    def better_than(self, other: float | None) -> bool:
        """Whether it is better than that value of the same score; nan is better than nothing, nothing is worse than any."""
        if math.isnan(self.value):
            return False
        if other is None or math.isnan(other):
            return True
        return self.value > other if self.higher_is_better else self.value < other

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as JSON holds it; nan becomes None."""
        value = None if math.isnan(self.value) else float(self.value)
        return {"name": self.name, "value": value, "unit": self.unit, "higher_is_better": self.higher_is_better}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Score:
        """The score of `to_dict`'s data."""
        value = float("nan") if data.get("value") is None else float(data["value"])
        return cls(str(data["name"]), value, str(data.get("unit", SHARE)), bool(data.get("higher_is_better", True)))
