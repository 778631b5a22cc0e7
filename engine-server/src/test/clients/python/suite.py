"""OpenAI's Python client against a server of the model that ships.

python suite.py URL KEY CHAT, where CHAT is a file with a request whose answer is known. Prints one
line per check and, last, their number; leaves with 1 after a failure.
"""

import datetime
import json
import sys
import time
import traceback
import typing
import urllib.request

import openai
import pydantic

URL, KEY = sys.argv[1:3]
CHAT = json.load(open(sys.argv[3], encoding="utf-8"))["messages"]
ANSWER = "Crate 149 holds canvas bells."
OPEN = [{"role": "user", "content": "The tide"}]
SHORT = [{"role": "user", "content": "What is in crate 12?"}]

client = openai.OpenAI(base_url=URL + "/v1", api_key=KEY, max_retries=0)
checks = []


def check(function):
    checks.append(function)
    return function


def raises(kind, call):
    try:
        call()
    except kind as error:
        assert type(error) is kind, type(error)
        return error
    raise AssertionError(f"no {kind.__name__}")


@check
def models():
    ids = [model.id for model in client.models.list()]
    assert ids == ["haystack"], ids
    assert client.models.retrieve("haystack").id == "haystack"


@check
def chat():
    answer = client.chat.completions.create(model="haystack", messages=CHAT)
    choice = answer.choices[0]
    assert choice.message.content == ANSWER, choice.message.content
    assert choice.message.role == "assistant" and choice.finish_reason == "stop"
    usage = answer.usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert usage.prompt_tokens > 3000


@check
def streaming_with_usage():
    stream = client.chat.completions.create(
        model="haystack", messages=CHAT, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == ANSWER, text
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert not chunks[-1].choices and chunks[-1].usage.completion_tokens > 1
    assert all(c.usage is None for c in chunks[:-1])
    assert chunks[-1].usage.prompt_tokens_details.cached_tokens > 3000


@check
def logprobs():
    answer = client.chat.completions.create(
        model="haystack", messages=SHORT, max_tokens=5, logprobs=True, top_logprobs=3
    )
    tokens = answer.choices[0].logprobs.content
    assert "".join(token.token for token in tokens) == answer.choices[0].message.content
    for token in tokens:
        assert token.logprob <= 0 and len(token.top_logprobs) == 3
        assert bytes(token.bytes).decode() == token.token
        assert token.top_logprobs[0].logprob >= token.logprob


@check
def completion_logprobs_and_echo():
    answer = client.completions.create(
        model="haystack", prompt="The tide was", max_tokens=0, echo=True, logprobs=2
    )
    logprobs = answer.choices[0].logprobs
    assert answer.choices[0].text == "The tide was"
    assert "".join(logprobs.tokens) == "The tide was"
    assert logprobs.token_logprobs[0] is None and logprobs.token_logprobs[1] < 0


@check
def several_choices_and_seeds():
    def texts(n, seed):
        answer = client.chat.completions.create(
            model="haystack", messages=OPEN, n=n, seed=seed, temperature=2, max_tokens=20
        )
        assert [choice.index for choice in answer.choices] == list(range(n))
        return [choice.message.content for choice in answer.choices]

    several = texts(3, 7)
    assert len(set(several)) == 3, several
    assert texts(3, 7) == several
    assert texts(3, 8) != several


@check
def best_of():
    answer = client.completions.create(
        model="haystack", prompt="Crate", n=2, best_of=4, max_tokens=4, temperature=1, seed=1
    )
    assert len(answer.choices) == 2 and answer.usage.completion_tokens == 16


@check
def stop():
    answer = client.chat.completions.create(model="haystack", messages=CHAT, stop=[" holds"])
    assert answer.choices[0].message.content == "Crate 149"
    assert answer.choices[0].finish_reason == "stop"


@check
def penalties_and_bias():
    token = json.load(
        urllib.request.urlopen(
            urllib.request.Request(
                URL + "/tokenize",
                json.dumps({"prompt": "Z", "add_special_tokens": False}).encode(),
                {"Content-Type": "application/json", "Authorization": "Bearer " + KEY},
            )
        )
    )["tokens"][0]
    answer = client.chat.completions.create(
        model="haystack",
        messages=SHORT,
        max_tokens=4,
        logit_bias={str(token): 100},
        presence_penalty=0.5,
        frequency_penalty=0.5,
    )
    assert answer.choices[0].message.content == "ZZZZ", answer.choices[0].message.content


@check
def bad_words():
    plain = client.chat.completions.create(model="haystack", messages=CHAT)
    without = client.chat.completions.create(
        model="haystack", messages=CHAT, extra_body={"bad_words": ["canvas"]}
    )
    assert "canvas" in plain.choices[0].message.content
    assert "canvas" not in without.choices[0].message.content, without


@check
def structured_output():
    schema = {
        "type": "object",
        "properties": {"crate": {"type": "integer"}, "what": {"enum": ["rope", "bells"]}},
        "required": ["crate", "what"],
        "additionalProperties": False,
    }
    answer = client.chat.completions.create(
        model="haystack",
        messages=SHORT,
        max_tokens=200,
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "crate", "strict": True, "schema": schema},
        },
    )
    value = json.loads(answer.choices[0].message.content)
    assert isinstance(value["crate"], int) and value["what"] in ("rope", "bells")


