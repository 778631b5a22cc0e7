"""Synthetic harbour ledgers, and questions about them with their answers.

A ledger mixes records (a key and a value: crate to goods, ship to captain, ship to port, cape to
lamp keeper) with sentences that say nothing of use. Keys and values are drawn anew for every
ledger, so an answer can come from nowhere but the ledger in the prompt.

Run as a script, it prints a short ledger with six questions:

    python models/haystack/training/ledgers.py --seed 1
"""

import argparse
import random
from typing import NamedTuple

SHIPS = """
    Tern Heron Kestrel Osprey Plover Curlew Gannet Petrel Puffin Swift Raven Falcon Merlin Harrier
    Linnet Dunlin Avocet Egret Bittern Godwit Lapwing Marten Otter Badger Beaver Marlin Salmon
    Dolphin Narwhal Walrus Comet Meteor Aurora Zephyr Mistral Monsoon Tempest Thunder Anvil Lantern
    Compass Sextant Anchor Beacon Bramble Thistle Heather Juniper Hazel Rowan Willow Alder Cedar
    Laurel Myrtle Ivy Clover Poppy Iris Violet
    """.split()
FIRST_NAMES = """
    Orla Tomas Greta Anton Mira Jonas Edda Felix Nora Silas Vera Hugo Lena Oskar Petra Rufus Selma
    Viktor Wanda Yuri Alma Bruno Clara Dario Elsa Franz Hilda Ivo Karin Lars Marta Nils
    """.split()
LAST_NAMES = """
    Venn Marsh Holt Brandt Quill Stroud Pike Farrow Lund Moss Thorn Vance Wick Yarrow Abbot Birch
    Crane Dale Ekman Frost Gale Hobbs Irwin Joyce Keel Lowe Munro North Orchard Penn Reeve Sharp
    Tully Underhill Voss Webb York Zander Ashby Booth
    """.split()
MATERIALS = """
    copper silver iron brass amber cedar linen cotton woollen leather glass marble ivory bronze
    velvet paper walnut granite wax clay pewter silk canvas oak steel bamboo coral slate maple
    rubber
    """.split()
GOODS = """
    wire bells nails lamps bowls rope masks coins cups plates chains buttons combs tiles hinges
    spoons boxes needles rings hooks gloves pipes beads frames keys clocks brushes buckets kettles
    dolls
    """.split()
PORTS = """
    Bergen Cadiz Dover Esbjerg Faro Genoa Havana Izmir Jaffa Kiel Lisbon Malta Naples Odessa
    Palermo Quebec Riga Seville Trieste Utrecht Varna Wismar Yalta Zadar Ancona Brest Calais Danzig
    Emden Fiume Ghent Hamburg Ibiza Lagos Madras Narvik Oslo Porto Rabat Split
    """.split()
CAPES = """
    Farpoint Greystone Hollow Kettle Longreach Mossbank Nettle Oldgate Pinehead Quarry Redcliff
    Sandbar Tallow Umber Vixen Whitby Yewtree Ashcombe Blackrock Coldwell Duncraig Eastness Foxhole
    Gorse Highmoor Inverness Jackdaw Kilbride Lowmere Millrace Norwick Otterburn Pebble Ravenscar
    Saltmarsh Thornhill Ullswater Westbay Wyvern Stonewick
    """.split()
CRATES = [str(number) for number in range(100, 1000)]


class Relation(NamedTuple):
    """One kind of fact: how a ledger states it, how it is asked and how it is answered."""

    records: list[str]
    questions: list[str]
    answer: str
    absent: str
    """The answer when the ledger lacks the fact."""
    mentions: list[str]
    """Sentences that name a key without its value."""
    keys: list[str]


