"""Replies as servers and models really write them: reasoning, fences, parts."""

import json

import pytest

from workflow_scripts.models.chat.parse_reply import ChatReply, parse_reply

TEXT = "A red chair beside a table."
JSON = json.dumps({"caption": TEXT})
HMM = 'The user wants {"caption": "..."}.\n\nSo: a chair?\n```json\n{"caption": "no"}\n```\n'


def read(content: object, reply_format: str, **choice: object) -> ChatReply:
    body = json.dumps({"choices": [{"message": {"content": content, **choice}}]})
    return parse_reply(body, reply_format, ("caption",), section="captions", redact=str)


WRAPPINGS = {
    "alone": "{}",
    "spaces": "\n  {}\n\n",
    "byte-order mark": "\ufeff{}",
    "think": f"<think>{HMM}</think>\n\n{{}}",
    "empty think": "<think>\n\n</think>\n\n{}",
    "think, closing tag only": f"{HMM}</think>{{}}",
    "think twice": f"<think>{HMM}</think> <think>again</think>{{}}",
    "think nested": "<think>a <think>b</think> c</think>{}",
    "think, closed twice": "<think>a</think> more </think>{}",
    "think at the end": "{}<think>was that right?</think>",
    "think left open at the end": "{}\n<think>was that",
    "thinking": f"<thinking>{HMM}</thinking>{{}}",
    "upper case": "<THINK>hm</THINK>{}",
    "reasoning": "<reasoning>hm</reasoning>{}",
    "brackets": "[THINK]hm[/THINK]{}",
    "triangles": "◁think▷hm◁/think▷{}",
    "tokens": "<|think|>hm<|/think|>{}",
    "seed": "<seed:think>hm</seed:think>{}",
    "channels": "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final"
    "<|message|>{}<|return|>",
    "answer tags": "<think>hm</think><answer>{}</answer>",
    "box tokens": "<think>hm</think><|begin_of_box|>{}<|end_of_box|>",
    "end token": "{}<|im_end|>",
    "fence": "```\n{}\n```",
    "fence with a name": "```json\n{}\n```",
    "fence without end": "```json\n{}",
    "fence, more ticks": "````json\n{}\n````",
    "fence of tildes": "~~~\n{}\n~~~",
    "fence, indented": "  ```json\n  {}\n  ```",
    "fence with words around": "Here it is:\n```json\n{}\n```\nAsk me for more.",
    "fence behind reasoning": f"<think>{HMM}</think>\n```json\n{{}}\n```",
    "windows": "```json\r\n{}\r\n```\r\n",
}


@pytest.mark.parametrize("name", WRAPPINGS)
@pytest.mark.parametrize("reply_format", ["json_schema", "json_object", "text"])
def test_what_models_put_around_an_answer_is_removed(name: str, reply_format: str) -> None:
    content = WRAPPINGS[name].replace("{}", TEXT if reply_format == "text" else JSON)
    if "{{" in content:
        content = content.replace("{{", "{").replace("}}", "}")
    assert read(content, reply_format) == ChatReply("ok", {"caption": TEXT})


def test_reasoning_inside_the_text_of_the_json_is_removed() -> None:
    inside = json.dumps({"caption": f"<think>hm</think>\n{TEXT}"})
    assert read(inside, "json_schema").texts == {"caption": TEXT}
    closing = json.dumps({"caption": f"hm</think>{TEXT}"})
    assert read(closing, "json_schema").texts == {"caption": TEXT}


@pytest.mark.parametrize(
    "text",
    [
        "A sign that says <exit>, a think tank [1] and an analysis of 3 < 4 > 2.",
        "The answer: `code` and ``` in a picture.",
        "A poster: ```text``` on it.",
        "Reasoning about thought, thinking of nothing.",
    ],
)
@pytest.mark.parametrize("reply_format", ["json_schema", "text"])
def test_texts_that_only_look_like_it_stay_as_they_are(text: str, reply_format: str) -> None:
    content = text if reply_format == "text" else json.dumps({"caption": text})
    assert read(content, reply_format).texts == {"caption": text}


