"""Tiny random models of real multimodal architectures, whose attention matters, and prompts for them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import torch
import transformers
from torch import Tensor

from fixtures.flow import IMAGE, LAST, OTHER, QUESTION, RELATED
from fixtures.instruments.measurable import Measurable
from fixtures.models.cross_attention import CrossAttention
from fixtures.models.decoder import decoder_of
from fixtures.models.prompt import Prompt
from suite.support.models.words_llava import SPREAD

IMAGE_TOKEN, START_OF_IMAGE, END_OF_IMAGE = 3, 62, 63
PATCHES, PIXELS, PATCH = 16, 16, 4
TEXT: Mapping[str, Any] = {
    "vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 4, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "initializer_range": SPREAD, "bos_token_id": 0, "eos_token_id": 1,
    "pad_token_id": 1, "tie_word_embeddings": False,
}  # fmt: skip
WINDOW = 12
"""The positions of a sliding window: fewer than image and question have together."""

Extra = Callable[[np.ndarray], dict[str, Tensor]]
"""Makes a model's other inputs, next to ids and attention mask, from the ids."""


def siglip() -> Any:
    return transformers.SiglipVisionConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=PIXELS,
        patch_size=PATCH,
    )  # fmt: skip


def pixels(ids: np.ndarray) -> dict[str, Tensor]:
    noise = torch.Generator().manual_seed(int(ids.sum()))
    return {"pixel_values": torch.randn(1, 3, PIXELS, PIXELS, generator=noise, dtype=torch.float64)}


def llava(text: Any) -> tuple[Any, Extra]:
    vision = transformers.CLIPVisionConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=PIXELS,
        patch_size=PATCH, initializer_range=SPREAD,
    )  # fmt: skip
    config = cast(Any, transformers.LlavaConfig)(
        vision_config=vision, text_config=text, image_token_id=IMAGE_TOKEN, image_seq_length=PATCHES,
        vision_feature_layer=-1, tie_word_embeddings=False,
    )  # fmt: skip
    return transformers.LlavaForConditionalGeneration(config), pixels


def decoder(name: str, **changes: Any) -> Callable[[], tuple[Any, Extra]]:
    """A LLaVA whose language model is of another family."""
    return lambda: llava(getattr(transformers, name)(**{**TEXT, **changes}))


def gemma3() -> tuple[Any, Extra]:
    """Sliding and full layers side by side, and an image block that attends to itself in both directions."""
    text = transformers.Gemma3TextConfig(
        **TEXT, sliding_window=WINDOW, query_pre_attn_scalar=8, layer_types=["sliding_attention", "full_attention"] * 2
    )
    config = cast(Any, transformers.Gemma3Config)(
        text_config=text, vision_config=siglip(), mm_tokens_per_image=PATCHES, image_token_id=IMAGE_TOKEN,
        boi_token_index=60, eoi_token_index=61,
    )  # fmt: skip
    return transformers.Gemma3ForConditionalGeneration(config), lambda ids: {
        **pixels(ids),
        "token_type_ids": torch.tensor(ids == IMAGE_TOKEN)[None].long(),
    }


def paligemma() -> tuple[Any, Extra]:
    """A prefix that attends to itself in both directions: here all of the prompt but its last position."""
    config = cast(Any, transformers.PaliGemmaConfig)(
        text_config=transformers.GemmaConfig(**TEXT), vision_config=siglip(), image_token_id=IMAGE_TOKEN,
        projection_dim=32, hidden_size=32,
    )  # fmt: skip
    return transformers.PaliGemmaForConditionalGeneration(config), lambda ids: {
        **pixels(ids),
        "token_type_ids": torch.tensor(np.arange(len(ids)) == len(ids) - 1)[None].long(),
    }


def qwen(family: str, **vision: Any) -> Callable[[], tuple[Any, Extra]]:
    """A Qwen-VL of one *family*, with rotations by time, height and width (M-RoPE)."""

    def make() -> tuple[Any, Extra]:
        rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
        config = getattr(transformers, f"{family}Config")(
            text_config={**TEXT, "rope_parameters": rope},
            vision_config={"depth": 3, "num_heads": 2, "patch_size": 4, "spatial_merge_size": 2, **vision},
            image_token_id=IMAGE_TOKEN, video_token_id=4, vision_start_token_id=62, vision_end_token_id=63,
        )  # fmt: skip
        return getattr(transformers, f"{family}ForConditionalGeneration")(config), patches

    def patches(ids: np.ndarray) -> dict[str, Tensor]:
        noise = torch.Generator().manual_seed(int(ids.sum()))
        return {
            "pixel_values": torch.randn(4 * PATCHES, 96, generator=noise, dtype=torch.float64),
            "image_grid_thw": torch.tensor([[1, 8, 8]]),
            "mm_token_type_ids": torch.tensor(ids == IMAGE_TOKEN)[None].int(),
        }

    return make


