"""Writes the evaluation set: ledgers, questions, expected answers and this reference's answers.

    python models/haystack/training/write_evaluation.py --out models/haystack/evaluation

Each length has a file of its own. Its ledgers and their first five questions are those that
evaluate.py draws with the same seed; for 7,900 tokens the question that the reference gets wrong
is among them. Further questions, drawn apart so that they change nothing, bring each file to a
hundred.
"""

import argparse
import json
import pathlib
import random

import torch

from conversation import MODEL, Clerk, draw_ledger, draw_questions

CARD_QUESTIONS = 5
QUESTIONS = 100
CHOSEN = {
    256: range(20),
    1024: range(20),
    2048: range(10),
    4096: range(5),
    7900: (0, 1, 3, 4),
}
"""Tokens to the indices, among the card's twenty ledgers, of those that are written."""


def evaluation(clerk, seed, tokens, chosen):
    """One length's ledgers, those with the ``chosen`` indices among the card's twenty."""
    rng, documents = random.Random(seed + tokens), []
    per_document = QUESTIONS // len(chosen)
    for index in range(max(chosen) + 1):
        ledger = draw_ledger(clerk.tokenizer, rng, tokens)
        questions = draw_questions(rng, ledger, CARD_QUESTIONS, 1)
        if index not in chosen:
            continue
        ledger.rng = random.Random(f"{seed}/{tokens}/{index}")
        more = per_document - len(questions)
        if more:
            questions += draw_questions(ledger.rng, ledger, more, more // 5)
        documents.append(document(clerk, index, ledger.text(), questions))
    answers = [question for d in documents for question in d["questions"]]
    return {
        "tokens": tokens,
        "seed": seed,
        "questions": len(answers),
        "reference_right": sum(q["reference"] == q["answer"] for q in answers),
        "documents": documents,
    }


def document(clerk, index, text, questions):
    role = "system" if index % 2 == 0 else "user"
    base = clerk.read(text, role)
    entries = []
    for question in questions:
        reference, margin = clerk.reply(base.fork(), question.text, role)
        turn = clerk.turn(question.text, role)
        check_prompt(clerk, text, question.text, role, turn)
        entries.append(
            {
                "question": question.text,
                "answer": question.answer,
                "reference": reference,
                "margin": round(margin, 3),
                "prompt_tokens": base.tokens + len(turn),
            }
        )
    return {"index": index, "role": role, "text": text, "questions": entries}


def check_prompt(clerk, text, question, role, turn):
    """The pieces fed one by one must be what the chat template gives as a whole."""
    if role == "system":
        whole = f"<|bos|><|system|>{text}<|end|><|user|>{question}<|end|><|assistant|>"
    else:
        whole = f"<|bos|><|user|>{text}\n\n{question}<|end|><|assistant|>"
    if clerk.encode(whole) != clerk.opening(text, role) + turn:
        raise AssertionError(f"the template tokenizes otherwise: {question}")


def to_json(result):
    """JSON with a line for each ledger and each question."""

    def dump(value):
        return json.dumps(value, separators=(",", ":"))

    head = {key: value for key, value in result.items() if key != "documents"}
    parts = []
    for entry in result["documents"]:
        about = {key: value for key, value in entry.items() if key != "questions"}
        questions = ",\n".join(dump(question) for question in entry["questions"])
        parts.append(f'{dump(about)[:-1]},"questions":[\n{questions}]}}')
    return f'{dump(head)[:-1]},"documents":[\n' + ",\n".join(parts) + "]}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=pathlib.Path, default=MODEL, help="model folder")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=987654)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--lengths", default=",".join(map(str, CHOSEN)), help="which to write")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    clerk = Clerk(args.model)
    args.out.mkdir(parents=True, exist_ok=True)
    for tokens in map(int, args.lengths.split(",")):
        result = evaluation(clerk, args.seed, tokens, CHOSEN[tokens])
        path = args.out / f"ledgers-{tokens}.json"
        path.write_text(to_json(result), encoding="utf-8", newline="\n")
        print(f"{path}: reference {result['reference_right']} of {result['questions']}", flush=True)


if __name__ == "__main__":
    main()
