"""Tiny random PaliGemmas: a SigLIP with pictures of 56 pixels in patches of 14, and a Gemma of either generation."""

from __future__ import annotations

from typing import Any

from suite.support.models.families import TEXT, Family, Size, lively, tokenizer

PIXELS, PATCH = 56, 14
SIZES: tuple[Size, ...] = ((112, 56), (56, 112), (60, 60), (75, 40), (20, 17))


def words(generation: str) -> Any:
    """A separate tokenizer for each *generation*, because the processor adds its tokens to it."""
    return tokenizer(bos=False, image_token="<image>", generation=generation)


def processor(generation: str = "gemma", pixels: int = PIXELS, tokens: int | None = None, **images: Any) -> Any:
    """A processor for pictures of *pixels*; the number of image *tokens* follows from them unless it is given."""
    from transformers import PaliGemmaProcessor
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    options: dict[str, Any] = {"size": {"height": pixels, "width": pixels}, **images}
    image_processor = SiglipImageProcessorPil(**options, image_seq_length=tokens or (pixels // PATCH) ** 2)
    return PaliGemmaProcessor(image_processor, words(generation))


def model(generation: str = "gemma", pixels: int = PIXELS, **text: Any) -> Any:
    """A `PaliGemmaForConditionalGeneration` with seeded random weights, in eval mode."""
    from transformers import PaliGemmaConfig, PaliGemmaForConditionalGeneration, SiglipVisionConfig

    vocabulary = processor(generation, pixels).tokenizer
    vision = SiglipVisionConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=pixels,
        patch_size=PATCH, vision_use_head=False,
    )  # fmt: skip
    config: Any = PaliGemmaConfig(
        vision_config=vision,
        text_config={**TEXT, "model_type": generation, "vocab_size": len(vocabulary), **text},
        image_token_index=vocabulary.image_token_id, projection_dim=TEXT["hidden_size"],
        hidden_size=TEXT["hidden_size"], tie_word_embeddings=False,
    )  # fmt: skip
    return lively(PaliGemmaForConditionalGeneration(config))


def family(generation: str, **text: Any) -> Family:
    """The family of one *generation*; *text* has settings of the decoder's configuration."""
    return Family(lambda: (model(generation, **text), processor(generation)), sizes=SIZES, instructed=False)