def test_reasoning_alone_is_no_caption() -> None:
    for content in ("<think>hm", "<think>hm</think>", "hm</think>\n", "[THINK]hm[/THINK] "):
        for reply_format in ("text", "json_schema"):
            reply = read(content, reply_format)
            assert (reply.status, reply.reason) == (
                "failed",
                "the model's reasoning and no answer",
            )


PARTS = {
    "one": [{"type": "text", "text": "{}"}],
    "text of the newer interface": [{"type": "output_text", "text": "{}"}],
    "reasoning before": [{"type": "reasoning", "text": "hm"}, {"type": "text", "text": "{}"}],
    "thinking in parts": [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "{}"},
    ],
    "redacted thinking, null": [
        {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": None},
        {"type": "text", "text": "{}"},
    ],
    "strings": ["{}"],
    "think in a part": [{"type": "text", "text": "<think>hm</think>"}, {"text": "{}"}],
    "an image": [{"type": "image_url", "image_url": {"url": "x"}}, {"type": "text", "text": "{}"}],
}


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("reply_format", ["json_schema", "text"])
def test_the_texts_of_a_content_in_parts_are_read(name: str, reply_format: str) -> None:
    answer = TEXT if reply_format == "text" else JSON
    content = json.loads(json.dumps(PARTS[name]).replace('"{}"', json.dumps(answer)))
    assert read(content, reply_format).texts == {"caption": TEXT}


def test_a_text_may_be_cut_into_parts() -> None:
    cut = [{"type": "text", "text": JSON[:15]}, {"type": "text", "text": JSON[15:]}]
    assert read(cut, "json_schema").texts == {"caption": TEXT}


def test_a_refusal_may_be_a_part() -> None:
    reply = read([{"type": "refusal", "refusal": "I must not."}], "json_schema")
    assert (reply.status, reply.reason) == ("refused", "I must not.")


def test_reasoning_beside_the_content_is_left_out() -> None:
    beside = {"reasoning_content": "hm", "reasoning": "hm", "reasoning_details": [{"a": 1}]}
    assert read(JSON, "json_schema", **beside).texts == {"caption": TEXT}


@pytest.mark.parametrize("content", [[], [{}], [7], {}, 7, [{"type": "text", "text": 7}], True])
def test_a_content_of_another_form_is_a_failed_reply(content: object) -> None:
    for reply_format in ("json_schema", "text"):
        reply = read(content, reply_format)
        assert reply.status == "failed"
        assert reply.reason


@pytest.mark.parametrize("tokens", [10**400, -1, "many", None])
def test_absurd_usage_is_not_billed(tokens: object) -> None:
    from workflow_scripts.models.chat.parse_reply import usage

    body = json.dumps({"usage": {"prompt_tokens": tokens, "completion_tokens": 3}})
    assert usage(body) is None


@pytest.mark.parametrize("reply_format", ["json_schema", "text"])
def test_lines_are_kept_and_texts_may_be_longer_where_that_is_asked_for(reply_format: str) -> None:
    lines = "\n".join(f"chair at {number}.0 1.0 0.5;" for number in range(500))
    content = lines if reply_format == "text" else json.dumps({"caption": lines})
    body = json.dumps({"choices": [{"message": {"content": f"<think>hm</think>\n{content}\n"}}]})
    settings = {"section": "captions", "redact": str}
    kept = parse_reply(
        body, reply_format, ("caption",), **settings, max_characters=20_000, keep_lines=True
    )
    assert kept == ChatReply("ok", {"caption": lines})
    assert parse_reply(body, reply_format, ("caption",), **settings).status == "failed"
    one_line = parse_reply(body, reply_format, ("caption",), **settings, max_characters=20_000)
    assert one_line.texts["caption"].count("\n") == 0