RELATIONS = {
    "crate": Relation(
        records=[
            "Crate {k} holds {v}.",
            "Crate {k} in bay {b} holds {v}.",
            "Crate {k}, sealed in wax, holds {v}.",
            "The clerk opened crate {k} and found {v}.",
            "In bay {b} stands crate {k}, packed with {v}.",
        ],
        questions=[
            "What does crate {k} hold?",
            "What is in crate {k}?",
            "What was packed in crate {k}?",
        ],
        answer="Crate {k} holds {v}.",
        absent="Crate {k} is not in the ledger.",
        mentions=["A porter moved crate {k} {w}.", "Crate {k} was weighed {w}."],
        keys=CRATES,
    ),
    "captain": Relation(
        records=[
            "The {k} is commanded by Captain {v}.",
            "The {k} sails under Captain {v}.",
            "The {k}, an old brig, answers to Captain {v}.",
        ],
        questions=["Who commands the {k}?", "Who is the captain of the {k}?"],
        answer="The {k} is commanded by Captain {v}.",
        absent="The {k} has no captain in the ledger.",
        mentions=["The {k} was painted {w}."],
        keys=SHIPS,
    ),
    "port": Relation(
        records=[
            "The {k} is bound for {v}.",
            "The {k} took on water and made for {v}.",
            "From here the {k} goes on to {v}.",
        ],
        questions=["Where is the {k} bound?", "Which port is the {k} bound for?"],
        answer="The {k} is bound for {v}.",
        absent="The {k} has no port in the ledger.",
        mentions=["The {k} was seen {w}."],
        keys=SHIPS,
    ),
    "keeper": Relation(
        records=[
            "The lamp at {k} is kept by {v}.",
            "At {k} the lamp is in the care of {v}.",
            "The keeper at {k} is {v}.",
        ],
        questions=["Who keeps the lamp at {k}?", "Who is the keeper at {k}?"],
        answer="The lamp at {k} is kept by {v}.",
        absent="The lamp at {k} has no keeper in the ledger.",
        mentions=["Rain fell at {k} {w}."],
        keys=CAPES,
    ),
}
KINDS = list(RELATIONS)
KIND_WEIGHTS = (5, 2, 2, 2)

ACTORS = [
    "The clerk",
    "A porter",
    "The pilot",
    "The harbour master",
    "The cook",
    "A night guard",
    "The surgeon",
    "An old sailor",
]
DEEDS = [
    "mended the nets",
    "counted the gulls",
    "swept the quay",
    "lost a coin",
    "sang in the rain",
    "slept by the stove",
    "wrote a long letter",
    "checked the scales",
    "asked for more tea",
    "painted a door",
    "rang the bell twice",
    "told a story",
    "lit the lamps",
    "fed the cat",
    "tied up a small boat",
]
TIMES = [
    "at dawn",
    "at noon",
    "before the tide",
    "after supper",
    "late in the day",
    "all morning",
    "once more",
    "in the dark",
]
WEATHER = ["wind", "rain", "fog", "tide", "swell", "frost"]
MOODS = ["slow", "cold", "heavy", "calm", "sharp", "low", "grey", "steady"]
SMALL_TALK = [
    ("Hello!", "Hello. Ask me about the ledger."),
    ("Who are you?", "I am a small clerk who reads ledgers."),
    ("Thank you.", "You are welcome."),
    ("What can you do?", "I answer questions about a ledger."),
]

ONSETS = "b br c ch d dr f fl g gr h j k kl l m n p pl qu r s st t tr v w z".split()
VOWELS = "a e i o u ai ea oo ou".split()
CODAS = ["", "", "l", "n", "r", "s", "t", "m", "ck", "nd", "rn", "lt"]


class Fact(NamedTuple):
    """A record of a ledger; ``sentence`` is its index among the ledger's sentences."""

    kind: str
    key: str
    value: str
    sentence: int


class Question(NamedTuple):
    """A question; ``sentence`` is where the ledger answers it, None if it does not."""

    text: str
    answer: str
    kind: str
    sentence: int | None


