"""Every claim's own test holds on a model that does what the paper says, fails on one that does not, and can doubt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from fixtures.flow import IMAGE, LAST, OTHER, QUESTION, RELATED
from fixtures.model_flow import Flow, PooledFlow, Request
from fixtures.statistics.evidence import Inconclusive, Unsupported
from fixtures.tasks import TASKS
from reports.claim import REGISTER
from suite.support.curves.claim_cases import NAME, cases, claims, verdict
from suite.support.curves.paper_model import LAYERS, POINTS, Model, bump, paper_curves, paper_lens

I_Q, Q_L, I_L = IMAGE >> QUESTION, QUESTION >> LAST, IMAGE >> LAST
FLAT = np.zeros(LAYERS)
PAPER, LENS = paper_curves(), paper_lens()
ONE_STAGE = bump(1, 2.5, -60)
LATE = bump(30, 3, -60)
UP = POINTS / LAYERS


@pytest.mark.parametrize(("claim", "task"), cases())
def test_every_claim_holds_where_the_paper_is_true(claim: str, task: str) -> None:
    assert verdict(Model(), claim, task) == "holds"


FALSE: Mapping[str, Model] = {
    "setup.accuracy": replace(Model(), right=0.8),
    "routes.last-to-itself-is-negligible": Model().changed(LAST >> LAST, bump(20, 4, -15)),
    "routes.question-to-last-is-significant": Model().changed(Q_L, bump(20, 5, -4)),
    "routes.question-to-last-choose-attr": Model().changed(Q_L, bump(20, 5, -70)),
    "routes.question-to-last-in-the-middle": Model().changed(Q_L, bump(2, 3, -32)),
    "routes.question-dominates-image": Model().changed(I_L, bump(16, 5, -60)),
    "routes.image-to-last-is-not-significant": Model().changed(I_L, bump(16, 5, -25)),
    "routes.direct-image-path-is-negligible-beside-indirect": Model().changed(I_L, bump(16, 5, -55)),
    "stages.early-drop": Model().changed(I_Q, bump(1, 2.5, -20) + bump(12, 2.5, -24)),
    "stages.early-drop-is-sharp": Model().changed(I_Q, bump(6, 2.5, -60)),
    "stages.second-drop": Model().changed(I_Q, ONE_STAGE),
    "stages.second-is-smaller": Model().changed(I_Q, bump(1, 2.5, -20) + bump(12, 2.5, -60)),
    "stages.second-is-smaller-on-compare-and-logical": replace(
        Model(), of_tasks={task: {I_Q: ONE_STAGE + bump(12, 2.5, -50)} for task in ("CompareAttr", "LogicalObj")}
    ),
    "stages.same-layers-on-every-task": replace(
        Model(), of_tasks={"QueryAttr": {I_Q: bump(14, 2, -80)}, "ChooseRel": {I_Q: bump(15, 2, -80)}}
    ),
    "stages.image-to-question-precedes-question-to-last": Model().changed(I_Q, LATE),
    "stages.are-disjoint": Model().changed(Q_L, bump(2, 3, -32)),
    "robustness.every-window-tells-the-same": replace(Model(), of_widths={15: {I_Q: LATE, Q_L: bump(3, 3, -30)}}),
    "robustness.last-sub-word-agrees": replace(Model(), of_final_sub_words={I_Q: LATE, Q_L: bump(3, 3, -30)}),
    "regions.other-patches-carry-the-first-stage": Model()
    .changed(RELATED >> QUESTION, PAPER[OTHER >> QUESTION])
    .changed(OTHER >> QUESTION, FLAT),
    "regions.related-patches-carry-the-second-stage": Model()
    .changed(OTHER >> QUESTION, PAPER[RELATED >> QUESTION])
    .changed(RELATED >> QUESTION, FLAT),
    "regions.related-follow-the-rest": Model()
    .changed(OTHER >> QUESTION, PAPER[RELATED >> QUESTION])
    .changed(RELATED >> QUESTION, PAPER[OTHER >> QUESTION]),
    "regions.same-layers-on-every-task": replace(
        Model(), of_tasks={"QueryAttr": {RELATED >> QUESTION: bump(3, 2, -60), OTHER >> QUESTION: bump(17, 2, -60)}}
    ),
    "regions.smaller-model-reads-less-of-the-rest": replace(Model(), smaller={OTHER >> QUESTION: bump(1, 2.5, -80)}),
    "answer.lowercase-rises-in-the-middle": Model().read("lowercase", 0.1 * LENS["lowercase"]),
    "answer.capitalized-comes-late": Model().read("capitalized", 0.8 * UP),
    "answer.lowercase-peaks-before-capitalized": Model()
    .read("lowercase", 0.5 * UP)
    .read("capitalized", bump(20, 5, 0.8, POINTS)),
    "answer.follows-integration": Model().read("lowercase", bump(5, 2, 0.5, POINTS)),
    "answer.lowercase-fades": Model().read("lowercase", 0.5 * UP),
    "answer.inferred-by-half-way": Model().read("false_lowercase", 1.6 * LENS["lowercase"]),
    "answer.false-option-stays-below": Model().read("false_lowercase", 1.6 * LENS["lowercase"]),
}


@pytest.mark.parametrize(("claim", "task"), cases())
def test_every_claim_fails_where_it_is_false(claim: str, task: str) -> None:
    assert verdict(FALSE[claim], claim, task) == "fails"


BOTH_WAYS = replace(Model(), questions=24, scatter=60.0)
"""A population of few questions that scatter widely, so that almost nothing can be decided."""


@pytest.mark.parametrize(("claim", "task"), cases())
def test_no_claim_is_decided_by_a_handful_of_questions(claim: str, task: str) -> None:
    assert verdict(replace(BOTH_WAYS, questions=8), claim, task) == "inconclusive"


def test_what_is_only_recorded_has_no_verdict() -> None:
    recorded = [entry.id for entry in REGISTER.values() if set(TASKS) <= set(entry.recorded)]
    assert len(recorded) == 13
    assert {verdict(Model(), claim, "ChooseAttr") for claim in recorded} == {"recorded"}


def test_claims_without_their_ground_are_unsupported() -> None:
    alone = Flow("a", "miniature", "ChooseAttr", Model().measured)
    with pytest.raises(Unsupported, match="no smaller sibling of miniature"):
        _ = alone.smaller
    short = replace(Model().measured(Request(NAME, "ChooseAttr")), questions=())
    flow = Flow("a", NAME, "ChooseAttr", lambda request: short if request.final_sub_word else Model().measured(request))
    with pytest.raises(Unsupported, match="in one sub-word"):
        flow.sub_words_agree(I_Q, 0.8, 10.0)


@pytest.mark.parametrize("claim", ["stages.same-layers-on-every-task", "regions.same-layers-on-every-task"])
def test_claims_about_the_tasks_together_need_four_of_them(claim: str) -> None:
    test = claims()[claim]
    test(PooledFlow(claim, NAME, TASKS[:4], Model().measured))
    with pytest.raises(Inconclusive, match=r"nothing to compare: 3 of 3 tasks have a .* trough .*, at least 4"):
        test(PooledFlow(claim, NAME, TASKS[:3], Model().measured))


@pytest.mark.parametrize("task", TASKS)
def test_an_answer_is_inferred_where_it_leads_and_a_level_lens_infers_nothing(task: str) -> None:
    whole = Model().measured(Request(NAME, task))
    alike = replace(whole, scores=dict.fromkeys(("answer", "rival"), np.ones((len(whole.questions), len(POINTS)))))
    assert Flow("a", NAME, task, Model().measured).inferred(0.5).value == 100
    assert Flow("a", NAME, task, lambda _: alike).inferred(0.5).value == 0
    with pytest.raises(AssertionError):
        claims()["answer.inferred-by-half-way"](Flow("a", NAME, task, lambda _: alike))


def test_an_answer_without_a_rival_that_the_lens_can_read_is_unsupported() -> None:
    whole = Model().measured(Request(NAME, "QueryAttr"))
    nothing = dict.fromkeys(("answer", "rival"), np.full((len(whole.questions), len(POINTS)), np.nan))
    unread = replace(whole, scores=nothing, lens_left_out={"answer: no other": 3})
    with pytest.raises(Unsupported, match="compare with rivals: answer: no other"):
        Flow("a", NAME, "QueryAttr", lambda _: unread).inferred(0.5)