ARCHITECTURES: Mapping[str, Callable[[], tuple[Any, Extra]]] = {
    "llama": decoder("LlamaConfig"),
    "mistral": decoder("MistralConfig", sliding_window=None),
    "mistral with a window": decoder("MistralConfig", sliding_window=WINDOW),
    "qwen2": decoder("Qwen2Config"),
    "qwen3, norms of queries and keys": decoder("Qwen3Config"),
    "gemma2, soft caps": decoder("Gemma2Config", sliding_window=WINDOW, query_pre_attn_scalar=8),
    "phi3": decoder("Phi3Config"),
    "granite, scaled": decoder("GraniteConfig", residual_multiplier=0.5, attention_multiplier=0.3),
    "cohere2, attention parallel to the MLP": decoder("Cohere2Config", sliding_window=WINDOW),
    "olmo2, norms after": decoder("Olmo2Config"),
    "deepseek-v3, latent keys": decoder(
        "DeepseekV3Config", head_dim=4, q_lora_rank=16, kv_lora_rank=16, qk_nope_head_dim=8, qk_rope_head_dim=4,
        v_head_dim=12, num_key_value_heads=4, first_k_dense_replace=4,
    ),
    "deepseek-v2, complex rotations": decoder(
        "DeepseekV2Config", q_lora_rank=16, kv_lora_rank=16, qk_nope_head_dim=8, qk_rope_head_dim=4, v_head_dim=8,
        num_key_value_heads=4, first_k_dense_replace=4,
    ),
    "gemma3": gemma3,
    "paligemma": paligemma,
    "qwen2-vl": qwen("Qwen2VL", embed_dim=16, hidden_size=32, mlp_ratio=2),
    "qwen2.5-vl": qwen(
        "Qwen2_5_VL", hidden_size=16, intermediate_size=32, out_hidden_size=32, fullatt_block_indexes=[1],
        window_size=16,
    ),
    "qwen3-vl, deepstack": qwen(
        "Qwen3VL", hidden_size=16, intermediate_size=32, out_hidden_size=32, num_position_embeddings=64,
        deepstack_visual_indexes=[0, 1],
    ),
}  # fmt: skip


ROTATES_IN_SINGLE = frozenset({"deepseek-v2, complex rotations"})
"""Models whose own code rounds to float32 even in float64, so results agree only to float32."""


@dataclass(frozen=True, eq=False)
class Stranger:
    """A `Measurable` model without a processor."""

    model: Any
    name: str
    cross_attention: CrossAttention = field(default_factory=CrossAttention)

    @property
    def _decoder(self) -> Any:
        return decoder_of(self.model, self.name)

    @property
    def decoder_layers(self) -> Sequence[torch.nn.Module]:
        return list(self._decoder.layers)

    @property
    def layers(self) -> int:
        return len(self.decoder_layers)

    @property
    def decoder_config(self) -> Any:
        return self._decoder.config

    @property
    def final_norm(self) -> torch.nn.Module:
        return self._decoder.norm

    @property
    def unembed(self) -> torch.nn.Module:
        return self.model.get_output_embeddings()

    @property
    def device(self) -> torch.device:
        return self.model.device

    @property
    def dtype(self) -> torch.dtype:
        return self.model.dtype

    def batch(self, prompts: Sequence[Prompt]) -> dict[str, Tensor]:
        batch = {name: torch.cat([prompt.tensors[name] for prompt in prompts]) for name in prompts[0].tensors}
        return {name: value.to(self.dtype) if value.is_floating_point() else value for name, value in batch.items()}


@cache
@torch.inference_mode(
    mode=False
)  # the first caller may be in this mode, and the cached tensors would keep it for later callers
def _model(architecture: str) -> tuple[Any, Extra]:
    torch.manual_seed(7)
    model, extra = ARCHITECTURES[architecture]()
    for name, weight in model.named_parameters():
        if "norm" in name:
            torch.nn.init.normal_(weight, mean=0.5 if "gemma" in architecture else 1.0, std=SPREAD)
    return model.double().eval(), extra


def stranger(architecture: str) -> Stranger:
    """A model in double precision."""
    return Stranger(_model(architecture)[0], architecture)


def prompt(architecture: str, seed: int, words: int = 8) -> Prompt:
    """Start, image, *words* of a question and two more tokens."""
    _, extra = _model(architecture)
    question_ids = np.random.default_rng(seed).integers(5, 60, words)
    ids = np.concatenate([[0, START_OF_IMAGE], [IMAGE_TOKEN] * PATCHES, [END_OF_IMAGE], question_ids, [2, 5]])
    tokens, image = torch.tensor(ids)[None], np.arange(2, 2 + PATCHES)
    related = image[[5, 6, 9, 10]]
    spans = {
        IMAGE: image,
        QUESTION: np.arange(3 + PATCHES, 3 + PATCHES + words),
        LAST: np.array([len(ids) - 1]),
        RELATED: related,
        OTHER: np.setdiff1d(image, related),
    }
    tensors = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens), **extra(ids)}
    question = cast(Any, SimpleNamespace(id=f"q{seed}", answer="yes", false_option=None))
    return Prompt(question, "", ids, tensors, spans, {})


@contextlib.contextmanager
def in_single(subject: Measurable) -> Iterator[None]:
    """The same weights in float32."""
    model = subject.model
    model.float()
    try:
        yield
    finally:
        model.double()