class Ledger:
    """A document that grows sentence by sentence. The order of the draws from ``rng`` is fixed:
    the shipped examples and the evaluation set depend on it."""

    def __init__(self, rng, fact_share, mention_share=0.06, made_up_share=0.0):
        """
        rng: the ``random.Random`` that decides everything
        fact_share: share of the sentences that are records
        mention_share: share of the sentences that name a key without its value
        made_up_share: share of names, goods and numbers that are made up, not from the lists
        """
        self.rng = rng
        self.fact_share = fact_share
        self.mention_share = mention_share
        self.made_up_share = made_up_share
        self.unused = {kind: rng.sample(r.keys, len(r.keys)) for kind, r in RELATIONS.items()}
        # Keys kept back for questions whose answer is that the ledger lacks the fact.
        self.absent = {
            kind: [self.unused[kind].pop() for _ in range(max(4, len(r.keys) // 10))]
            for kind, r in RELATIONS.items()
        }
        self.facts = []
        self.sentences = []
        self.left_in_line = 0

    def sentence(self):
        """Adds a sentence and returns it; all but the first begin with their separator."""
        rng = self.rng
        draw = rng.random()
        if draw < self.fact_share:
            kind = rng.choices(KINDS, KIND_WEIGHTS)[0]
            if self.unused[kind]:
                return self._record(kind)
        if self.facts and draw > 1 - self.mention_share:
            fact = rng.choice(self.facts)
            form = rng.choice(RELATIONS[fact.kind].mentions)
            return self._add(form.format(k=fact.key, w=rng.choice(TIMES)))
        if rng.random() < 0.7:
            return self._add(f"{rng.choice(ACTORS)} {rng.choice(DEEDS)} {rng.choice(TIMES)}.")
        return self._add(f"The {rng.choice(WEATHER)} was {rng.choice(MOODS)} {rng.choice(TIMES)}.")

    def text(self):
        return "".join(self.sentences)

    def ask(self, fact=None):
        """A question about this fact, or without one about a fact that the ledger lacks."""
        rng = self.rng
        if fact is None:
            kind = rng.choices(KINDS, KIND_WEIGHTS)[0]
            relation = RELATIONS[kind]
            key = rng.choice(self.absent[kind])
            text = rng.choice(relation.questions).format(k=key)
            return Question(text, relation.absent.format(k=key), kind, None)
        relation = RELATIONS[fact.kind]
        text = rng.choice(relation.questions).format(k=fact.key)
        answer = relation.answer.format(k=fact.key, v=fact.value)
        return Question(text, answer, fact.kind, fact.sentence)

    def questions(self, absent_share=0.15):
        """Endless questions: the facts in random order, each once before any is asked again."""
        while True:
            for fact in self.rng.sample(self.facts, len(self.facts)) or [None]:
                while self.rng.random() < absent_share:
                    yield self.ask()
                yield self.ask(fact)

    def draw_value(self, kind):
        if kind == "crate":
            return self._word(MATERIALS) + " " + self._word(GOODS)
        if kind == "port":
            return self._word(PORTS)
        return self._word(FIRST_NAMES) + " " + self._word(LAST_NAMES)

    def draw_key(self, kind):
        key = self.unused[kind].pop()
        if self.made_up_share and self.rng.random() < self.made_up_share:
            return self._made_up(key)
        return key

    def _record(self, kind):
        key, value = self.draw_key(kind), self.draw_value(kind)
        self.facts.append(Fact(kind, key, value, len(self.sentences)))
        form = self.rng.choice(RELATIONS[kind].records)
        return self._add(form.format(k=key, v=value, b=self.rng.randint(1, 20)))

    def _word(self, words):
        if self.made_up_share and self.rng.random() < self.made_up_share:
            return self._made_up(words[0])
        return self.rng.choice(words)

    def _made_up(self, like):
        """A number where ``like`` is one, else a word with the capital or small letter of it."""
        rng = self.rng
        if like[0].isdigit():
            return str(rng.randint(10, 99) if rng.random() < 0.3 else rng.randint(1000, 9999))
        word = "".join(
            rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS)
            for _ in range(rng.choice((1, 2, 2, 3)))
        )
        return word.capitalize() if like[0].isupper() else word

    def _add(self, sentence):
        if not self.sentences:
            separator = ""
        elif self.left_in_line > 0:
            separator = " "
        else:
            separator = "\n"
        if separator != " ":
            self.left_in_line = self.rng.randint(4, 9)
        self.left_in_line -= 1
        self.sentences.append(separator + sentence)
        return self.sentences[-1]


def main():
    parser = argparse.ArgumentParser(description="Print a short ledger with six questions.")
    parser.add_argument("--seed", type=int, help="default: a new ledger every time")
    parser.add_argument("--sentences", type=int, default=14)
    args = parser.parse_args()
    ledger = Ledger(random.Random(args.seed), 0.6)
    for _ in range(args.sentences):
        ledger.sentence()
    print(ledger.text(), end="\n\n")
    questions = ledger.questions()
    for _ in range(6):
        question = next(questions)
        print(f"{question.text} -> {question.answer}")


if __name__ == "__main__":
    main()
