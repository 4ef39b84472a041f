"""Appendix J and the parts of an image: finer routes, which are only recorded because no bound was published."""

from fixtures.flow import (
    BASE,
    FALSE_OPTION,
    IMAGE,
    LAST,
    OBJECTS,
    OPTIONS,
    PADDING,
    QUESTION,
    RANDOM,
    RELATED,
    SEPARATOR,
    TILES,
    TRUE_OPTION,
    UNOPTIONED,
)
from fixtures.model_flow import Flow
from fixtures.tasks import TASKS
from reports.claim import claim


@claim(
    "fine.true-option-to-last",
    section="J",
    statistic="drop(true-option->last)",
    recorded=TASKS,
    needs=("options",),
)
def test_true_option_to_last(flow: Flow) -> None:
    """The true option is blocked from the last position."""
    assert flow(TRUE_OPTION >> LAST).drop().recorded()


@claim(
    "fine.false-option-to-last",
    section="J",
    statistic="drop(false-option->last)",
    recorded=TASKS,
    needs=("options",),
)
def test_false_option_to_last(flow: Flow) -> None:
    """The false option is blocked from the last position."""
    assert flow(FALSE_OPTION >> LAST).drop().recorded()


@claim("fine.objects-to-last", section="J", statistic="drop(objects->last)", recorded=TASKS)
def test_objects_to_last(flow: Flow) -> None:
    """The words of the named objects are blocked from the last position."""
    assert flow(OBJECTS >> LAST).drop().recorded()


@claim(
    "fine.question-without-options-to-last",
    section="J",
    statistic="drop(question-without-options->last)",
    recorded=TASKS,
    needs=("options",),
)
def test_question_without_options_to_last(flow: Flow) -> None:
    """The question without its options is blocked from the last position."""
    assert flow(UNOPTIONED >> LAST).drop().recorded()


@claim(
    "fine.image-to-options",
    section="J",
    statistic="drop(image->options)",
    recorded=TASKS,
    needs=("options",),
)
def test_image_to_options(flow: Flow) -> None:
    """The image is blocked from the question's options."""
    assert flow(IMAGE >> OPTIONS).drop().recorded()


@claim("fine.image-to-objects", section="J", statistic="drop(image->objects)", recorded=TASKS)
def test_image_to_objects(flow: Flow) -> None:
    """The image is blocked from the words of the named objects."""
    assert flow(IMAGE >> OBJECTS).drop().recorded()


@claim(
    "fine.related-to-objects",
    section="J",
    statistic="drop(related->objects)",
    recorded=TASKS,
    needs=("boxes",),
)
def test_related_to_objects(flow: Flow) -> None:
    """The named objects' patches are blocked from the words that name them."""
    assert flow(RELATED >> OBJECTS).drop().recorded()


@claim("parts.padding-to-question", section="6", statistic="drop(padding->question)", recorded=TASKS)
def test_padding_to_question(flow: Flow) -> None:
    """The patches that pad the picture are blocked from the question."""
    assert flow(PADDING >> QUESTION).drop().recorded()


@claim("parts.separators-to-question", section="6", statistic="drop(separator->question)", recorded=TASKS)
def test_separators_to_question(flow: Flow) -> None:
    """The tokens that separate rows and tiles of patches are blocked from the question."""
    assert flow(SEPARATOR >> QUESTION).drop().recorded()


@claim("parts.base-to-question", section="6", statistic="drop(base->question)", recorded=TASKS)
def test_base_to_question(flow: Flow) -> None:
    """The coarse view of the whole picture is blocked from the question."""
    assert flow(BASE >> QUESTION).drop().recorded()


@claim("parts.tiles-to-question", section="6", statistic="drop(tiles->question)", recorded=TASKS)
def test_tiles_to_question(flow: Flow) -> None:
    """The fine tiles of the picture are blocked from the question."""
    assert flow(TILES >> QUESTION).drop().recorded()


@claim(
    "parts.random-patches-to-question",
    section="6",
    statistic="drop(random-other->question)",
    recorded=TASKS,
    needs=("boxes",),
)
def test_random_patches_to_question(flow: Flow) -> None:
    """As many other patches as there are related ones, drawn at random, are blocked from the question."""
    assert flow(RANDOM >> QUESTION).drop().recorded()
