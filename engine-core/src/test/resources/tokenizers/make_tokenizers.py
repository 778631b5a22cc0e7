"""Trains the tiny tokenizers of the tests and records what Python's tokenizers makes of hard text.

    pip install tokenizers==0.23.2
    python make_tokenizers.py

Writes {bytelevel,sentencepiece,unigram}/{tokenizer.json,tokenizer_config.json,expected.json} beside
itself. Training is deterministic; the corpus is the text below.
"""

import json
import pathlib
import random

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
    "word " * 400,
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
    return tokenizer, "<|bos|>", "<|end|>"


def sentencepiece():
    """As converted Llama 2 checkpoints: prepended metaspace, byte fallback."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    fallback = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=620,
        special_tokens=["<unk>", "<s>", "</s>", *fallback],
        limit_alphabet=90,
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS[:9], trainer)
    trained = json.loads(tokenizer.to_str())
    # The trainer declares every special token as added; byte entries must be plain vocabulary.
    trained["added_tokens"] = [t for t in trained["added_tokens"] if t["id"] < 3]
    tokenizer = Tokenizer.from_str(json.dumps(trained))
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
    return tokenizer, "<s>", "</s>"


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
    return tokenizer, None, "</s>"


def expectations(tokenizer):
    tokenizer.no_truncation()
    tokenizer.no_padding()
    texts = []
    for text in HARD:
        plain = tokenizer.encode(text, add_special_tokens=False).ids
        full = tokenizer.encode(text, add_special_tokens=True).ids
        texts.append(
            {
                "text": text,
                "ids": plain,
                "idsWithSpecial": full,
                "decoded": tokenizer.decode(full, skip_special_tokens=False),
                "decodedWithoutSpecial": tokenizer.decode(full, skip_special_tokens=True),
            }
        )
    randomness = random.Random(7)
    decoded = []
    for length in [1, 1, 1, 2, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144]:
        ids = [randomness.randrange(tokenizer.get_vocab_size()) for _ in range(length)]
        decoded.append(
            {
                "ids": ids,
                "decoded": tokenizer.decode(ids, skip_special_tokens=False),
                "decodedWithoutSpecial": tokenizer.decode(ids, skip_special_tokens=True),
            }
        )
    return {"vocabularySize": tokenizer.get_vocab_size(), "texts": texts, "randomIds": decoded}


def main():
    for name, make in [
        ("bytelevel", byte_level),
        ("sentencepiece", sentencepiece),
        ("unigram", unigram),
    ]:
        tokenizer, bos, eos = make()
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
        config = {"bos_token": bos, "eos_token": eos, "model_max_length": 64}
        if name == "sentencepiece":
            config["bos_token"] = {"__type": "AddedToken", "content": bos, "special": True}
            config["chat_template"] = [
                {"name": "default", "template": "{{ bos_token }}{{ messages[0]['content'] }}"},
                {"name": "tool_use", "template": "{{ tools | tojson }}"},
            ]
        (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")
        (folder / "expected.json").write_text(
            json.dumps(expectations(tokenizer), indent=None, separators=(",", ":")) + "\n"
        )


if __name__ == "__main__":
    main()
