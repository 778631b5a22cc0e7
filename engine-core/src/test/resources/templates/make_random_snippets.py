"""Makes random pieces of templates and records what Python's Jinja makes of them, for SnippetsTest.

    pip install jinja2==3.1.6
    python make_random_snippets.py [seed [number]]

Writes random_snippets.json beside itself. Two kinds: expressions and statements that mostly make
sense, and soups of tokens that mostly do not. Where ours differs on purpose nothing is recorded:
generators, dict views and ranges are lists there, so they print, add and compare as such.
"""

import random
import re
import signal
import sys

from make_snippets import run, write

STRINGS = [
    "s", "u", "empty", "text", "'abc'", "'a,b,,c'", "'  x y '", '"it\'s"', "'ÀÉß'", "'12'", "'-3.5'",
    "people[0].name", "'a\\nb\\n\\nc'", "words[1]", "'%s-%s'", "'{}'", "'<think>a</think>b'",
]  # fmt: skip
INTEGERS = ["n", "neg", "0", "1", "2", "-1", "10", "big", "loop.index", "xs[1]", "t", "people[1].age"]
NUMBERS = [*INTEGERS, "x", "2.5", "-0.5", "1e3", "0.1", "1e16", "3.0", "x * 2", "n / 2"]
LISTS = [
    "xs", "words", "mixed", "[]", "[1, 2, 3, 4]", "people", "d.a", "['a', 'b']", "(1, 'b')",
    "[[1, 2], [3, 4]]", "people[0].tags", "[none, true]", "[3.0, 1, 2.5]", "range(4) | list",
]  # fmt: skip
MAPPINGS = ["d", "people[0]", "{}", "{'a': 1, 'b': 'x'}", "people[2].addr", "{1: 2}"]
ODD = ["missing", "nil", "d.zzz", "t", "f", "big2", "xs[9]", "people[1].admin"]
ATTRIBUTES = ["'name'", "'age'", "'addr.city'", "'admin'", "'tags'", "0", "'zz'"]

