"""Records what transformers' apply_chat_template makes of the templates in this folder.

    pip install transformers==5.18.0 jinja2==3.1.6
    python make_expected.py

Writes expected.json beside itself: cases of {template, conversation, addGenerationPrompt,
continueFinalMessage, variables}, where variables are names in variables.json or values, and of each
either the output, or the rejection (the message of the template's raise_exception), or the error.
"""

import datetime
import json
import pathlib

import jinja2
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

HERE = pathlib.Path(__file__).parent
HAYSTACK = HERE.parents[5] / "models" / "haystack" / "tokenizer_config.json"
NOW = datetime.datetime(2026, 3, 7, 16, 5, 9)
CONVERSATIONS = json.loads((HERE / "conversations.json").read_text("utf-8"))
VARIABLES = json.loads((HERE / "variables.json").read_text("utf-8"))
TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}

# Besides the plain rendering of every conversation, with a generation prompt.
WITHOUT_PROMPT = ["user", "several turns", "ends with assistant", "thinking"]
WITH_TOOLS = ["user", "system and user", "tool call", "two calls"]
CONTINUED = ["ends with assistant", "ends with assistant and space", "thinking", "parts", "tool call"]
SWITCHES = {
    "qwen3": [{"enable_thinking": True}, {"enable_thinking": False}],
    "llama3.1": [
        {"date_string": "26 Jul 2024"},
        {"tools": "$tools", "tools_in_user_message": False},
        {"builtin_tools": "$builtin_tools"},
        {"custom_tools": "$tools"},
    ],
    "documents": [
        {"documents": "$documents"},
        {"documents": "$documents", "most_documents": 9},
        {"documents": []},
    ],
    "chatml": [{"bos_token": "other"}],
    "llama2": [{"bos_token": "other"}],
}


class FixedTime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


def templates():
    found = {file.stem: file.read_text("utf-8") for file in sorted(HERE.glob("*.jinja"))}
    found["haystack"] = json.loads(HAYSTACK.read_text("utf-8"))["chat_template"]
    return found


def cases(template):
    plain = {"template": template, "addGenerationPrompt": True}
    for title in CONVERSATIONS:
        yield {**plain, "conversation": title}
    for title in WITHOUT_PROMPT:
        yield {**plain, "conversation": title, "addGenerationPrompt": False}
    for title in WITH_TOOLS:
        yield {**plain, "conversation": title, "variables": {"tools": "$tools"}}
    for title in CONTINUED:
        yield {
            "template": template,
            "conversation": title,
            "addGenerationPrompt": False,
            "continueFinalMessage": True,
        }
    for variables in SWITCHES.get(template, []):
        for title in ["user", "two calls", "tool call", "thinking", "parts"]:
            yield {**plain, "conversation": title, "variables": variables}


def resolve(variables):
    return {
        name: VARIABLES[value[1:]] if isinstance(value, str) and value.startswith("$") else value
        for name, value in variables.items()
    }


def run(tokenizer, source, case):
    tokenizer.chat_template = source
    try:
        case["output"] = tokenizer.apply_chat_template(
            CONVERSATIONS[case["conversation"]],
            tokenize=False,
            add_generation_prompt=case["addGenerationPrompt"],
            continue_final_message=case.get("continueFinalMessage", False),
            **resolve(case.get("variables", {})),
        )
    except Exception as e:
        # Jinja's own errors are of subclasses.
        kind = "rejection" if type(e) is jinja2.exceptions.TemplateError else "error"
        case[kind] = str(e).split("\n")[0] if kind == "error" else str(e)
    return case


def main():
    chat_template_utils.datetime = FixedTime
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), **TOKENS)
    done = [
        run(tokenizer, source, case)
        for name, source in templates().items()
        for case in cases(name)
    ]
    expected = {"now": NOW.isoformat(), "specialTokens": TOKENS, "cases": done}
    text = json.dumps(expected, ensure_ascii=False, indent=0)
    (HERE / "expected.json").write_text(text + "\n", encoding="utf-8")
    for kind in ("output", "rejection", "error"):
        print(kind, sum(kind in case for case in done))


if __name__ == "__main__":
    main()
