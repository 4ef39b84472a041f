"""Tiny random Idefics3 and SmolVLM models: a Llama with tiles of 56 pixels in patches of 7, shuffled two by two."""

from __future__ import annotations

from typing import Any

from suite.support.models.families import TEXT, Size, lively, tokenizer, turns

TILE, PATCH, SHUFFLE = 56, 7, 2
MARKERS = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
SPECIAL = ("<image>", "<fake_token_around_image>", "<end_of_utterance>", "<global-img>", *MARKERS)
SIZES: tuple[Size, ...] = ((224, 112), (112, 224), (56, 56), (75, 40), (448, 300), (40, 201), (30, 11))


def words(*more: str) -> Any:
    """The tokenizer, with the markers of tiles and *more* special tokens."""
    return tokenizer(*SPECIAL, *more)


def image_settings(tile: int = TILE, **settings: Any) -> dict[str, Any]:
    """The image processor's settings: *settings*, and a longer edge of four tiles unless they name another."""
    return {"size": {"longest_edge": 4 * tile}, "max_image_size": {"longest_edge": tile}, **settings}


def settings(tile: int, patch: int, shuffle: int) -> dict[str, Any]:
    """The settings of a processor for such tiles."""
    return {"image_seq_len": (tile // patch // shuffle) ** 2, "chat_template": turns("<image>")}


def model(family: str, vocabulary: Any, tile: int = TILE, patch: int = PATCH, shuffle: int = SHUFFLE) -> Any:
    """A `{family}ForConditionalGeneration` with seeded random weights, in eval mode."""
    import transformers

    config = getattr(transformers, f"{family}Config")(
        vision_config={
            "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
            "image_size": tile, "patch_size": patch,
        },
        text_config={**TEXT, "model_type": "llama", "vocab_size": len(vocabulary)}, scale_factor=shuffle,
        image_token_id=vocabulary.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    return lively(getattr(transformers, f"{family}ForConditionalGeneration")(config))
