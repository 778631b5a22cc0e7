"""Trains the tiny tokenizers of the tests and records what Python's tokenizers makes of hard text.

    pip install tokenizers==0.23.2 transformers==5.18.0 sentencepiece==0.2.2
    python make_tokenizers.py

Writes NAME/{tokenizer.json,tokenizer_config.json,expected.json} for every tokenizer in MAKERS and
configured.json, all beside itself. The pipelines (normalizer, pre-tokenizer, model, post-processor,
decoder) are those of published models, the vocabularies are trained on the corpus below. Some of
the trainers break ties anew at every run, so a tokenizer.json that is there already stays as it is.
Ids are those of the tokenizers library; the script asserts that transformers gives the same.
"""

import json
import pathlib
import random
import shutil
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import AutoTokenizer

HERE = pathlib.Path(__file__).parent

CORPUS = [
    "The keeper of the lighthouse holds the ledger, and the ledger holds the names of the ships.",
    "When the engine streams its cache from the host, the link is as busy as the device.",
    "def add(first, second):\n    return first + second\n\n\nprint(add(1, 2))\n",
    "for (int i = 0; i < 10; i++) {\n\tsum += values[i];\n}\r\n",
    '{"name": "get_weather", "arguments": {"city": "Zürich", "days": 3}}',
    "It's what they're saying, isn't it? We'll see; I'd say he's right, you've won.",
    "1234567890 3.14159 2026-11-23 1,000,000",
    "Der Schlüssel liegt über der Tür. Größe, Straße, Übermut.",
    "Le café est déjà fermé, où est l'hôtel près de la forêt ?",
    "Привет, мир! Ключ лежит под камнем.",
    "你好，世界。钥匙在石头下面。",
    "こんにちは世界。鍵は石の下にあります。",
    "안녕하세요 세계. 열쇠는 돌 아래에 있습니다.",
    "مرحبا بالعالم. المفتاح تحت الحجر.",
    "שלום עולם. המפתח מתחת לאבן.",
    "नमस्ते दुनिया। चाबी पत्थर के नीचे है।",
    "😀 😀😀 👍👍 🚀",
]

HARD = [
    "",
    " ",
    "  ",
    "Hello world",
    " Hello  world ",
    "   three before, four after    ",
    "\n",
    "\r\n\r\n\n\r",
    "line\r\nline\rline\n\tindented\t\ttabs",
    "a" * 300,
    " " * 200 + "x" + " " * 77,
    "\n" * 50 + "end",
    "\t \n \t",
    "\u0000\u0001\u0002\u001b[0m\u007f\u0080\u009f",
    "nul\u0000in the middle",
    "\ufeffbyte order mark",
    "\ufffd replacement \ufffd\ufffd character",
    "\u200b zero width \u200d joiner \u2060 word \u00ad soft",
    "non\u00a0breaking\u202fnarrow\u3000ideographic\u2028line\u2029paragraph\u0085next",
    "I'M it's IT'S we'Ve ‘quoted’ “double”",
    "1234567890123 12.5% 1e-9 0x1F ٠١٢٣ ²³ ½ Ⅷ",
    "ﬁ ﬀ Å Å é e\u0301 ç c\u0327 ﷺ ",
    "a\u0300\u0301\u0302\u0303\u0304 zalgo",
    "Straße STRASSE ẞ İstanbul ıI",
    "Ελληνικά ΣΊΣΥΦΟΣ ς",
    "Привет мир ёЁ",
    "Հայերեն ქართული አማርኛ ᏣᎳᎩ",
    "你好世界，今天天气怎么样？𠮷野家 㐀 鿿",
    "日本語テキスト、ひらがな　カタカナ ｶﾅ",
    "안녕하세요 한글 ᄒ\u1161\u11ab",
    "שלום עולם \u202eright to left\u202c",
    "مرحبا بالعالم \u0640\u0640 ٱلسَّلَام",
    "नमस्ते क्षत्रिय தமிழ் తెలుగు ไทยภาษา ខ្មែរ မြန်မာ བོད་",
    "😀😃👍🏽👨‍👩‍👧‍👦🏳️‍🌈🇨🇭🇩🇪1️⃣☺️☺︎",
    "🧑🏿‍🚀 text 🫠🪿 text",
    "𝕳𝖊𝖑𝖑𝖔 𝟘𝟙 𓀀𓁐 🂡",
    "\U0010ffff \U000e0001 \ue000 \uffff \ufdd0",
    "<|bos|>", "<s>text</s>", "before <|user|>inside<|end|> after", "<|bos|><|bos|>x",
    "< |user| > <|us er|> <|user |>",
    "  <|user|>  spaces around  <|end|>  ",
    "<0x41> <0xE2><0x82><0xAC> <unk> ▁ ▁▁x",
    "Ġ Ċ ĉ ł Ń",
    "http://example.org/a?b=c&d=%20e#f user@example.org C:\\path\\file.txt",
    "snake_case camelCase SCREAMING_CASE kebab-case",
    "def f(x):\n    return x**2  # comment\n\n\nclass A:\n\tpass\n",
    "{\"k\": [1, 2.5, null, true], \"s\": \"\\u00e9\\n\"}",
    "!!!???...---___===***///\\\\\\|||~~~```'''\"\"\"",
    "mixed日本English한국русский😀text",
    "word " * 60,
    "antidisestablishmentarianism" * 25,
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    "x" + "\u0301" * 40 + "y",
    "\r \n\r\n \t\v\f\u0085 \u2028\n",
    "\u3000\u2003 \u00a0\u1680\u205f x",
    "ᚠᛇᚻ ߒߏ ꦗꦮ ᠮᠣᠩᠭᠣᠯ ⴰⵣⵓⵍ ᐃᓄᒃ 𐌰𐌱 𞤀𞤣 ⠓⠊",
    "ภาษาไทยไม่มีช่องว่างระหว่างคำ",
    "do not, isn ' t it ? yes ! I 've . done ``quoted''",
    "tab\tbefore<|user|>\n\n\n\nafter\n<|end|>\n",
    "[CLS] a [SEP] [MASK] b</s><s> c <unk>",
    "<|USER|> <|user|><|user|><|us<|user|>er|>",
]

