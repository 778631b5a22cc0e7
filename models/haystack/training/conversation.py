"""Greedy conversations with the ledger model, and the test questions the evaluations ask."""

import pathlib

import torch
from tokenizers import Tokenizer

from ledgers import Ledger
from llama import load_model

MODEL = pathlib.Path(__file__).resolve().parent.parent
"""The folder of the shipped model."""

SPECIAL_TOKENS = ["<|bos|>", "<|end|>", "<|pad|>", "<|system|>", "<|user|>", "<|assistant|>"]
BOS, END, PAD, SYSTEM, USER, ASSISTANT = range(6)


class Session:
    """A conversation with a KV cache of its own. Its forks share what was said so far."""

    def __init__(self, model, caches=None, tokens=0):
        self.model = model
        self.tokens = tokens
        self.caches = [list(c) for c in caches] if caches else [[] for _ in model.model.layers]

    def fork(self):
        return Session(self.model, self.caches, self.tokens)

    @torch.no_grad()
    def feed(self, ids):
        """Appends ids; the logits after the last of them."""
        hidden = self.model.hidden(torch.tensor([ids]), caches=self.caches, start=self.tokens)
        self.tokens += len(ids)
        return self.model.logits(hidden[:, -1])[0]

    def answer(self, ids, limit=24):
        """Appends ids and a greedy answer with its ``<|end|>``.

        Returns the answer's ids without ``<|end|>``, and the smallest distance between the best
        and the second-best logit over all tokens generated, ``<|end|>`` included.
        """
        answer, margin, logits = [], float("inf"), self.feed(ids)
        while len(answer) < limit:
            best = torch.topk(logits, 2)
            margin = min(margin, float(best.values[0] - best.values[1]))
            token = int(best.indices[0])
            logits = self.feed([token])
            if token == END:
                break
            answer.append(token)
        return answer, margin


class Clerk:
    """The model with its tokenizer. ``role`` says which turn holds the ledger: in "system" it has
    a turn of its own; in "user" it precedes the first question, with a blank line between."""

    def __init__(self, folder):
        self.model = load_model(folder)
        self.tokenizer = Tokenizer.from_file(str(pathlib.Path(folder) / "tokenizer.json"))

    def encode(self, text):
        return self.tokenizer.encode(text).ids

    def opening(self, text, role):
        """The token ids of a prompt up to the end of the ledger."""
        if role == "system":
            return [BOS, SYSTEM] + self.encode(text) + [END]
        return [BOS, USER] + self.encode(text)

    def turn(self, question, role, first=True):
        """The token ids that ask a question, right after the ledger if ``first``."""
        if first and role == "user":
            return self.encode("\n\n" + question) + [END, ASSISTANT]
        return [USER] + self.encode(question) + [END, ASSISTANT]

    def read(self, text, role):
        """A session that has read the ledger and awaits the first question."""
        session = Session(self.model)
        session.feed(self.opening(text, role))
        return session

    def reply(self, session, question, role, first=True):
        """Asks in this session; the answer's text and its smallest margin."""
        ids, margin = session.answer(self.turn(question, role, first))
        return self.tokenizer.decode(ids), margin


def draw_ledger(tokenizer, rng, tokens, made_up_share=0.0):
    """A ledger of about this many tokens with a random density of facts."""
    ledger = Ledger(rng, rng.uniform(0.4, 0.9), 0.06, made_up_share)
    length = 0
    while length < tokens:
        length += len(tokenizer.encode(ledger.sentence()).ids)
    return ledger


def draw_questions(rng, ledger, count, absent):
    """``absent`` questions about missing facts, then facts at evenly spread depths."""
    questions = [ledger.ask() for _ in range(absent)]
    present = count - absent
    facts = ledger.facts
    for i in range(present):
        at = int((i + rng.random()) * len(facts) / present)
        questions.append(ledger.ask(facts[min(len(facts) - 1, at)]))
    return questions
