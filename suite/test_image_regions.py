"""Section 6 (figure 5): features of the whole image move first, those of the named objects after them."""

from fixtures.flow import FIRST, IMAGE, OTHER, QUESTION, RELATED
from fixtures.model_flow import Flow, PooledFlow
from reports.claim import claim


@claim(
    "regions.other-patches-carry-the-first-stage",
    section="6",
    figure="5",
    statistic="drop(other->question) - drop(related->question) at the first stage",
    bound="> 0",
    bound_from="paper",
    needs=("boxes",),
)
def test_other_patches_carry_the_first_stage(flow: Flow) -> None:
    """In the first stage the patches that the question does not name dominate."""
    stage = flow(IMAGE >> QUESTION).trough(FIRST)
    assert flow(OTHER >> QUESTION).drop(at=stage).exceeds(flow(RELATED >> QUESTION).drop(at=stage))


@claim(
    "regions.related-patches-carry-the-second-stage",
    section="6",
    figure="5",
    statistic="drop(related->question) - drop(other->question) at the second trough of image->question",
    bound="> 0; CompareAttr, LogicalObj recorded",
    bound_from="paper",
    recorded=("CompareAttr", "LogicalObj"),
    needs=("boxes",),
)
def test_related_patches_carry_the_second_stage(flow: Flow) -> None:
    """In the second stage the patches of the objects that the question names dominate."""
    stage = flow.stages(IMAGE >> QUESTION).second_trough()
    assert flow(RELATED >> QUESTION).drop(at=stage).exceeds(flow(OTHER >> QUESTION).drop(at=stage))


@claim(
    "regions.related-follow-the-rest",
    section="6",
    figure="5",
    statistic="median layer of the drops of related->question - that of other->question",
    bound="> 0 layers",
    bound_from="paper",
    needs=("boxes",),
)
def test_related_follow_the_rest(flow: Flow) -> None:
    """General features of the image are moved first, those of the specific objects after them."""
    assert flow(RELATED >> QUESTION).median().exceeds(flow(OTHER >> QUESTION).median())


@claim(
    "regions.same-layers-on-every-task",
    section="6",
    figure="5",
    statistic="distance of each task's deepest trough from the median layer over tasks, for either kind of patch",
    bound="<= half a window",
    bound_from="ours",
    tasks=("all",),
    needs=("boxes", "several tasks"),
)
def test_same_layers_on_every_task(flow: PooledFlow) -> None:
    """Both transfers happen in similar layers on all six tasks."""
    related, other, half_a_window = flow(RELATED >> QUESTION), flow(OTHER >> QUESTION), flow.width // 2
    assert related.troughs_agree(half_a_window) & other.troughs_agree(half_a_window)


@claim(
    "regions.smaller-model-reads-less-of-the-rest",
    section="6",
    statistic="drop(other->question, FIRST) minus that of the model's smaller sibling",
    bound="> 0",
    bound_from="paper",
    needs=("boxes", "a smaller sibling"),
)
def test_smaller_model_reads_less_of_the_rest(flow: Flow) -> None:
    """In the first stage less flows from the other patches in a smaller model than in its larger sibling."""
    edge = OTHER >> QUESTION
    assert flow(edge).drop(FIRST).unpaired_minus(flow.smaller(edge).drop(FIRST)).exceeds(0.0)
