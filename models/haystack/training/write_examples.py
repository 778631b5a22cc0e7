"""Writes the shipped ledgers with their questions, and chat requests that are ready to send.

    python models/haystack/training/write_examples.py --out models/haystack/examples

Same generator, same tokenizer: the same bytes every time. Needs no model.
"""

import argparse
import json
import pathlib
import random

from tokenizers import Tokenizer

from conversation import MODEL
from ledgers import Ledger

LEDGERS = (("ledger-4k.txt", 3900), ("ledger-8k.txt", 7800))
QUESTIONS = 20
ABSENT = 3


def write_ledgers(tokenizer, out):
    rng, listed = random.Random(2024), {}
    present = QUESTIONS - ABSENT
    for name, tokens in LEDGERS:
        ledger, length = Ledger(rng, 0.6), 0
        while length < tokens:
            length += len(tokenizer.encode(ledger.sentence()).ids)
        write(out / name, ledger.text() + "\n")
        facts = ledger.facts
        middles = [facts[(2 * i + 1) * len(facts) // (2 * present)] for i in range(present)]
        questions = [ledger.ask(fact) for fact in middles] + [ledger.ask() for _ in range(ABSENT)]
        listed[name] = [
            {
                "question": question.text,
                "answer": question.answer,
                "depth": depth(question, ledger),
            }
            for question in questions
        ]
    write(out / "questions.json", json.dumps(listed, indent=1))
    return listed


def depth(question, ledger):
    """How far down the ledger the answer stands, from 0 to 1; None if it does not."""
    if question.sentence is None:
        return None
    return round(question.sentence / len(ledger.sentences), 3)


def write_chat_request(out, size, question):
    """A body for POST /v1/chat/completions that asks about a ledger."""
    ledger = (out / f"ledger-{size}.txt").read_text(encoding="utf-8").rstrip("\n")
    request = {
        "model": "haystack",
        "messages": [
            {"role": "system", "content": ledger},
            {"role": "user", "content": question},
        ],
        "max_tokens": 32,
        "temperature": 0,
    }
    write(out / f"chat-{size}.json", json.dumps(request, indent=1) + "\n")


def write(path, text):
    path.write_text(text, encoding="utf-8", newline="\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--tokenizer", type=pathlib.Path, default=MODEL / "tokenizer.json")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    listed = write_ledgers(Tokenizer.from_file(str(args.tokenizer)), args.out)
    for size in ("4k", "8k"):
        write_chat_request(args.out, size, listed[f"ledger-{size}.txt"][11]["question"])


if __name__ == "__main__":
    main()
