"""Qwen2.5-VL: an encoder that attends in windows, here of two cells, and then restores the cells' order."""

from __future__ import annotations

from suite.support.models.tiny_qwen import CELL, family

FAMILY = family(
    "Qwen2_5_VL", hidden_size=16, intermediate_size=32, out_hidden_size=32, fullatt_block_indexes=[1],
    window_size=2 * CELL,
)  # fmt: skip
