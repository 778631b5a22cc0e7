"""Training rows: token ids, which of them belong to answers, and their positions.

Rows are shorter than the contexts the model is for. Their positions get random gaps, up to the
full context, so that short rows already train long distances.
"""

import math

import numpy as np
import torch

from conversation import ASSISTANT, BOS, END, SYSTEM, USER
from ledgers import KINDS, RELATIONS, SMALL_TALK, Ledger

CONTEXT = 8192
TOKENS_PER_SENTENCE = 10.6
"""Mean over ledgers; decides how many sentences a row gets."""


def dialogue_row(rng, tokenizer, length):
    """A ledger with questions and answers, cut to length."""
    ledger = Ledger(
        rng,
        rng.uniform(0.35, 0.9),
        rng.choice([0.0, 0.05, 0.1]),
        rng.choice([0.0, 0.0, 0.05, 0.15]),
    )
    share = rng.uniform(0.25, 0.7) if length < 2000 else rng.uniform(0.5, 0.85)
    count = max(2, int(length * share / TOKENS_PER_SENTENCE))
    sentences = [ledger.sentence() for _ in range(count)]
    own_turn = rng.random() < 0.5
    questions = ledger.questions(rng.choice([0.1, 0.25, 0.5]))
    turns = []
    for _ in range(max(4, int((length - 9 * count) / 14) + 2)):
        small_talk = rng.random() < 0.015
        turns.append(rng.choice(SMALL_TALK) if small_talk else next(questions)[:2])
    joined_question = "" if own_turn else "\n\n" + turns[0][0]
    texts = sentences + [joined_question] + [text for turn in turns for text in turn]
    encoded = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    pairs = encoded[count + 1 :]
    ids, starts = [BOS, SYSTEM if own_turn else USER], []
    for part in encoded[:count]:
        starts.append(len(ids))
        ids += part
    if own_turn:
        starts.append(len(ids))
        ids.append(END)
    in_answer = [0] * len(ids)
    for i in range(len(turns)):
        starts.append(len(ids))
        joined = i == 0 and not own_turn
        question = encoded[count] if joined else [USER] + pairs[2 * i]
        question, answer = question + [END, ASSISTANT], pairs[2 * i + 1] + [END]
        ids += question + answer
        in_answer += [0] * len(question) + [1] * len(answer)
        if len(ids) > length:
            break
    if len(ids) < length + 1:  # too few questions fitted, which is rare
        return dialogue_row(rng, tokenizer, length)
    return ids[: length + 1], in_answer[: length + 1], spread(rng, length, starts, 0.8)


def drill_row(rng, tokenizer, length):
    """A few facts, then the same facts over and over in new orders: dense practice in binding."""
    ledger = Ledger(rng, 1.0, 0.0)
    kinds = rng.choice([KINDS, KINDS] + [[kind] for kind in KINDS])
    count = rng.randint(3, max(4, min(36, length // 18)))
    facts = [
        (kind, ledger.unused[kind].pop(), ledger.draw_value(kind))
        for kind in rng.choices(kinds, k=count)
    ]
    plain_share = rng.choice([0.4, 1.0])
    first, again = [], []
    for kind, key, value in facts:
        relation = RELATIONS[kind]
        form = relation.answer if rng.random() < plain_share else rng.choice(relation.records)
        first.append(" " + form.format(k=key, v=value, b=rng.randint(1, 20)))
        again.append(" " + relation.answer.format(k=key, v=value))
    encoded = [encoding.ids for encoding in tokenizer.encode_batch(first + again)]
    ids, starts = [BOS, USER], []
    for part in encoded[:count]:
        starts.append(len(ids))
        ids += part
    in_answer = [0] * len(ids)
    while len(ids) <= length:
        for i in rng.sample(range(count), count):
            part = encoded[count + i]
            # Which fact comes next cannot be known, so the words up to the key do not count.
            unknown = 4 if facts[i][0] == "keeper" else 2
            ids += part
            in_answer += [0] * unknown + [1] * (len(part) - unknown)
    return ids[: length + 1], in_answer[: length + 1], spread(rng, length, starts, 0.5)


def spread(rng, length, starts, share):
    """Positions 0, 1, ...; in this share of the rows with gaps at some of the starts."""
    positions, room = np.arange(length), CONTEXT - 1 - length
    if room > 0 and rng.random() < share:
        extra = int(math.exp(rng.uniform(math.log(16), math.log(room + 16)))) - 16
        cuts = [start for start in starts if start < length]
        cuts = sorted(rng.sample(cuts, min(len(cuts), rng.randint(1, 12))))
        parts = np.array([rng.expovariate(1.0) for _ in cuts])
        for cut, gap in zip(cuts, np.floor(parts / parts.sum() * extra).astype(int)):
            positions[cut:] += gap
    return positions


def batch(rng, tokenizer, length, rows, drill):
    """Inputs, targets, answer mask and positions, each [rows, length]."""
    make = drill_row if drill else dialogue_row
    made = [make(rng, tokenizer, length) for _ in range(rows)]
    ids, in_answer, positions = (
        torch.tensor(np.array([row[i] for row in made])) for i in range(3)
    )
    return ids[:, :-1], ids[:, 1:], in_answer[:, 1:].bool(), positions
