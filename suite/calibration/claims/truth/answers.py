"""Section 7: the answer appears in lower case, then turns capitalised; and what other windows and sub-words say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from suite.calibration.claims.truth.case import Case, false, true
from suite.support.curves.shapes import (
    I_Q,
    LENS,
    NOTHING,
    PAPER,
    Q_L,
    R_Q,
    Shape,
    ShapedModel,
    bump,
    level,
    line,
    rise,
    scaled,
    total,
)


def lens(lower: Shape | None = None, capital: Shape | None = None, other: Shape | None = None) -> ShapedModel:
    """The paper's model but for the lens of the lower-case, the capitalised and the other option's lower-case word."""
    given = {"lowercase": lower, "capitalized": capital, "false_lowercase": other}
    return ShapedModel(lens={form: shape for form, shape in given.items() if shape is not None})


def final(iq: Shape, ql: Shape) -> ShapedModel:
    """The paper's model, whose curves at the final sub-word are these."""
    return ShapedModel(of_final_sub_words={I_Q: iq, Q_L: ql})


def wide(iq: Shape, ql: Shape) -> ShapedModel:
    """The paper's model, whose curves in the widest windows are these."""
    return ShapedModel(of_widths={width: {I_Q: iq, Q_L: ql} for width in (11, 13, 15)})


LOWER, CAPITAL = LENS["lowercase"], LENS["capitalized"]
DEEP: Final = (28, 32, 40)
"""Depths at which layers in the middle are fine enough to tell what comes first."""