TEXT_FILTERS = [
    "upper", "lower", "trim", "capitalize", "title", "string", "escape", "indent", "indent(2, true)",
    "wordcount", "tojson", "reverse", "center(9)", "replace('l', 'L')", "replace('', '.')",
    "trim('H ')", "default('z')", "d('e', true)", "first", "last", "list | join('-')", "length",
]  # fmt: skip
TEXT_METHODS = [
    "upper()", "lower()", "strip()", "rstrip()", "title()", "capitalize()", "swapcase()",
    "split()[0]", "split(',')[-1]", "splitlines()[0]", "replace('o', '')", "strip('Hd')",
    "lstrip('a ')", "partition('l')[0]", "rpartition(' ')[2]", "center(12, '*')", "ljust(8)",
    "rjust(8, '.')", "zfill(6)", "removeprefix('He')", "removesuffix('ld')", "join(['p', 'q'])",
    "split(none, 1)[-1]", "rsplit(' ', 1)[0]", "split('</think>')[-1]", "format(n)",
]  # fmt: skip
SLICES = ["0", "-1", "1:", "::-1", ":3", "-3:", "1:-1", "::2", "5", "n:", ":-99", "2:1"]
LIST_FILTERS = [
    "list", "sort", "reverse | list", "unique | list", "sort(reverse=true)", "map('string') | list",
    "map('upper') | list", "map('length') | list", "select('odd') | list", "select('string') | list",
    "reject('none') | list", "select | list", "batch(2) | list", "batch(3, 0) | list",
    "slice(2) | list", "dictsort", "items | list", "sum(start=5)", "join(', ') | list", "tojson",
]  # fmt: skip
BY_ATTRIBUTE = [
    "map(attribute={}) | list", "map(attribute={}, default='-') | list", "selectattr({}) | list",
    "selectattr({}, 'defined') | list", "rejectattr({}, 'equalto', 36) | list",
    "selectattr({}, 'in', ['Ada', 36]) | list", "groupby({}) | list", "sort(attribute={})",
    "unique(attribute={}) | list", "min(attribute={})",
]  # fmt: skip
TESTS = [
    "defined", "undefined", "none", "string", "mapping", "iterable", "sequence", "number", "integer",
    "float", "boolean", "true", "odd", "even", "lower", "upper", "callable", "eq 7", "ne(7)", "gt 2",
    "le 7", "in xs", "divisibleby 2", "sameas none", 'equalto "a"',
]  # fmt: skip
ENDINGS = [
    "tojson", "tojson(indent=2)", "string", "join(',')", "length", "first", "last", "list",
    "tojson(sort_keys=true)", "tojson(ensure_ascii=true)", "tojson(separators=(',', ':'))",
]  # fmt: skip
LOOP_BODIES = [
    "{{ i }}", "x", "{{ loop.index }}{{ ',' if not loop.last }}", "{{ i | string | upper }}",
    "{{ loop.previtem | default('-') }}{{ loop.nextitem | default('+') }}", "{{ loop.revindex0 }}",
    "{{ loop.cycle('a', 'b') }}", "{{ loop.changed(i) }}",
]  # fmt: skip
AFTER_SET = [
    "{{ q }}",
    "{{ q is defined }}{{ q | string }}",
    "{% set ns = namespace(a=q) %}{% for i in xs %}{% set ns.a = ns.a ~ i %}{% endfor %}{{ ns.a }}",
    "{% for i in xs %}{% set q = i %}{% endfor %}{{ q }}",
]
CALLS = ["m()", "m(1, 2)", "m(b=3)", "m(*xs)", "m(**{'a': 1})", "m(1, c=2)"]
SOUP = [
    "{%", "%}", "{{", "}}", "{#", "#}", "-", "+", " ", "\n", "  ", "\t", "\r\n", "a", " n ", "s", "xs",
    "1", "2.5", ".5", "1.", "1e5", "0x1f", "1_0", "'x'", '"y"', "'", "\\", "if ", "t", "endif", "else",
    "elif ", "for ", "i", " in ", "endfor", "set ", "=", "==", "!", "|", "~", "*", "**", "/", "//",
    "%", "(", ")", "[", "]", "{", "}", ",", ":", ".", ";", "raw", "endraw", "not ", "and ", "is ",
    "defined", "none", "upper", "true", "<", "é", "👋", "$", "@", "break", "loop", "_",
]  # fmt: skip
AROUND_SOUP = [
    "{{%s}}", "{%%-if t%%}%s{%%endif%%}", "{%% for i in xs %%}%s{%% endfor %%}", "%s",
    "{%% set a = %s %%}[{{a}}]", "{%% raw %%}%s{%% endraw %%}", "{# %s #}", "{{ '%s' }}",
    "{%%- raw -%%} %s {%%- endraw -%%} x", "\n  {%% if t %%}\n%s\n  {%% endif %%}\n",
]  # fmt: skip
OURS_DIFFERS = re.compile(
    r"generator|<built-in|<bound|0x[0-9a-f]{6}|dict_|range|<function|<method|<class|jinja2|unhashable"
)


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.one = self.random.choice

    def atom(self):
        return self.one(self.one([STRINGS, STRINGS, INTEGERS, NUMBERS, LISTS, LISTS, MAPPINGS, ODD]))

    def text(self, depth):
        if depth <= 0 or self.random.random() < 0.3:
            return self.one(STRINGS)
        inner = self.text(depth - 1)
        kind = self.random.randrange(7)
        if kind == 0:
            return f"{inner} | {self.one(TEXT_FILTERS)}"
        if kind == 1:
            return f"({inner}).{self.one(TEXT_METHODS)}"
        if kind == 2:
            return f"({inner})[{self.one(SLICES)}]"
        if kind == 3:
            return f"({inner} ~ {self.atom()})"
        if kind == 4:
            return f"({inner} {self.one(['+ ' + self.text(depth - 1), '* ' + self.one(INTEGERS)])})"
        if kind == 5:
            return f"('%s|%5s|%-4s|%r' % ({inner}, {self.one(NUMBERS)}, n, {self.atom()}))"
        return f"({inner} if {self.condition(depth - 1)} else {self.text(depth - 1)})"

    def number(self, depth):
        if depth <= 0 or self.random.random() < 0.25:
            return self.one(NUMBERS)
        inner = self.number(depth - 1)
        kind = self.random.randrange(5)
        if kind == 0:
            return f"({inner} {self.one(['+', '-', '*', '//', '%', '/'])} {self.number(depth - 1)})"
        if kind == 1:
            return f"({self.items(depth - 1)}) | {self.one(['length', 'sum', 'min', 'max', 'count'])}"
        if kind == 2:
            return f"({inner}) | {self.one(['abs', 'int', 'float', 'round', 'round(1)', 'default(3)'])}"
        if kind == 3:
            return f"({self.text(depth - 1)}) | {self.one(['int', 'float', 'int(7)', 'int(base=16)'])}"
        return f"({self.text(depth - 1)}).{self.one(['find', 'count', 'rfind', 'index'])}('l')"

    def condition(self, depth):
        if depth <= 0:
            return self.one(["t", "f", "missing", "n > 3", "xs", "empty"])
        kind = self.random.randrange(6)
        if kind == 0:
            return f"{self.atom()} is {self.one(['', 'not '])}{self.one(TESTS)}"
        if kind == 1:
            operator = self.one(["<", "<=", ">", ">=", "==", "!="])
            return f"({self.number(depth - 1)} {operator} {self.number(depth - 1)})"
        if kind == 2:
            return f"({self.atom()} {self.one(['==', '!=', 'in', 'not in', '<'])} {self.atom()})"
        if kind == 3:
            return f"(not {self.condition(depth - 1)})"
        if kind == 4:
            return f"({self.text(depth - 1)}).startswith({self.one(STRINGS)})"
        operator = self.one(["and", "or"])
        return f"({self.condition(depth - 1)} {operator} {self.condition(depth - 1)})"

    def items(self, depth):
        if depth <= 0 or self.random.random() < 0.25:
            return self.one(LISTS)
        inner = self.items(depth - 1)
        kind = self.random.randrange(6)
        if kind == 0:
            return f"({inner})[{self.one(['1:', '::-1', ':2', '-2:', '::2', '5:'])}]"
        if kind == 1:
            return f"({inner}) | {self.one(LIST_FILTERS)}"
        if kind == 2:
            return f"({inner}) | {self.one(BY_ATTRIBUTE).format(self.one(ATTRIBUTES))}"
        if kind == 3:
            return f"({inner} + {self.items(depth - 1)})"
        if kind == 4:
            return f"[{self.atom()}, {self.atom()}]"
        return f"({self.text(depth - 1)}).{self.one(['split()', 'splitlines(true)', 'rsplit(none, 1)'])}"

    def expression(self, depth):
        make = self.one([self.text, self.number, self.condition, self.items, lambda _: self.atom()])
        made = make(depth)
        return f"({made}) | {self.one(ENDINGS)}" if self.random.random() < 0.3 else made

    def tag(self, text):
        return "{%" + self.one(["", "-", "-", "+"]) + f" {text} " + self.one(["", "-", "+"]) + "%}"

    def space(self):
        return self.one(["", " ", "\n", "  \n  ", "\n\n", " \t"])

    def spaced(self, *parts):
        return "".join(self.space() + part for part in parts) + self.space()

    def snippet(self):
        depth = self.one([1, 1, 2, 2, 3])
        kind = self.random.random()
        if kind < 0.5:
            return "{{ " + self.expression(depth) + " }}"
        if kind < 0.7:
            test = self.one(["", "", " if i", " if i is string", " if i is not none"])
            flow = self.tag(f"if loop.index {self.one(['==', '>', '<'])} 2")
            flow += self.tag(self.one(["break", "continue"])) + self.tag("endif")
            return self.spaced(
                self.tag(f"for i in {self.items(depth - 1)}{test}"),
                self.one(["", flow]) + self.one(LOOP_BODIES),
                self.one(["", self.tag("else") + "none"]) + self.tag("endfor"),
            )
        if kind < 0.8:
            return self.spaced(
                self.tag("if " + self.condition(depth)),
                "{{ " + self.expression(depth - 1) + " }}",
                self.one(["", self.tag("elif " + self.condition(1)) + "E"]),
                self.one(["", self.tag("else") + "L"]) + self.tag("endif"),
            )
        if kind < 0.9:
            return self.tag("set q = " + self.expression(depth)) + self.spaced(self.one(AFTER_SET))
        return self.spaced(
            self.tag(f"macro m(a, b={self.atom()})"),
            "{{ a }}|{{ b }}|{{ " + self.one(["varargs", "kwargs", "a ~ b", "m.name"]) + " }}",
            self.tag("endmacro"),
            "{{ " + self.one(CALLS) + self.one(["", " | upper", " | trim"]) + " }}",
        )

    def soup(self):
        def some():
            length = self.random.randint(1, self.one([2, 4, 8]))
            return self.one(AROUND_SOUP) % "".join(self.one(SOUP) for _ in range(length))

        return some() + (some() if self.random.random() < 0.4 else "")


def too_slow(*_):
    raise TimeoutError


def main():
    seed, number = (*map(int, sys.argv[1:]), 1, 400)[:2]
    maker = Maker(seed)
    signal.signal(signal.SIGALRM, too_slow)
    cases = []
    seen = set()
    while len(cases) < number:
        kind = "soup" if len(cases) % 4 == 3 else "random"
        template = maker.soup() if kind == "soup" else maker.snippet()
        # A comment that begins with the template's last characters is none to Jinja.
        if template in seen or template.endswith("{#"):
            continue
        seen.add(template)
        signal.alarm(2)
        case = run({"name": f"{kind} {len(cases)}", "template": template})
        signal.alarm(0)
        text = case.get("output", "") + case.get("error", "")
        if len(text) < 500 and not OURS_DIFFERS.search(text) and "TimeoutError" not in text:
            cases.append(case)
    write("random_snippets.json", cases)


if __name__ == "__main__":
    main()
