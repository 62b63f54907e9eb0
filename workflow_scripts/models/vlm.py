"""Load a vision-language model, put a question to it as it expects one, and read its answer.

Works for any `AutoModelForImageTextToText` with its processor. Training and asking share
`conversation_text`, so a model is asked exactly as it was taught.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import BadZipFile

import torch
from PIL import Image
from safetensors import SafetensorError

from workflow_scripts.common.checksums import check_model
from workflow_scripts.common.errors import UserError
from workflow_scripts.models import conv_vision as conv_vision  # The tiny base's tower is known.
from workflow_scripts.models.generation import PrefixCache, TokenLimit, answer_prompts

logger = logging.getLogger(__name__)

Turn = tuple[str, str]
# What files of weights raise: cut off, no such format, tensors of other shapes.
_UNREADABLE_WEIGHTS = (RuntimeError, SafetensorError, UnpicklingError, EOFError, BadZipFile)


def device() -> torch.device:
    """Return the accelerator if there is one, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def dtype() -> torch.dtype:
    """Return bfloat16 on an accelerator, float32 elsewhere."""
    return torch.bfloat16 if torch.cuda.is_available() else torch.float32


def load_model_and_processor(base: str, adapter: Path | None = None) -> tuple[Any, Any]:
    """Load a model, ready to answer, and its processor.

    `base` is a local folder or a hub id. `adapter` is a folder with a PEFT adapter, which is
    merged into the base, or with a whole tuned model, which replaces it.
    """
    if adapter is not None and not (adapter / "adapter_config.json").exists():
        if not (adapter / "config.json").exists():
            raise UserError(
                f"{adapter}: neither adapter_config.json nor config.json is there; "
                "it is neither an adapter nor a model. Run the rule 'train' again."
            )
        base, adapter = str(adapter), None
    if adapter is not None:
        check_model(adapter)
    model = load_model(base)
    if adapter is not None:
        from peft import PeftModel

        try:
            model = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
        except (RuntimeError, ValueError, OSError) as error:
            raise UserError(
                f"{adapter}: the adapter does not fit the base {base!r}: {error}"
            ) from error
    return model.to(device()).eval(), load_processor(base)


def load_model(base: str) -> Any:
    """Load the model of a local folder or a hub id in this machine's number format."""
    from transformers import AutoModelForImageTextToText

    if Path(base).is_dir():
        check_model(Path(base))
    model, info = _from_pretrained(
        AutoModelForImageTextToText, base, dtype=dtype(), output_loading_info=True
    )
    # Tied weights, which a file holds once, are not among the missing ones.
    missing, mismatched = sorted(info["missing_keys"]), sorted(map(str, info["mismatched_keys"]))
    if missing or mismatched:
        wrong = [f"{len(missing)} missing ({_first(missing)})"] if missing else []
        wrong += (
            [f"{len(mismatched)} of another shape ({_first(mismatched)})"] if mismatched else []
        )
        raise UserError(
            f"base {base!r}: its weights do not fit its config.json: {', '.join(wrong)}; they "
            "would be random. Download or save the base again."
        )
    return model


def _first(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def load_processor(base: str) -> Any:
    """Load the processor of a local folder or a hub id."""
    from transformers import AutoProcessor

    processor = _from_pretrained(AutoProcessor, base)
    if not hasattr(processor, "tokenizer") or not hasattr(processor, "image_processor"):
        raise UserError(f"base {base!r} has no processor for pictures and text together")
    if processor.tokenizer.pad_token_id is None:
        processor.tokenizer.pad_token = processor.tokenizer.eos_token
    _check_chat_template(processor, base)
    return processor


def _check_chat_template(processor: Any, base: str) -> None:
    """Render a conversation: a template that cannot would end a training after hours of work."""
    turns = [("user", "QUESTION"), ("assistant", "ANSWER")]
    try:
        prompt = conversation_text(processor, turns[:1], ask=True, image=1)
        full_text = conversation_text(processor, turns, ask=False, image=1)
    except UserError:
        raise
    # A template is a program: it may raise anything.
    except Exception as error:
        raise UserError(
            f"base {base!r}: its chat template cannot be rendered: {_first_line(error)}. "
            "Repair chat_template.jinja (or chat_template in its JSON files)."
        ) from error
    if "QUESTION" not in prompt or "ANSWER" not in full_text:
        raise UserError(
            f"base {base!r}: its chat template leaves out what the user or the assistant says. "
            "Repair chat_template.jinja (or chat_template in its JSON files)."
        )


def _last_line(error: Exception) -> str:
    """Return what an error says last: a mismatch is reported behind a table of keys."""
    return str(error).strip().splitlines()[-1] if str(error).strip() else repr(error)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else repr(error)


def _from_pretrained(kind: Any, base: str, **settings: Any) -> Any:
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    try:
        return kind.from_pretrained(base, **settings)
    except (ImportError, AttributeError) as error:
        # Processors that also read videos need torchvision even for pictures.
        raise UserError(
            f"base {base!r} cannot be loaded: {error}. Its processor needs the package torchvision "
            "(the build that fits the installed torch) or another one named here; install it."
        ) from error
    except _UNREADABLE_WEIGHTS as error:
        raise UserError(
            f"base {base!r}: its weights cannot be read or do not fit its config.json: "
            f"{_last_line(error)}. They may be truncated or of another model: download or save "
            "the base again."
        ) from error
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"base {base!r} cannot be loaded: {_first_line(error)}. Give a folder with a Hugging "
            "Face model and processor for pictures and text, or such a model's hub id."
        ) from error


