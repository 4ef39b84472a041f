"""A random LLaVA of transformers' own classes, small enough for every test, and a language of 50 words."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from fixtures.flow import IMAGE, LAST, OTHER, QUESTION, RELATED, Span
from fixtures.models.cross_attention import CrossAttention
from fixtures.models.errors import Unaskable
from fixtures.models.layout import Layout
from fixtures.models.prompt import AnswerTokens, Prompt, answering
from fixtures.question import Object, PictureMissing, Question

WORDS = 50
"""The number of words, w0 to w49; their tokens are 4 to 53."""
FIRST_WORD = 4
START, END, BREAK, IMAGE_TOKEN = 0, 1, 2, 3
VOCABULARY = 64
PATCHES, PATCH, PIXELS = 16, 4, 16
SPREAD = 0.2
"""Ten times the usual spread of fresh weights: a fresh model's attention hardly moves its output."""


@cache
def tiny_model(
    layers: int = 4, key_heads: int = 2, dtype: torch.dtype = torch.float32
) -> LlavaForConditionalGeneration:
    """A random model; the same arguments give the same weights."""
    torch.manual_seed(10 * layers + key_heads)
    vision = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=PIXELS,
        patch_size=PATCH,
        initializer_range=SPREAD,
    )
    text = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=key_heads,
        initializer_range=SPREAD,
        bos_token_id=START,
        eos_token_id=END,
        pad_token_id=END,
        tie_word_embeddings=False,
    )
    config = cast(Any, LlavaConfig)(
        vision_config=vision,
        text_config=text,
        image_token_id=IMAGE_TOKEN,
        image_seq_length=PATCHES,
        vision_feature_layer=-1,
        tie_word_embeddings=False,
    )
    model: Any = LlavaForConditionalGeneration(config).eval().to(cast(Any, dtype))
    for name, weight in model.named_parameters():
        if "norm" in name:
            torch.nn.init.normal_(weight, mean=1.0, std=SPREAD)
    return model


@dataclass(frozen=True)
class TinySubject:
    """A model that has only what `Askable` demands; `tiny_subject` makes one."""

    model: LlavaForConditionalGeneration
    name: str = "tiny"
    processor: None = None
    prompt_style: str = "words"
    cannot: Mapping[Span, str] = field(default_factory=dict[Span, str])
    attends_ahead: ClassVar[bool] = False
    cross_attention: CrossAttention = field(default_factory=CrossAttention)

    @cached_property
    def fingerprint(self) -> str:
        return "random"

    @cached_property
    def end_tokens(self) -> frozenset[int]:
        return frozenset({END})

    @property
    def layers(self) -> int:
        return len(self.decoder_layers)

    @property
    def device(self) -> torch.device:
        return self.model.device

    @property
    def dtype(self) -> torch.dtype:
        return self.model.dtype

    @property
    def decoder_layers(self) -> Sequence[torch.nn.Module]:
        return list(cast(Any, self.model).model.language_model.layers)

    @property
    def decoder_config(self) -> Any:
        return cast(Any, self.model).model.language_model.config

    @property
    def final_norm(self) -> torch.nn.Module:
        return cast(Any, self.model).model.language_model.norm

    @property
    def unembed(self) -> torch.nn.Module:
        return self.model.lm_head

    def encode(self, question: Question, picture: bool = True) -> Prompt:
        """The prompt: start, image, question words and a break, which is the last position."""
        words = question.text.split()
        if not all(word in WORD_TOKENS for word in words):
            raise Unaskable(question.text, "unknown word")
        if not question.image_id:
            raise PictureMissing(question.id)
        ids = [START, *[IMAGE_TOKEN] * PATCHES, *(WORD_TOKENS[word] for word in words), BREAK]
        image, positions = np.arange(1, 1 + PATCHES), np.arange(1 + PATCHES, len(ids) - 1)
        spans = {IMAGE: image, QUESTION: positions, LAST: np.array([len(ids) - 1])}
        related = image[: 3 * len(question.objects)]
        spans |= {RELATED: related, OTHER: np.setdiff1d(image, related)} if question.objects else {}
        missing = {} if question.objects else dict.fromkeys((RELATED, OTHER), "no object of it is in the picture")
        return self.prompt(ids, spans, question, missing)

    def prompt(
        self,
        ids: Sequence[int],
        spans: Mapping[Span, NDArray[np.int64]],
        question: Question,
        missing: Mapping[Span, str] | None = None,
    ) -> Prompt:
        tokens = torch.tensor([ids])
        noise = torch.Generator().manual_seed(zlib.crc32(question.image_id.encode()))
        picture = torch.randn(1, 3, PIXELS, PIXELS, generator=noise).to(self.dtype)
        tensors = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens), "pixel_values": picture}
        return Prompt(question, question.text, np.array(ids), tensors, spans, missing or {})

    def layout(self, image_size: tuple[int, int]) -> Layout:
        return Layout(PATCHES, why_no_tiles="its patches are anywhere")

    def answering(self, prompt: Prompt, tokens: Sequence[int]) -> Prompt:
        return answering(prompt, tokens)

    def batch(self, prompts: Sequence[Prompt]) -> dict[str, Tensor]:
        return {name: torch.cat([prompt.tensors[name] for prompt in prompts]) for name in prompts[0].tensors}

    def answer_tokens(self, text: str) -> AnswerTokens | None:
        """The capitalized form of w7 is the next token. w0, w5, ... have one form, and w1, w6, ... have none."""
        place = WORD_TOKENS.get(text, FIRST_WORD + 1) - FIRST_WORD
        if place % 5 == 1:
            raise Unaskable(text, "no form of its own")
        return AnswerTokens(FIRST_WORD + place, FIRST_WORD + place + 1) if place % 5 else None

    def decode(self, ids: Sequence[int]) -> str:
        return " ".join(TOKEN_WORDS.get(token, "?") for token in ids)


WORD_TOKENS = {f"w{index}": FIRST_WORD + index for index in range(WORDS)}
TOKEN_WORDS = {token: word for word, token in WORD_TOKENS.items()}


def tiny_subject(
    layers: int = 4, key_heads: int = 2, dtype: torch.dtype = torch.float32, name: str = "tiny"
) -> TinySubject:
    """A random model that the instruments can measure."""
    return TinySubject(tiny_model(layers, key_heads, dtype), name)


def tiny_question(seed: int, words: int = 6, objects: int = 1, **changes: Any) -> Question:
    """A seeded question of *words* words, by default about one object."""
    draw = np.random.default_rng(seed)
    return Question(
        **{
            "id": f"q{seed}",
            "image_id": f"i{seed // 2}",
            "task": "ChooseAttr",
            "text": " ".join(f"w{word}" for word in draw.integers(0, WORDS, words)),
            "answer": f"w{draw.integers(0, WORDS - 1)}",
            "true_option": None,
            "false_option": None,
            "objects": (Object("w1", (0.0, 0.0, 4.0, 4.0)),) * objects,
            "image_size": (PIXELS, PIXELS),
            **changes,
        }
    )


@contextmanager
def norms_in_double() -> Iterator[None]:
    """LlamaRMSNorm without its rounding to float32, which hides differences below 1e-8 in a float64 model."""

    def forward(self: Any, hidden: Tensor) -> Tensor:
        variance = hidden.pow(2).mean(-1, keepdim=True)
        return self.weight * (hidden * torch.rsqrt(variance + self.variance_epsilon))

    rounding = LlamaRMSNorm.forward
    LlamaRMSNorm.forward = cast(Any, forward)
    try:
        yield
    finally:
        LlamaRMSNorm.forward = rounding