ANSWERS: Final[Mapping[str, tuple[Case, ...]]] = {
    "answer.lowercase-rises-in-the-middle": (
        true("to 50 % in the middle", ShapedModel()),
        true("to 40 % a little later", lens(rise(22, 0.4, 32))),
        true("to 70 %", lens(rise(17, 0.7, 30))),
        false("to 5 %", lens(scaled(LOWER, 0.1))),
        false("to 10 %", lens(scaled(LOWER, 0.2))),
        false("never", lens(NOTHING)),
        false("it is at 50 % from the bottom on", lens(level(0.5))),
        false("in the first layers", lens(rise(4, 0.5, 20))),
        false("at the last layer alone", lens(line((0, 0), (38, 0), (40, 0.6)))),
        false("it is at 15 % early, then at 50 %", lens(total(level(0.15, 0, 12), LOWER))),
    ),
    "answer.capitalized-comes-late": (
        true("to 85 % around layer 33", ShapedModel()),
        true("to 60 % around layer 28", lens(capital=rise(28, 0.6))),
        true("to 90 % at the end", lens(capital=line((0, 0), (36, 0), (40, 0.9)))),
        false("it rises evenly from the bottom", lens(capital=line((0, 0), (40, 0.9)))),
        false("around layer 10", lens(capital=rise(10, 0.85))),
        false("to 20 % only", lens(capital=rise(33, 0.2))),
        false("never", lens(capital=NOTHING)),
        false("it is high from the bottom on", lens(capital=level(0.8))),
        false("it comes late and goes again", lens(capital=rise(28, 0.8, 36))),
        false("it is at 15 % early, then at 85 %", lens(capital=total(level(0.15, 0, 12), rise(33, 0.7)))),
    ),
    "answer.lowercase-peaks-before-capitalized": (
        true("around 24, then at the end", ShapedModel()),
        true("around 15, then around 30", lens(bump(15, 3, 0.5), bump(30, 3, 0.6))),
        true("around 20, then at the end", lens(bump(20, 3, 0.4), line((0, 0), (30, 0), (40, 0.9)))),
        false("around 30, after around 15", lens(bump(30, 3, 0.5), bump(15, 3, 0.6))),
        false("at the end, after the middle", lens(line((0, 0), (40, 0.5)), bump(20, 3, 0.6))),
        false("around 35, after the bottom", lens(bump(35, 2, 0.5), bump(2, 2, 0.6))),
        false("around 20, where the other peaks too", lens(bump(20, 3, 0.5), bump(20, 3, 0.6))),
        false("around 30, after around 24", lens(bump(30, 2, 0.5), bump(24, 2, 0.6)), depths=DEEP),
        false("never", lens(NOTHING), premise="a peak"),
        false("the other never", lens(capital=NOTHING), premise="a peak"),
    ),
    "answer.follows-integration": (
        true("at 18, after the objects around 12 and before the question is read", ShapedModel()),
        true(
            "at 16, after the objects around 8",
            ShapedModel(curves={R_Q: bump(8, 2, -24)}, lens={"lowercase": rise(16, 0.5, 31)}),
        ),
        true(
            "at 22, while the question is read up to 28",
            ShapedModel(curves={Q_L: level(-30, 14, 28)}, lens={"lowercase": rise(22, 0.5, 34)}),
        ),
        false("at 5, before the objects around 12", lens(rise(5, 0.5, 31))),
        false("at 18, before the objects around 26", ShapedModel(curves={R_Q: bump(26, 2, -24)})),
        false("at the bottom", lens(bump(1, 2, 0.5))),
        false(
            "at 34, when the question is no longer read",
            ShapedModel(curves={Q_L: level(-30, 14, 22)}, lens={"lowercase": rise(34, 0.5)}),
        ),
        false(
            "at 30, when the question was read at the bottom",
            ShapedModel(curves={Q_L: bump(2, 1.5, -32)}, lens={"lowercase": rise(30, 0.5)}),
        ),
        false("never", lens(NOTHING), premise="an answer that appears"),
        false("the objects are not read", ShapedModel(curves={R_Q: NOTHING}), premise="an integration"),
    ),
    "answer.lowercase-fades": (
        true("from 50 % to none", ShapedModel()),
        true("from 70 % to 2 %", lens(total(rise(17, 0.68, 30), level(0.02)))),
        true("from 30 % at 20 to none", lens(bump(18, 2, 0.3))),
        false("it stays at 50 %", lens(rise(18, 0.5))),
        false("it rises to the end", lens(line((0, 0), (40, 0.5)))),
        false("it falls from 50 to 15 %", lens(total(scaled(LOWER, 0.7), scaled(rise(18, 0.15), 1)))),
        false("it is at 50 % throughout", lens(level(0.5))),
        false("it rises at the last layers", lens(line((0, 0), (36, 0), (40, 0.5)))),
        false("it never rose", lens(NOTHING), premise="a rise"),
        false("it never rose above 1 %", lens(level(0.01)), premise="a rise"),
    ),
    "answer.inferred-by-half-way": (
        true("it is at 50 % and its rival at 10", ShapedModel()),
        true("it is at 50 % and its rival at 10, without options", ShapedModel(), "QueryAttr"),
        true("it stands in capitals by then", lens(NOTHING, rise(10, 0.8))),
        true("it is at 2 % and its rival at none", lens(level(0.02), other=NOTHING), "CompareAttr"),
        false("it comes at 30", lens(rise(30, 0.5, 36), other=rise(18, 0.1))),
        false("it comes at 30, without options", lens(rise(30, 0.5, 36), other=rise(18, 0.1)), "LogicalObj"),
        false("its rival is above it", lens(other=scaled(LOWER, 1.5))),
        false("its rival is above it, without options", lens(other=scaled(LOWER, 1.5)), "CompareAttr"),
        false("both are level", lens(level(0.3), other=level(0.3)), "QueryAttr"),
        false("nothing is read of either", lens(NOTHING, NOTHING, NOTHING)),
    ),
    "answer.false-option-stays-below": (
        true("10 % next to 50", ShapedModel()),
        true("none next to 50", lens(other=NOTHING)),
        true("30 % next to 50", lens(other=scaled(LOWER, 0.6))),
        false("80 % next to 50", lens(scaled(LOWER, 0.9), other=scaled(LOWER, 1.6))),
        false("60 % next to 30", lens(scaled(LOWER, 0.6), other=scaled(LOWER, 1.2))),
        false("it is above from the bottom on", lens(other=level(0.7))),
        false("60 % next to 50", lens(other=scaled(LOWER, 1.2))),
        false("it is above where the true one peaks, and below elsewhere", lens(other=bump(24, 4, 0.8))),
        false("the true one never rose", lens(NOTHING), premise="a peak"),
    ),
    "robustness.every-window-tells-the-same": (
        true("all windows have the same curves", ShapedModel(), depths=(40,)),
        true("wider windows lose more", wide(scaled(PAPER[I_Q], 1.3), scaled(PAPER[Q_L], 1.3)), depths=(40,)),
        true("wider windows lose less", wide(scaled(PAPER[I_Q], 0.7), scaled(PAPER[Q_L], 0.7)), depths=(40,)),
        false("in wide windows it comes late", wide(bump(32, 4, -60), PAPER[Q_L]), depths=(40,)),
        false("in wide windows the question is read at the bottom", wide(PAPER[I_Q], bump(1, 4, -32)), depths=(40,)),
        false("in wide windows both are reversed", wide(bump(38, 4, -60), bump(1, 4, -32)), depths=(40,)),
        false("in wide windows it is lowest at the top", wide(line((0, 0), (40, -60)), PAPER[Q_L]), depths=(40,)),
        false("in wide windows it is lowest at 35", wide(bump(35, 5, -60), bump(38, 5, -32)), depths=(40,)),
    ),
    "robustness.last-sub-word-agrees": (
        true("the same curves", ShapedModel()),
        true("curves that are larger by a tenth", final(scaled(PAPER[I_Q], 1.1), scaled(PAPER[Q_L], 1.1))),
        true("curves that are smaller by a tenth", final(scaled(PAPER[I_Q], 0.9), scaled(PAPER[Q_L], 0.9))),
        false("half the drop", final(scaled(PAPER[I_Q], 0.5), PAPER[Q_L])),
        false("it comes late", final(bump(32, 4, -60), PAPER[Q_L])),
        false("the question is read at the bottom", final(PAPER[I_Q], bump(1, 4, -32))),
        false("twice the drop", final(PAPER[I_Q], scaled(PAPER[Q_L], 2))),
        false("both are reversed", final(bump(38, 4, -60), bump(1, 4, -32))),
    ),
}