ROLES = ["<|system|>", "<|user|>", "<|assistant|>", "<|end|>"]


def special(content):
    return AddedToken(content, special=True, normalized=False)


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    pattern = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=560,
        special_tokens=[special(t) for t in ["<|bos|>", *ROLES]],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_tokens([AddedToken("<tool call>", normalized=False)])
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(
                single="<|bos|> $A", special_tokens=[("<|bos|>", tokenizer.token_to_id("<|bos|>"))]
            ),
        ]
    )
    return tokenizer


def qwen():
    """As Qwen: text is composed first, digits stand alone, nothing is added around a text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    pattern = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    # Specials come after the vocabulary; some added tokens are not special.
    tokenizer.add_special_tokens([special(t) for t in ["<|endoftext|>", *ROLES]])
    tokenizer.add_tokens([AddedToken(t, normalized=False) for t in ["<think>", "</think>"]])
    return tokenizer


def trained_with_fallback(tokenizer, corpus, specials):
    """Trains BPE with an entry for every byte after the special tokens, as SentencePiece has it."""
    fallback = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=620,
        special_tokens=[*specials, *fallback],
        limit_alphabet=90,
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    trained = json.loads(tokenizer.to_str())
    # The trainer declares every special token as added; byte entries must be plain vocabulary.
    count = len(specials)
    trained["added_tokens"] = [t for t in trained["added_tokens"] if t["id"] < count]
    return Tokenizer.from_str(json.dumps(trained))


def sentencepiece_bpe():
    """As converted Llama 2 checkpoints: prepended metaspace, byte fallback."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer = trained_with_fallback(tokenizer, CORPUS[:9], ["<unk>", "<s>", "</s>"])
    tokenizer.add_special_tokens([special(t) for t in ROLES])
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(content=" ", left=1),
        ]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    return tokenizer


def metaspace():
    """As Llama 2 and Mistral with "legacy" off: a space goes before the text, not before pieces."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer = trained_with_fallback(tokenizer, CORPUS[:9], ["<unk>", "<s>", "</s>"])
    tokenizer.add_special_tokens([special(t) for t in ROLES])
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(content=" ", left=1),
        ]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    return tokenizer


def gemma():
    """As Gemma: no space is prepended, and runs of newlines and of spaces are added tokens."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", behavior="merged_with_previous")
    tokenizer = trained_with_fallback(tokenizer, CORPUS[:11], ["<pad>", "<eos>", "<bos>", "<unk>"])
    tokenizer.add_special_tokens([special(t) for t in ROLES])
    runs = ["\n" * n for n in (2, 3, 4)] + ["▁" * n for n in (2, 3, 4, 8)]
    tokenizer.add_tokens([AddedToken(run, normalized=False) for run in runs])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", 2)]
    )
    return tokenizer


