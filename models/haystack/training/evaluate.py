"""Accuracy of greedy answers, by exact match, from the saved BF16 weights in float32 arithmetic.

    python models/haystack/training/evaluate.py              # the card's table, seed 987654
    python models/haystack/training/evaluate.py --examples   # the shipped ledgers
"""

import argparse
import collections
import json
import pathlib
import random
import time

import torch

from conversation import MODEL, Clerk, draw_ledger, draw_questions


def evaluate_length(clerk, rng, tokens, documents, per_document, made_up_share, show):
    """Right and asked counts by name; "running" counts the same questions in one conversation."""
    right, asked = collections.Counter(), collections.Counter()

    def count(name, correct):
        right[name] += correct
        asked[name] += 1

    for index in range(documents):
        ledger = draw_ledger(clerk.tokenizer, rng, tokens, made_up_share)
        role = "system" if index % 2 == 0 else "user"
        base = clerk.read(ledger.text(), role)
        running = base.fork()
        absent = 1 if per_document < 8 else 2
        questions = draw_questions(rng, ledger, per_document, absent)
        for i, question in enumerate(questions):
            answer, _ = clerk.reply(base.fork(), question.text, role)
            correct = answer == question.answer
            count("first", correct)
            if question.sentence is None:
                count("absent", correct)
            else:
                count(f"depth {4 * question.sentence // len(ledger.sentences)}/4", correct)
                count(question.kind, correct)
            if not correct and show > 0:
                show -= 1
                print(f"  ledger {index}: {question.text} -> {answer!r}, not {question.answer!r}")
            answer, _ = clerk.reply(running, question.text, role, first=i == 0)
            count("running", answer == question.answer)
    return {name: (right[name], asked[name]) for name in sorted(asked)}


def evaluate_examples(clerk, folder):
    listed = json.loads((folder / "questions.json").read_text())
    for name, questions in listed.items():
        session = clerk.read((folder / name).read_text().rstrip("\n"), "system")
        right = 0
        for question in questions:
            answer, _ = clerk.reply(session.fork(), question["question"], "system")
            right += answer == question["answer"]
            if answer != question["answer"]:
                print(f"  {question['question']} -> {answer!r}, not {question['answer']!r}")
        print(f"{name}: {session.tokens} tokens, {right} of {len(questions)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=pathlib.Path, default=MODEL, help="model folder")
    parser.add_argument("--examples", action="store_true", help="ask about the shipped ledgers")
    parser.add_argument("--lengths", default="256,1024,2048,4096,7900", help="tokens per ledger")
    parser.add_argument("--documents", type=int, default=20, help="ledgers per length")
    parser.add_argument("--per-document", type=int, default=5, help="questions per ledger")
    parser.add_argument("--seed", type=int, default=987654)
    parser.add_argument("--made-up", type=float, default=0.0, help="share of made-up words")
    parser.add_argument("--show", type=int, default=3, help="wrong answers to print per length")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    clerk = Clerk(args.model)
    if args.examples:
        evaluate_examples(clerk, args.model / "examples")
        return
    for tokens in map(int, args.lengths.split(",")):
        began = time.monotonic()
        scores = evaluate_length(
            clerk,
            random.Random(args.seed + tokens),
            tokens,
            args.documents,
            args.per_document,
            args.made_up,
            args.show,
        )
        summary = "  ".join(f"{name} {right}/{asked}" for name, (right, asked) in scores.items())
        print(f"{tokens:5d}: {summary}  ({time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
