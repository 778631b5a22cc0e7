"""Records what Python's Jinja makes of pieces of templates, for SnippetsTest.

    pip install jinja2==3.1.6
    python make_snippets.py

Writes snippets.json beside itself. The environment is the one in which transformers renders chat
templates: ImmutableSandboxedEnvironment, trim_blocks, lstrip_blocks, loop controls, the
"generation" tag, its own tojson, raise_exception, strftime_now.
"""

import datetime
import json
import pathlib

import jinja2
import jinja2.ext
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = pathlib.Path(__file__).parent
NOW = datetime.datetime(2026, 3, 7, 16, 5, 9)


class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


class Rejection(Exception):
    pass


def raise_exception(message):
    raise Rejection(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(
        x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def environment():
    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda format: NOW.strftime(format)
    return env


SHARED = {"bos_token": "<s>", "eos_token": "</s>", "tools": None, "add_generation_prompt": False}

VARIABLES = {
    "n": 7,
    "neg": -7,
    "x": 2.5,
    "big": 12345678901234,
    "big2": 18446744073709551615,
    "t": True,
    "f": False,
    "nil": None,
    "s": "Hello, World",
    "u": "né 👋🏽 世界",
    "empty": "",
    "text": "  one\n\ttwo  three\n\nfour  ",
    "xs": [3, 1, 2],
    "words": ["pear", "Apple", "fig", "apple", "Fig"],
    "mixed": [1, "a'b", 'q"q', None, True, 2.0, [1, []], {"k": {"j": "é\n"}}, "both'\""],
    "d": {"b": 1, "a": [1, 2], "C": "x", "items": "shadowed", "content": "inner"},
    "people": [
        {"name": "Ada", "age": 36, "tags": ["math"], "addr": {"city": "London"}},
        {"name": "bob", "age": 25, "tags": [], "addr": {"city": "Paris"}},
        {"name": "Cy", "age": 36, "addr": {"city": "Rome"}, "admin": True},
    ],
}

SNIPPETS = r"""
{{ n }} {{ neg }} {{ x }} {{ t }} {{ f }} {{ nil }} {{ missing }} {{ s }} {{ u }}
{{ mixed }}
{{ d }}
{{ (1, 'a') }} {{ (1,) }} {{ () }} {{ [] }} {{ {} }} {{ 1, 2 }}
{{ [1.0, 1e16, 1e15, 123456789012345678.0, 1e-4, 1e-5, 0.1, -0.0, 1e22, 3.14159, 1e100, 5e-324, 0.30000000000000004] }}
{{ 7 // 2 }} {{ neg // 2 }} {{ 7 % 3 }} {{ neg % 3 }} {{ 7 % -3 }} {{ 7 / 2 }} {{ 8 / 2 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }}
{{ 1 + 2 * 3 - 4 }} {{ (1 + 2) * 3 }} {{ 2 * 3 ** 2 }} {{ -2 ** 2 }} {{ - n }} {{ +n }} {{ 10 - 2 - 3 }} {{ 100 / 10 / 2 }}
{{ 'a' ~ 1 ~ nil ~ t ~ 2.0 ~ [1] ~ missing }} {{ 'a' + 'b' * 3 }} {{ [1] + [2] }} {{ [0] * 3 }} {{ 3 * 'x' }} {{ (1,) + (2,) }}
{{ 1 < 2 < 3 }} {{ 1 < 2 > 5 }} {{ 1 == 1.0 }} {{ true == 1 }} {{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ 'a' == "a" }} {{ [1] == (1,) }} {{ {'a': 1} == {'a': 1.0} }} {{ none == false }} {{ missing == other_missing }} {{ missing == none }}
{{ 'ell' in s }} {{ 'x' not in s }} {{ 2 in xs }} {{ 'a' in d }} {{ 'z' in d }} {{ 'x' in missing }} {{ not 1 in [1] }}
{{ 1 and 0 }} {{ 0 or 'x' }} {{ not '' }} {{ [] or {} }} {{ 'a' and 'b' or 'c' }} {{ not not n }}
{{ 'yes' if t else 'no' }} {{ 'yes' if f }} {{ 'a' if f else 'b' if f else 'c' }} {{ ('a' if t else 'b') ~ '!' }}
{{ xs[0] }} {{ xs[-1] }} {{ xs[9] }} {{ s[0] }} {{ s[-1] }} {{ u[3] }} {{ u[5:] }} {{ s[1:4] }} {{ s[::-1] }} {{ s[-5:] }} {{ s[:-1:2] }} {{ xs[::-1] }} {{ xs[1:] }} {{ xs[5:] }} {{ xs[-2:9] }} {{ s[4:1:-1] }} {{ (1, 2, 3)[1:] }} {{ xs[:] }} {{ xs[::2] }}
{{ d.b }} {{ d['b'] }} {{ d.a[1] }} {{ d.a.0 }} {{ d['items'] }} {{ d.zzz }} {{ d['zzz'] }} {{ d.get('b') }} {{ d.get('q') }} {{ d.get('q', 5) }} {{ nil.foo }} {{ n.foo }} {{ xs['foo'] }}
{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %} {{ d.keys() | list }} {{ d.values() | list }} {{ d | length }} {{ d | list }} {{ d | items | list }}
{% for x in xs %}{{ loop.index }}/{{ loop.index0 }}/{{ loop.revindex }}/{{ loop.revindex0 }}/{{ loop.first }}/{{ loop.last }}/{{ loop.length }}/{{ loop.previtem }}/{{ loop.nextitem }}/{{ loop.cycle('o', 'e') }}/{{ loop.depth }} {% endfor %}
{% for p in people if p.age > 30 %}{{ loop.index }}:{{ p.name }}{% if not loop.last %}, {% endif %}{% else %}nobody{% endfor %} {% for p in people if p.age > 99 %}x{% else %}nobody{% endfor %}
{% for a, b in [(1, 2), [3, 4]] %}{{ a }}-{{ b }} {% endfor %}{% for (a, (b, c)) in [(1, (2, 3))] %}{{ a + b + c }}{% endfor %}{% for c in 'aé👋' %}[{{ c }}]{% endfor %}{% for k in d %}{{ k }}{% endfor %}{% for z in missing %}z{% endfor %}
{% for i in range(3) %}{{ i }}{% endfor %} {% for i in range(1, 10, 3) %}{{ i }}{% endfor %} {% for i in range(5, 0, -2) %}{{ i }}{% endfor %} {{ range(3) | list }}
{% for i in range(10) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}
{% set y = 1 %}{% for i in xs %}{% set y = y + i %}{{ y }} {% endfor %}{{ y }} {% if t %}{% set y = 9 %}{% endif %}{{ y }}
{% set ns = namespace(total=0, seen=[]) %}{% for i in xs %}{% set ns.total = ns.total + i %}{% set ns.seen = ns.seen + [i] %}{% endfor %}{{ ns.total }} {{ ns.seen }} {{ ns.nothing }} {% set ns2 = namespace({'a': 1}, b=2) %}{{ ns2.a + ns2.b }}
{% set a, b = 1, 2 %}{{ a }}{{ b }} {% set c = 1, 2 %}{{ c }} {% set block %}in {{ n }} block{% endset %}[{{ block }}] {% set up | upper | trim %} up {{ s }} {% endset %}[{{ up }}]
{% macro m(a, b='B', c=none) %}{{ a }}|{{ b }}|{{ c }}{% endmacro %}{{ m(1) }} {{ m(1, 2, 3) }} {{ m(b=5, a=4) }} {{ m() }} {{ m(1, *[2, 3]) }} {{ m(1, **{'c': 9}) }} {{ m('x') | upper }}
{% macro outer() %}<{{ caller('in') }}>{% endmacro %}{% call(v) outer() %}{{ v }}:{{ s }}{% endcall %} {% set late = 1 %}{% macro reads() %}{{ late }}{% endmacro %}{% set late = 2 %}{{ reads() }}
{% filter upper %}shout {{ s }}{% endfilter %} {% filter replace('l', 'L') | trim %} hello {% endfilter %} {% with q = 5, r = n %}{{ q + r }}{% endwith %}{{ q }}
{% if n > 10 %}a{% elif n > 5 %}b{% else %}c{% endif %} {% if missing %}x{% endif %}{% if not missing %}y{% endif %} {% if n is odd and x is float %}z{% endif %}
a  {%- if t %}  b  {%- endif %}  c
a  {% if t -%}  b  {% endif -%}  c
a {{- n -}} b {{ n -}}   c   {{- n }} d
x{# comment #}y {#- strip -#} z
{% raw %}{{ not }} {% evaluated %}{% endraw %} {%- raw -%}  {{ x }}  {%- endraw -%} end
{{ '\n\t\\\'\"\x41\u00e9\U0001f44b\q' }}{{ "it's" }}{{ 'a' 'b' }}{{ '}}' }}{{ "{% x %}" }}{{ '{{' }}
{{ {'a': {'b': {'c': 1}}}['a']['b'].c }} {{ {'k': 'v', 1: 2, none: 3} }} {{ [[1, 2], [3]][0][1] }}
{{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ 1_000 }} {{ 1e3 }} {{ 1.5E-3 }}
{{ mixed | tojson }} {{ d | tojson }} {{ u | tojson }} {{ "a/b<c>&'\x01\x7f\u2028" | tojson }} {{ 1.0 | tojson }} {{ 1e20 | tojson }} {{ nil | tojson }} {{ (1, 2) | tojson }}
{{ d | tojson(indent=2) }} {{ [] | tojson(indent=2) }} {{ {} | tojson(indent=2) }} {{ [[], {}, [1]] | tojson(indent=1) }} {{ d | tojson(sort_keys=true) }} {{ d | tojson(separators=(',', ':')) }} {{ u | tojson(ensure_ascii=true) }} {{ [1, 2] | tojson(indent='--') }}
[{{ text | trim }}] [{{ text | upper | lower }}] [{{ 'xxaxx' | trim('x') }}] [{{ s | replace('l', 'L') }}] [{{ s | replace('l', 'L', 1) }}] [{{ 'aaa' | replace('', '-') }}] [{{ s | length }}] [{{ u | length }}] [{{ s | reverse }}] [{{ xs | reverse | list }}]
{{ xs | join }} {{ xs | join(', ') }} {{ people | join('; ', attribute='name') }} {{ [1, none, 'a', 2.0] | join('-') }} {{ 'abc' | join('.') }}
{{ missing | default('dflt') }} {{ nil | default('dflt') }} {{ nil | default('dflt', true) }} {{ '' | d('e', boolean=true) }} {{ missing | default }} {{ n | default(1) }} {{ d.zzz | default('q') }} {{ missing.foo if missing is defined else 'safe' }}
{{ xs | first }} {{ xs | last }} {{ [] | first }} {{ 'abc' | first }} {{ d | first }} {{ people | map(attribute='name') | list }} {{ people | map(attribute='addr.city') | join(',') }} {{ people | map(attribute='admin', default='no') | list }} {{ words | map('upper') | list }} {{ words | map('replace', 'p', 'P') | list }} {{ people | map('length') | list }}
{{ people | selectattr('age', 'equalto', 36) | map(attribute='name') | list }} {{ people | rejectattr('age', 'gt', 30) | map(attribute='name') | list }} {{ people | selectattr('admin') | list | length }} {{ people | selectattr('admin', 'defined') | list | length }} {{ people | rejectattr('admin', 'defined') | list | length }} {{ people | selectattr('addr.city', 'in', ['Rome', 'Paris']) | map(attribute='name') | list }} {{ xs | select('odd') | list }} {{ xs | reject('odd') | list }} {{ [0, 1, '', 'a'] | select | list }} {{ mixed | select('string') | list }}
{{ xs | sort }} {{ xs | sort(reverse=true) }} {{ words | sort }} {{ words | sort(case_sensitive=true) }} {{ people | sort(attribute='age') | map(attribute='name') | list }} {{ people | sort(attribute='age', reverse=true) | map(attribute='name') | list }} {{ words | unique | list }} {{ words | unique(true) | list }} {{ d | dictsort }} {{ {'b': 1, 'A': 2} | dictsort(true) }} {{ {'b': 1, 'A': 2} | dictsort(by='value', reverse=true) }} {{ xs | min }} {{ xs | max }} {{ words | max }} {{ xs | sum }} {{ people | sum(attribute='age') }} {{ [1, 2, 3, 4, 5] | batch(2) | list }} {{ [1, 2, 3] | batch(2, '-') | list }}
{% for k, v in ['b', 'A', 'a', 'B'] | groupby(0) %}{{ k }}{{ v }}{% endfor %} {{ ['b', 'A', 'a'] | groupby(0, case_sensitive=true) | map('first') | list }} {% for g in people | groupby('age') %}{{ g[0] }}: {{ g[1] | map(attribute='name') | join('+') }}; {% endfor %}
{{ '3' | int }} {{ '3.7' | int }} {{ 'x' | int }} {{ 'x' | int(9) }} {{ 3.9 | int }} {{ -3.9 | int }} {{ t | int }} {{ ' 42 ' | int }} {{ 'ff' | int(base=16) }} {{ '1.5' | float }} {{ 'x' | float }} {{ 3 | float }} {{ '1e3' | float }} {{ nil | int }} {{ 2.5 | round }} {{ 3.5 | round }} {{ 2.675 | round(2) }} {{ 7 | round }} {{ 2.1 | round(0, 'ceil') }} {{ 2.19 | round(1, 'floor') }} {{ 1234 | round(-2) }} {{ neg | abs }} {{ -2.5 | abs }} {{ 42 | string ~ '!' }} {{ 4.0 | string }}
{{ s | capitalize }} {{ 'hello world-foo (bar)' | title }} {{ "they're bill's" | title }} {{ 'ß x' | upper }} {{ 'ÀÉ' | lower }} {{ '<a href="x">\'&' | escape }} {{ s | safe }} {{ 'a b  c' | wordcount }} [{{ 'ab' | center(7) }}] [{{ 'abc' | center(6) }}] {{ '%s-%d %05.2f %%' | format('a', 3, 2.5) }} {{ '%-5s|%5s|%x' % ('a', 'b', 255) }} {{ '%s' % 5 }} {{ '%(k)s' % {'k': 1} }} {{ '{} {}'.format(1, 'a') }} {{ '{1}{0}{k}{{}}'.format(1, 2, k=3) }}
[{{ 'a\nb\n\nc' | indent }}] [{{ 'a\nb\n\nc' | indent(2, true) }}] [{{ 'a\nb\n\nc\n' | indent(2, blank=true) }}] [{{ 'a\nb' | indent('> ', true) }}] [{{ '' | indent }}]
[{{ text.strip() }}] [{{ text.lstrip() }}] [{{ text.rstrip() }}] [{{ 'xyaxy'.strip('yx') }}] [{{ 'aab'.lstrip('a') }}] [{{ 'baa'.rstrip('a') }}] [{{ '\n a \n'.strip('\n') }}] {{ 'a,b,,c'.split(',') }} {{ text.split() }} {{ 'a b c d'.split(' ', 2) }} {{ ' a b  c d '.split(none, 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ' a b  c '.rsplit(none, 1) }} {{ 'a\nb\r\nc\n'.splitlines() }} {{ ''.split(',') }} {{ ''.split() }} {{ 'k=v=w'.partition('=') }} {{ 'k=v=w'.rpartition('=') }} {{ 'abc'.partition('x') }}
{{ s.startswith('He') }} {{ s.endswith(('x', 'ld')) }} {{ s.upper() }} {{ s.lower() }} {{ 'hello wORLD it\'s'.title() }} {{ 'hELLO'.capitalize() }} {{ 'aBc'.swapcase() }} {{ s.find('o') }} {{ s.rfind('o') }} {{ s.find('zz') }} {{ u.find('世') }} {{ s.count('l') }} {{ s.index('W') }} {{ s.replace('o', '0') }} {{ s.replace('o', '0', 1) }} {{ ', '.join(['a', 'b']) }} {{ 'abc'.isalpha() }} {{ '12'.isdigit() }} {{ 'a1'.isalnum() }} {{ ' \n'.isspace() }} {{ ''.isspace() }} {{ 'ab'.islower() }} {{ 'AB1'.isupper() }} {{ '12'.isupper() }} [{{ 'ab'.ljust(5) }}] [{{ 'ab'.rjust(5, '.') }}] [{{ 'ab'.center(7, '*') }}] [{{ 'abc'.center(6, '*') }}] {{ '-42'.zfill(6) }} {{ 'prefix-x'.removeprefix('prefix-') }} {{ 'x.txt'.removesuffix('.txt') }} {{ xs.index(1) }} {{ xs.count(3) }} {{ d.copy() == d }}
{{ n is defined }} {{ missing is defined }} {{ missing is undefined }} {{ nil is none }} {{ n is not none }} {{ s is string }} {{ d is mapping }} {{ xs is iterable }} {{ s is iterable }} {{ n is iterable }} {{ xs is sequence }} {{ d is sequence }} {{ n is sequence }} {{ n is number }} {{ t is number }} {{ x is number }} {{ n is integer }} {{ t is integer }} {{ x is float }} {{ t is boolean }} {{ n is boolean }} {{ t is true }} {{ f is false }} {{ n is true }} {{ 1 is true }} {{ n is eq 7 }} {{ n is equalto(7) }} {{ n is ne 7 }} {{ n is gt 3 }} {{ n is lt(3) }} {{ n is ge 7 }} {{ n is le 6 }} {{ 2 is in xs }} {{ 2 is in [1] }} {{ n is odd }} {{ n is even }} {{ 9 is divisibleby 3 }} {{ 'ab' is lower }} {{ 'AB' is upper }} {{ nil is sameas none }} {{ range is callable }} {{ s is callable }} {{ 'upper' is filter }} {{ missing is iterable }} {{ missing is mapping }} {{ missing is string }}
{{ n is defined and n > 3 or missing is defined }} {{ not missing is defined }} {{ n is divisibleby(7) and not n is even }} {{ d.content is defined and d.content is string and d.content | length > 2 }}
{{ strftime_now('%Y-%m-%d %H:%M:%S %d %b %B %a %A %j %y %I %p %-d %-m %e %% %F %T') }}
{{ dict(a=1, b='x') }} {{ dict({'q': 1}, r=2) }} {{ [1, 2, 3,] }} {{ (1, 2,) }} {{ {'a': 1,} }}
{{ -n | abs }} {{ (-n) | abs }} {{ n - 1 | abs }} {{ 'a' ~ 'b' | upper }} {{ ('a' ~ 'b') | upper }} {{ not n | default(0) }} {{ 1 + xs | length }} {{ 2 * xs | length + 1 }} {{ s.split(', ')[1].upper()[::-1] }}
{%- for message in people %}{{ message.name }}{{ ',' if not loop.last }}{%- endfor %}
{{ u.upper() }} {{ 'ǆ'.title() }} {{ 'ﬁ'.upper() }} {{ 'İ'.lower() | length }} {{ 'ΑΣ'.lower() }}
{{ "%.3f" | format(3.14159) }} {{ "%5.1f|%-8d|%+d" | format(2.25, 42, 5) }} {{ "%r" | format("a'b") }} {{ '%s %s' % ('a', [1, 'b']) }}
{{ people | map(attribute='tags') | list }} {{ people[0].addr.city }} {{ people[0]['addr']['city'][0] }} {{ people | length }} {{ (people | first).name }} {{ (people | last)['name'] }} {{ people | attr('x') }}
{{ true }} {{ True }} {{ false }} {{ False }} {{ none }} {{ None }} {{ [true, none] }}
{{ loop }}{% set loop = 5 %}{{ loop }}
{{ ['a', 'b'] | map('upper') | join }} {{ {'a': 1}.items() | list }} {{ 'x' in {'x': 1}.keys() }} {{ 1 in {'x': 1}.values() }}
{% for m in xs %}{% for o in words %}{{ loop.index }}{% if loop.last %}{{ m }}{% endif %}{% endfor %}{{ loop.index }};{% endfor %}
{% if xs is string %}a{% elif xs is mapping %}b{% elif xs is sequence %}c{% endif %}
{{- '' }}{{ 'lead' }}{{ '' -}}
{% for i in xs %}{% if i == 3 %}{% continue %}{% endif %}{{ i }}{% else %}E{% endfor %} {% for i in [1] %}{% break %}{% else %}E{% endfor %} {% for i in xs %}{% if loop.last %}{% break %}{% endif %}{{ i }}{% else %}E{% endfor %}
{% for i in [1, 1, 2] %}{{ loop.changed(i) }}{% endfor %} {{ [1, 2, 3, 4] | slice(3) | list }} {{ [1, 2, 3, 4] | slice(3, '-') | list }} {{ 'a\nb\r\n'.splitlines(true) }} {{ '%x' % -255 }} {{ "it's a-b" | wordcount }}
{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, q=3) }} {{ m.name }}{% if t: %}colon{% endif %}{% for i in xs: %}{{ i }}{% endfor %}
{{ people | sort(attribute='age,name') | map(attribute='name') | list }} {{ [1, 2] | sort(attribute='zz') | list }} {{ [d] | max }} {{ [1, 2] | map(attribute='a.b', default='-') | list }} {{ [1, 2] | map(attribute='a', default=none) | select('defined') | list }} {{ 3.0 is odd }} {{ 2.5 is even }} {{ xs[nil] is defined }} {{ d[[1]] is defined }} {{ missing in d }}
{{ big2 }} {{ [big2] | tojson }} {{ big2 is number }} {{ big2 is integer }} {{ big2 is float }} {{ 'y' if big2 }} {{ {'k': -big3} | tojson if big3 is defined }}
""".strip("\n").split("\n")

# Several lines each: whitespace control.
BLOCKS = [
    "  {% if t %}\n  yes\n  {% endif %}\nend\n",
    "a\n  {%- if t %}\n b\n  {%- endif %}\nc",
    "a\n{% if t -%}\n\n  b\n{%- endif -%}\n  c\n",
    "a\n\t {# comment #}\nb{# c #}\nc\n  {#- d -#}  \ne\n\n",
    "x {% if t %}\ny {% endif %}\nz",
    "{% for i in xs %}\n  {{ i }}\n{% endfor %}\n",
    "{% for i in xs %}\n  {%+ if t %}\n{{ i }}{% endif +%}\n{% endfor %}",
    "{%- set a = 1 -%}\n\n{{ a }}\n\n\n",
    "one\r\ntwo\r{% if t %}\r\nthree{% endif %}\r\n",
    "  {{ n }}\n  {{- n }}\n{{ n -}}\n  z",
    "{% raw %}\n  {{ n }}\n{% endraw %}\nq\n  {% raw -%}\n  a {%- endraw %}\nb",
    "{{ n }}{% if t %}\n\n{% endif %}\n   {% if f %}x{% endif %}   \n.",
    "{% macro f() %}\n  inner\n{% endmacro %}\n[{{ f() }}]",
    "{% set x %}\n  block\n{% endset %}\n[{{ x }}]",
    "\n\n{% if t %}\n{% endif %}\n\n",
    "",
    "\n",
    "{{ 'a\nb' }}",
    "{%+ if t %}a{% endif %}{% if t +%}\nb{% endif %}\n",
    "{{\n  n\n  +\n  1\n}}",
    "{% if\n t\n%}x{% endif %}",
]

# Templates that must fail; a message where the template raises it itself.
FAILURES = r"""
{{ raise_exception('Conversation roles must alternate ' ~ n) }}
{{ missing.foo }}
{{ missing['foo'] }}
{{ missing() }}
{{ missing + 1 }}
{{ d.zzz.foo }}
{{ d.zzz() }}
{{ nil.foo.bar }}
{{ 'a' + 1 }}
{{ 1 + 'a' }}
{{ nil + 'a' }}
{{ 'a' + nil }}
{{ [1] + 'a' }}
{{ 1 < 'a' }}
{{ nil < 1 }}
{{ 1 in 5 }}
{{ 1 in 'abc' }}
{{ 1 / 0 }}
{{ 1 % 0 }}
{{ n | nosuchfilter }}
{{ n is nosuchtest }}
{{ n.foo() }}
{{ n() }}
{{ xs.append(1) }}
{{ d.update({}) }}
{{ d.pop('a') }}
{{ missing | tojson }}
{{ range | tojson }}
{% for i in n %}{% endfor %}
{% for i in nil %}{% endfor %}
{% for a, b in [(1, 2, 3)] %}{% endfor %}
{{ n | length }}
{{ n | join }}
{{ range(1000000) | list }}
{% set d.b = 5 %}
{% set missing.x = 5 %}
{% if t %}
{% for x in xs %}{% endif %}
{% endif %}
{% else %}
{% nosuchtag %}
{{ n
{{ 'abc }}
{% if t %}a
{# open
{% raw %}open
{{ }}
{{ 1 + }}
{{ (1 }}
{{ [1, 2 }}
{{ {'a' 1} }}
{{ a b }}
{{ a. }}
{{ $ }}
{% for in xs %}{% endfor %}
{% for x xs %}{% endfor %}
{% set = 1 %}
{% set 1 = 1 %}
{% macro %}{% endmacro %}
{% break %}
{{ xs[::0] }}
{{ 'a'.split('') }}
{{ s.index('zz') }}
{{ s.nosuch() }}
{{ {[1]: 2} }}
{{ xs | sort(attribute='q') | list + [mixed | sort] }}
{{ mixed | sort }}
{{ 'x' * 'y' }}
{{ -s }}
{{ s.startswith(1) }}
{{ s | round }}
{{ '%d' % 'a' }}
{{ '%s %s' % 1 }}
{{ 'abc' % 2 }}
{{ 'abc' is odd }}
{{ (1, 2) < [1, 2] }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, b=2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{% call m(1) %}x{% endcall %}
{{ 1_ }}
{{ 01 }}
{{ ['a'] | sort(attribute='x.y') }}
""".strip("\n").split("\n")


def render(template, variables):
    return environment().from_string(template).render(**variables)


def snippet_cases(kind, templates):
    for i, template in enumerate(templates):
        yield {"name": f"{kind} {i}: {template[:40]}", "template": template}


def run(case):
    try:
        case["output"] = render(case["template"], {**SHARED, **VARIABLES})
    except Rejection as e:
        case["rejection"] = str(e)
    except Exception as e:
        case["error"] = f"{type(e).__name__}: {e}"
    return case


def write(name, cases):
    recorded = {"now": NOW.isoformat(), "variables": {**SHARED, **VARIABLES}, "cases": cases}
    text = json.dumps(recorded, ensure_ascii=False, indent=0)
    (HERE / name).write_text(text + "\n", encoding="utf-8")
    for kind in ("output", "rejection", "error"):
        print(name, kind, sum(kind in case for case in cases))


def main():
    succeeding = [run(case) for case in snippet_cases("snippet", SNIPPETS)]
    succeeding += [run(case) for case in snippet_cases("block", BLOCKS)]
    failing = [run(case) for case in snippet_cases("failure", FAILURES)]
    for case in succeeding:
        assert "output" in case, case
    for case in failing:
        assert "output" not in case, case
    write("snippets.json", succeeding + failing)


if __name__ == "__main__":
    main()