def conversation_text(
    processor: Any, turns: Sequence[Turn], *, ask: bool, image: bool | int
) -> str:
    """Write a conversation as the model's chat template has it, without expanding the picture.

    `turns` are (role, text) with roles "user" and "assistant"; the picture, or so many of them,
    comes before the text of the first one. With `ask` the text ends where the model is to go on.
    A processor without a template gets plain "USER: ... ASSISTANT: ..." turns.
    """
    if not getattr(processor, "chat_template", None):
        picture = f"{_image_token(processor)}\n" * int(image) if image else ""
        text = ""
        for number, (role, words) in enumerate(turns):
            start = picture if number == 0 else ""
            text += f"{role.upper()}: {start}{words}"
            text += processor.tokenizer.eos_token if role == "assistant" else " "
        return f"{text}ASSISTANT:" if ask else text
    messages: list[dict[str, Any]] = []
    for number, (role, words) in enumerate(turns):
        parts: list[dict[str, str]] = [{"type": "text", "text": words}]
        if number == 0:
            parts[:0] = [{"type": "image"}] * int(image)
        messages.append({"role": role, "content": parts})
    rendered: str = processor.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=ask
    )
    return _without_start_token(rendered, processor.tokenizer)


def _without_start_token(text: str, tokenizer: Any) -> str:
    """Drop the start token that a template wrote if the tokenizer writes it too."""
    first = tokenizer("a")["input_ids"][:1]
    if not first or first[0] not in tokenizer.all_special_ids:
        return text
    token = tokenizer.convert_ids_to_tokens(first[0])
    return text.lstrip().removeprefix(token) if text.lstrip().startswith(token) else text


def _image_token(processor: Any) -> str:
    token = getattr(processor, "image_token", None)
    if not isinstance(token, str):
        raise UserError(
            f"{type(processor).__name__} has neither a chat template nor an image token; "
            "this base cannot be used"
        )
    return token


@torch.inference_mode()
def generate(
    model: Any,
    processor: Any,
    items: Sequence[tuple[Image.Image | Sequence[Image.Image] | None, str]],
    *,
    max_new_tokens: int,
    batch_size: int,
    prefixes: PrefixCache | None = None,
    limit: TokenLimit | None = None,
) -> list[str]:
    """Answer questions greedily, a batch at a time, in order.

    Items are (picture, question), or (pictures, question); with None the model gets the question
    alone. All items of a call have pictures, or none has. Items with the same pictures (the same
    objects) share what the model reads before the question; with `prefixes` the next call goes
    on with the pictures of this one. `limit` is that of `generation.answer_prompts`.
    """
    pictures = [_as_image_list(images) for images, _ in items]
    prompts = [
        conversation_text(processor, [("user", question)], ask=True, image=len(images))
        for images, (_, question) in zip(pictures, items, strict=True)
    ]
    return answer_prompts(
        model,
        processor,
        prompts,
        pictures,
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        prefixes=PrefixCache() if prefixes is None else prefixes,
        limit=limit,
    )


def _as_image_list(images: Image.Image | Sequence[Image.Image] | None) -> list[Image.Image]:
    if images is None:
        return []
    return [images] if isinstance(images, Image.Image) else list(images)