def unigram():
    """As T5: metaspace, suffix token, and a truncation and padding that servers must not apply."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    trainer = trainers.UnigramTrainer(
        vocab_size=330,
        special_tokens=[special(t) for t in ["<pad>", "</s>", "<unk>", *ROLES]],
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", tokenizer.token_to_id("</s>"))]
    )
    tokenizer.enable_truncation(16)
    tokenizer.enable_padding(length=32, pad_id=0, pad_token="<pad>")
    return tokenizer


def precompiled():
    """As models that SentencePiece trained: Unigram with its own character map and byte fallback."""
    with tempfile.TemporaryDirectory() as folder:
        rules = pathlib.Path(folder) / "rules.tsv"
        pairs = {"ﬁ": "fi", "Ａ": "A", "①": "1", "㌔": "キロ", "\u00a0": " ", "\u200b": "", "e\u0301": "é"}
        rules.write_text(
            "".join(
                " ".join(f"{ord(c):X}" for c in source)
                + "\t"
                + " ".join(f"{ord(c):X}" for c in target)
                + "\n"
                for source, target in pairs.items()
            )
        )
        corpus = pathlib.Path(folder) / "corpus.txt"
        corpus.write_text("\n".join(line for text in CORPUS for line in text.splitlines()))
        sentencepiece.SentencePieceTrainer.train(
            input=str(corpus),
            model_prefix=str(pathlib.Path(folder) / "model"),
            vocab_size=500,
            model_type="unigram",
            byte_fallback=True,
            character_coverage=0.98,
            normalization_rule_tsv=str(rules),
            num_threads=1,
            minloglevel=2,
        )
        proto = sentencepiece_model_pb2.ModelProto()
        proto.ParseFromString((pathlib.Path(folder) / "model.model").read_bytes())
    pieces = [(piece.piece, piece.score) for piece in proto.pieces]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap),
            normalizers.Strip(left=False, right=True),
            normalizers.Replace(Regex(" {2,}"), "▁"),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Sequence(
        [decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="always")]
    )
    tokenizer.add_special_tokens([special(t) for t in ["<unk>", "<s>", "</s>", *ROLES]])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 2)]
    )
    return tokenizer


def albert():
    """As ALBERT: accents and case are dropped before Unigram, a token on either side."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace("``", '"'),
            normalizers.Replace("''", '"'),
            normalizers.NFKD(),
            normalizers.StripAccents(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    trainer = trainers.UnigramTrainer(
        vocab_size=330,
        special_tokens=[special(t) for t in ["<pad>", "<unk>", "[CLS]", "[SEP]"]],
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    # A mask takes the space before it along.
    tokenizer.add_special_tokens([AddedToken("[MASK]", lstrip=True, special=True)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def wordpiece():
    """As BERT without case; the decoder takes spaces before punctuation away."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=True)
    trainer = trainers.WordPieceTrainer(
        vocab_size=500,
        special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


def decodings(tokenizer, ids):
    return {
        "decoded": tokenizer.decode(ids, skip_special_tokens=False),
        "decodedWithoutSpecial": tokenizer.decode(ids, skip_special_tokens=True),
    }


def expectations(tokenizer):
    tokenizer.no_truncation()
    tokenizer.no_padding()
    texts = []
    for text in HARD:
        plain = tokenizer.encode(text, add_special_tokens=False).ids
        full = tokenizer.encode(text, add_special_tokens=True).ids
        tokenizer.encode_special_tokens = True
        literal = tokenizer.encode(text, add_special_tokens=False).ids
        tokenizer.encode_special_tokens = False
        case = {"text": text, "ids": plain, "idsWithSpecial": full, **decodings(tokenizer, full)}
        if literal != plain:
            case["literalIds"] = literal
        texts.append(case)
    randomness = random.Random(7)
    decoded = []
    for length in [1, 1, 1, 2, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144]:
        ids = [randomness.randrange(tokenizer.get_vocab_size()) for _ in range(length)]
        decoded.append({"ids": ids, **decodings(tokenizer, ids)})
    single_bytes = [
        id
        for entry, id in sorted(tokenizer.get_vocab().items())
        if entry.startswith("<0x") or (len(entry) == 1 and ord(entry) > 0x7E)
    ]
    for length in [1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 6, 9, 30]:
        ids = [randomness.choice(single_bytes) for _ in range(length)]
        decoded.append({"ids": ids, **decodings(tokenizer, ids)})
    return {"vocabularySize": tokenizer.get_vocab_size(), "texts": texts, "randomIds": decoded}


def check_transformers(folder, expected):
    """transformers, where it does not rebuild the pipeline for a class of its own, agrees."""
    loaded = AutoTokenizer.from_pretrained(folder)
    assert type(loaded).__name__ in ("TokenizersBackend", "PreTrainedTokenizerFast"), type(loaded)
    for case in expected["texts"]:
        plain = loaded(case["text"], add_special_tokens=False)["input_ids"]
        assert plain == case["ids"], (folder, case["text"])
        assert loaded(case["text"])["input_ids"] == case["idsWithSpecial"], (folder, case["text"])


# A tokenizer_config.json that says more than the tokenizer.json of "bytelevel" beside it.
CONFIGURED = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "add_bos_token": False,
    "add_eos_token": True,
    "bos_token": "<|bos|>",
    "eos_token": {"__type": "AddedToken", "content": "<|stop|>", "special": True, "lstrip": True},
    "pad_token": "<|pad|>",
    "additional_special_tokens": ["<|tool|>", "<|user|>"],
    "added_tokens_decoder": {
        # Known already, but not as a special token.
        "560": {"content": "<tool call>", "special": True, "normalized": False},
        "561": {"content": "<late>", "special": False, "normalized": False, "rstrip": True},
        # A word of its own, whatever the model would make of it.
        "300": {"content": "right", "special": False, "normalized": True, "single_word": True},
    },
}

CONFIGURED_TEXTS = [
    "a <|stop|> b<late>  c <|tool|>d<|pad|>",
    "<tool call>x<|user|>",
    "turn right, copyright, rights",
    "<|bos|>plain",
]


# The same without added_tokens_decoder, as older models have it.
OLDER = {
    "tokenizer_config.json": {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<|bos|>",
        "eos_token": "<|end|>",
        "additional_special_tokens": ["<|tool|>"],
    },
    "special_tokens_map.json": {
        "eos_token": {"content": "<|stop|>", "lstrip": True, "normalized": False},
        "pad_token": "<|pad|>",
    },
    "added_tokens.json": {"<late>": 561, "<|pad|>": 562},
}


def configured(files):
    """What transformers makes of the tokenizer "bytelevel" with these files beside it."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(HERE / "bytelevel" / "tokenizer.json", folder)
        for name, content in files.items():
            (pathlib.Path(folder) / name).write_text(json.dumps(content))
        loaded = AutoTokenizer.from_pretrained(folder)
        cases = []
        for text in CONFIGURED_TEXTS:
            ids = loaded(text)["input_ids"]
            cases.append(
                {
                    "text": text,
                    "ids": ids,
                    "decoded": loaded.decode(ids),
                    "decodedWithoutSpecial": loaded.decode(ids, skip_special_tokens=True),
                }
            )
        return {
            "files": files,
            "vocabularySize": len(loaded),
            "specialTokens": loaded.special_tokens_map,
            "cases": cases,
        }


# How to train it, and its first and last token.
MAKERS = {
    "bytelevel": (byte_level, "<|bos|>", "<|end|>"),
    "qwen": (qwen, None, "<|endoftext|>"),
    "sentencepiece": (sentencepiece_bpe, "<s>", "</s>"),
    "metaspace": (metaspace, "<s>", "</s>"),
    "gemma": (gemma, "<bos>", "<eos>"),
    "unigram": (unigram, None, "</s>"),
    "precompiled": (precompiled, "<s>", "</s>"),
    "albert": (albert, "[CLS]", "[SEP]"),
    "wordpiece": (wordpiece, "[CLS]", "[SEP]"),
}


def main():
    for name, (make, bos, eos) in MAKERS.items():
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        file = folder / "tokenizer.json"
        if not file.exists():
            make().save(str(file), pretty=False)
        tokenizer = Tokenizer.from_file(str(file))
        config = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": bos,
            "eos_token": eos,
            "model_max_length": 64,
        }
        if name == "sentencepiece":
            config["bos_token"] = {"__type": "AddedToken", "content": bos, "special": True}
            config["chat_template"] = [
                {"name": "default", "template": "{{ bos_token }}{{ messages[0]['content'] }}"},
                {"name": "tool_use", "template": "{{ tools | tojson }}"},
            ]
        (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")
        expected = expectations(tokenizer)
        check_transformers(folder, expected)
        (folder / "expected.json").write_text(
            json.dumps(expected, indent=None, separators=(",", ":")) + "\n"
        )
    models = [configured({"tokenizer_config.json": CONFIGURED}), configured(OLDER)]
    (HERE / "configured.json").write_text(json.dumps(models, indent=1) + "\n")


if __name__ == "__main__":
    main()