@check
def tool_calls():
    parameters = {
        "type": "object",
        "properties": {"crate": {"type": "integer"}, "bay": {"enum": ["north", "south"]}},
        "required": ["crate", "bay"],
        "additionalProperties": False,
    }
    tools = [
        {"type": "function", "function": {"name": "look", "parameters": parameters}},
        {"type": "function", "function": {"name": "wait"}},
    ]

    def check_call(function):
        assert function.name == "look", function
        arguments = json.loads(function.arguments)
        assert isinstance(arguments["crate"], int) and arguments["bay"] in ("north", "south")

    fields = {
        "model": "haystack",
        "messages": SHORT,
        "max_tokens": 200,
        "tools": tools,
        "tool_choice": {"type": "function", "function": {"name": "look"}},
    }
    choice = client.chat.completions.create(**fields).choices[0]
    assert choice.finish_reason == "tool_calls" and choice.message.content is None
    assert len(choice.message.tool_calls) == 1
    check_call(choice.message.tool_calls[0].function)
    deltas = [
        call
        for chunk in client.chat.completions.create(**fields, stream=True)
        for call in chunk.choices[0].delta.tool_calls or []
    ]
    assert len(deltas) > 3, "arguments come piece by piece"
    assert deltas[0].id and deltas[0].function.name == "look" and deltas[0].type == "function"
    assert all(call.id is None and call.function.name is None for call in deltas[1:])
    assert {call.index for call in deltas} == {0}
    arguments = "".join(call.function.arguments for call in deltas)
    assert arguments == choice.message.tool_calls[0].function.arguments, arguments
    with client.chat.completions.stream(**fields) as stream:
        kinds = [event.type for event in stream]
        message = stream.get_final_completion().choices[0].message
    check_call(message.tool_calls[0].function)
    assert message.tool_calls[0].function.arguments == arguments
    assert kinds.count("tool_calls.function.arguments.delta") > 3
    assert kinds.count("tool_calls.function.arguments.done") == 1
    history = SHORT + [
        choice.message,
        {"role": "tool", "tool_call_id": choice.message.tool_calls[0].id, "content": "rope"},
    ]
    answer = client.chat.completions.create(
        model="haystack", messages=history, tools=tools, tool_choice="auto", max_tokens=5
    )
    assert answer.usage.completion_tokens > 0


@check
def parallel_tool_calls():
    bay = {
        "type": "object",
        "properties": {"bay": {"enum": ["north", "south"]}},
        "required": ["bay"],
        "additionalProperties": False,
    }
    answer = client.chat.completions.create(
        model="haystack",
        messages=SHORT,
        max_tokens=400,
        tools=[
            {"type": "function", "function": {"name": name, "parameters": bay}}
            for name in ("look", "wait")
        ],
        tool_choice="required",
        parallel_tool_calls=True,
        stream=True,
        # One call is shorter, and nothing but more calls may follow it.
        extra_body={"min_tokens": 100},
    )
    calls = {}
    for chunk in answer:
        for call in chunk.choices[0].delta.tool_calls or []:
            name, arguments = calls.get(call.index, ("", ""))
            calls[call.index] = (
                name + (call.function.name or ""),
                arguments + call.function.arguments,
            )
    assert len(calls) > 1 and sorted(calls) == list(range(len(calls))), calls
    for name, arguments in calls.values():
        assert name in ("look", "wait"), name
        assert json.loads(arguments)["bay"] in ("north", "south"), arguments


@check
def parsed_output():
    class Crate(pydantic.BaseModel):
        number: int = pydantic.Field(ge=100, lt=900)
        bay: typing.Literal["north", "south"]
        weight: float = pydantic.Field(gt=0, le=50.5)
        label: str = pydantic.Field(pattern="^[A-Z]{2}-[0-9]{3}$")
        since: datetime.date

    fields = {"model": "haystack", "messages": SHORT, "max_tokens": 400}
    answer = client.chat.completions.parse(**fields, response_format=Crate)
    crate = answer.choices[0].message.parsed
    # pydantic has checked the limits, too.
    assert isinstance(crate, Crate) and crate.bay in ("north", "south"), crate
    tool = openai.pydantic_function_tool(Crate)
    answer = client.chat.completions.parse(**fields, tools=[tool], tool_choice="required")
    call = answer.choices[0].message.tool_calls[0].function
    assert isinstance(call.parsed_arguments, Crate), call


@check
def errors():
    def create(**fields):
        return lambda: client.chat.completions.create(
            **{"model": "haystack", "messages": SHORT, **fields}
        )

    error = raises(openai.BadRequestError, create(temperature=3))
    assert error.status_code == 400 and error.param == "temperature", error.param
    error = raises(openai.BadRequestError, create(messages=[{"role": "robot", "content": "x"}]))
    assert error.param == "messages[0].role"
    error = raises(openai.NotFoundError, create(model="other"))
    assert error.code == "model_not_found"
    error = raises(openai.BadRequestError, create(messages=[{"role": "user", "content": "x " * 20000}]))
    assert error.code == "context_length_exceeded"
    stranger = openai.OpenAI(base_url=URL + "/v1", api_key="wrong", max_retries=0)
    error = raises(openai.AuthenticationError, stranger.models.list)
    assert error.code == "invalid_api_key"


@check
def cancellation():
    stream = client.completions.create(
        model="haystack",
        prompt="The tide",
        max_tokens=7000,
        stream=True,
        extra_body={"ignore_eos": True},
    )
    next(iter(stream))
    assert load() == 1
    stream.close()
    deadline = time.monotonic() + 120
    while load() > 0:
        assert time.monotonic() < deadline, "still running"
        time.sleep(0.05)


def load():
    return json.load(urllib.request.urlopen(URL + "/load"))["server_load"]


def main():
    failed = 0
    for function in checks:
        try:
            function()
            print("ok", function.__name__, flush=True)
        except Exception:
            failed += 1
            print("FAILED", function.__name__, flush=True)
            traceback.print_exc(file=sys.stdout)
    print(len(checks) - failed, "passed,", failed, "failed")
    sys.exit(1 if failed else 0)


main()
