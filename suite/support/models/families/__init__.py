"""Each module here builds a tiny random model of one family, from the true classes, with its true processor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fixtures.models.prompt_texts import INSTRUCTION, VICUNA_SYSTEM, Style

if TYPE_CHECKING:
    from fixtures.models.base import Subject

BOS, EOS, PAD = "<s>", "</s>", "<pad>"
TEXT: Mapping[str, Any] = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 4, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2,
    "tie_word_embeddings": False,
}  # fmt: skip
"""The settings of a tiny decoder, without its vocabulary."""

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True)
class Family:
    """How a family's tiny model is built, and what its tests need to know about it."""

    build: Callable[[], tuple[Any, Any]]
    """Builds a model in eval mode with lively weights, and its processor."""
    sizes: Sequence[Size] = ((112, 56), (56, 112), (60, 60), (75, 40))
    """The sizes of pictures on which layouts are tested: wide, tall, square and odd."""
    styles: Sequence[Style] = ("chat",)
    """The prompt styles that the family has."""
    regions: bool = True
    """Whether boxes can be followed to image tokens."""
    instructed: bool = True
    """Whether its prompts write the paper's instruction."""
    class_tokens: int = 0
    """The number of image tokens in each tile that show something of the picture, but no place of it."""


@cache
def tokenizer(*special: str, bos: bool = True, **named: str) -> Any:
    """A byte-level BPE of some 500 tokens: the prompts' words, the usual special tokens and more *special* ones.

    The *named* tokens are attributes as well, because some processors look for them.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=[
            AddedToken(token, special=True, normalized=False) for token in (BOS, EOS, PAD, *special, *named.values())
        ],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    words = " yellow Yellow black shirt shirts dog dogs hat phone What telephone left right" * 3
    bpe.train_from_iterator([VICUNA_SYSTEM, INSTRUCTION, words, "USER: ASSISTANT:"], trainer)
    if bos:
        bpe.post_processor = processors.TemplateProcessing(
            single=f"{BOS} $A", special_tokens=[(BOS, bpe.token_to_id(BOS))]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token=BOS, eos_token=EOS, pad_token=PAD, extra_special_tokens=named
    )


def lively(model: Any, seed: int = 0) -> Any:
    """*model* with weights whose attention moves its output, which fresh ones hardly do."""
    import torch

    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                weight.copy_(torch.randn(weight.shape, generator=draw) / weight[0].numel() ** 0.5)
            elif "norm" in name and name.endswith("weight"):
                weight.copy_(1 + 0.2 * torch.randn(weight.shape, generator=draw))
            elif weight.min() != weight.max():  # not a constant, so its random values had no seed
                weight.copy_(0.2 * torch.randn(weight.shape, generator=draw))
    return model.eval()


def without_videos(processor: Any) -> Any:
    """The *processor* class without its check of the video processor, whose own class needs torchvision."""

    class Pictures(processor):
        def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
            return argument and super().check_argument_for_proper_class(argument_name, argument)

    return Pictures


def turns(placeholder: str) -> str:
    """A chat template that writes *placeholder* for a picture."""
    return (
        "{% for message in messages %}USER: {% for part in message['content'] %}"
        f"{{% if part['type'] == 'image' %}}{placeholder}\n{{% else %}}{{{{ part['text'] }}}}{{% endif %}}"
        "{% endfor %}{% endfor %}{% if add_generation_prompt %} ASSISTANT:{% endif %}"
    )


@cache
def families() -> Mapping[str, Family]:
    """The family of every module in this package, by the module's name."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__")
    return {name: import_module(f"{__name__}.{name}").FAMILY for name in names}


@cache
def subject(name: str, style: Style | None = None) -> Subject:
    """The family's tiny model as a subject, in the prompt *style*; the family's first style by default."""
    from fixtures.models import wrap

    family = families()[name]
    model, processor = family.build()
    return wrap(model, processor, style or family.styles[0])
