#!/usr/bin/env python3
"""What jinja2, set up as transformers sets it up, makes of small templates: one line of features.json each.

    pip install "transformers==5.23.0" "jinja2==3.1.6"
    python3 interop/chat-templates/features.py        (from the root of the repository)

Writes model/src/test/resources/chat-templates/features.json: {"variables", "cases": [{"template", "rendered"} |
{"template", "error"}]}. The Java test renders each template with the same variables and expects the same text, or any
error where jinja2 gave one.
"""
import json, pathlib
from transformers.utils.chat_template_utils import _cached_compile_jinja_template

VARIABLES = {
    "s": "Hello, World", "zh": "你好，世界😀!", "n": 7, "f": 2.5, "t": True, "no": None, "empty": "", "html": "<a href=\"x\">&'</a>",
    "list": [3, 1, 2], "words": ["b", "A", "c", "a"], "mixed": [1, "two", 3.0, None, True, [1, 2], {"k": "v"}],
    "d": {"b": 1, "a": [1, {"x": None}], "c": "ü", "items_": 5}, "odd": {"items": "key", "get": 3}, "deep": {"a": {"b": {"c": [10, 20]}}},
    "people": [{"name": "Ann", "age": 30, "tags": ["x"]}, {"name": "bob", "age": 25}, {"name": "Cid", "age": 30, "tags": []}],
    "big": 123456789012345678901234567890, "pairs": [["a", 1], ["b", 2]], "lines": "one\ntwo\n\nthree", "blank": "  \t pad \n ",
    "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U1"}, {"role": "assistant", "content": "A1"}, {"role": "user", "content": "U2"}],
}

BLOCKS = [
    # white space
    "a\n  {% if true %}\n  b\n  {% endif %}\nc", "a\n  {%- if true -%}\n  b\n  {%- endif -%}\nc", "a\n  {%+ if true %}\nb\n  {%+ endif %}\nc", "a {% if true +%}\nb{% endif +%}\nc",
    "x {{- ' y ' -}} z", "x\n{{ 1 }}\ny\n", "x\n\n", "x\n\n\n", "  {# note #}\nx", "a{#- note -#} b", "a\n  {# note #}  \n b", "{# a\nb #}\n\nc", "  {{ 1 }}\n  {{ 2 }}", "{% raw %}{{ x }} {% if %}{% endraw %}",
    "a\n  {% raw %}\n  b {{ c }}\n  {% endraw %}\nd", "a {%- raw -%} b {%- endraw -%} c", "{% set x = 1 %}\n{% set y = 2 %}\n{{ x }}{{ y }}", "a\r\nb\rc\n", "\t{% if t %}\n\tx\n\t{% endif %}\n\ty", "{% if t %}  \n x{% endif %}", "a　{%- if t %}b{% endif %}",
    "{{ '}}' }}{{ '%}' }}{{ {'a': {'b': 1}} }}", "{{'a'}}{{\"b\"}}", "{ {{ 1 }} }", "{%if t%}x{%endif%}", "{% if t %}\n\n{{ 1 }}\n\n{% endif %}\n\n.", "# x ## y", "a  {#+ keep #}b", "{{ 'a\nb' }}", "{% for x in list %}\n  {{- x }},\n{% endfor %}\nend",
    # if, for
    "{% if no %}1{% elif n == 7 %}2{% else %}3{% endif %}", "{% if undefinedthing %}1{% else %}2{% endif %}", "{% if not undefinedthing and t %}1{% endif %}", "{% for x in list %}{{ x }}{% else %}none{% endfor %}", "{% for x in [] %}{{ x }}{% else %}none{% endfor %}",
    "{% for x in undefinedthing %}{{ x }}{% else %}none{% endfor %}", "{% for x in list %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }};{% endfor %}",
    "{% for x in list %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }};{% endfor %}", "{% for x in list %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }}{% endfor %}", "{% for x in list if x > 1 %}{{ loop.index }}:{{ x }} {% endfor %}", "{% for x in list if x > 9 %}{{ x }}{% else %}no{% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k, v in d|items %}{{ k }}={{ v }};{% endfor %}", "{% for k in d %}{{ k }}{% endfor %}", "{% for (a, b) in pairs %}{{ a }}{{ b }}{% endfor %}", "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "{% for a, b in [[1]] %}{{ a }}{% endfor %}",
    "{% for c in zh %}{{ c }}|{% endfor %}", "{% for x in list %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}", "{% for x in list %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% endfor %}", "{% for x in list %}{% for y in list %}{% if y == 1 %}{% break %}{% endif %}{{ x }}{{ y }}{% endfor %};{% endfor %}",
    "{% break %}", "{% for x in list %}{{ loop.cycle('a', 'b') }}{{ loop.changed(x > 1) }}{% endfor %}", "{% for x in [1,[2,[3]]] recursive %}{{ loop.depth }}{% if x is iterable %}({{ loop(x) }}){% else %}{{ x }}{% endif %}{% endfor %}", "{% for x in list %}{% set y = x %}{% endfor %}{{ y }}", "{% set y = 0 %}{% for x in list %}{{ y }}{% set y = y + x %}{{ y }};{% endfor %}{{ y }}",
    "{% for x in 5 %}{% endfor %}", "{% for x in none %}{% endfor %}", "{% for x in range(3) %}{{ x }}{% endfor %}{{ x }}", "{% for x in messages[::-1] %}{{ x.content }}{% endfor %}", "{% for x in (1, 2) %}{{ x }}{% endfor %}{% for x in 1, 2 %}{{ x }}{% endfor %}", "{% if t %}{% set q = 1 %}{% endif %}{{ q }}", "{% for m in messages %}{{ loop }}{% endfor %}",
    # set, namespace, with
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set a = 1, 2 %}{{ a }}", "{% set x %}  a {{ n }}{% endset %}[{{ x }}]", "{% set x | upper | trim %}  a {{ n }}{% endset %}[{{ x }}]", "{% set ns = namespace(a=1, b='x') %}{% for x in list %}{% set ns.a = ns.a + x %}{% endfor %}{{ ns.a }}{{ ns.b }}{{ ns.c }}", "{% set ns = namespace({'k': 2}) %}{{ ns.k }}{% set ns.z = 3 %}{{ ns['z'] }}",
    "{% set ns = namespace() %}{% set ns._x = 1 %}", "{% set x.y = 1 %}", "{% set d2 = {'a': 1} %}{% set d2.a = 2 %}", "{% set true = 1 %}", "{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}{{ a }}", "{% set x = 1 %}{% set x = x + 1 %}{{ x }}", "{% set x %}{% set y = 1 %}{% endset %}{{ y }}", "{% filter upper %}abc {{ s }}{% endfilter %}", "{% print n, s %}", "{% set a.b.c = 1 %}",
    # macros
    "{% macro m(a, b='x', c=none) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(b=3, a=4) }}{{ m() }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(x=2) }}", "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, k=3) }}", "{% macro m() %}<{{ caller() }}>{% endmacro %}{% call m() %}in {{ n }}{% endcall %}",
    "{% macro m() %}<{{ caller(1, 2) }}>{% endmacro %}{% call(a, b) m() %}{{ a }}-{{ b }}{% endcall %}", "{% macro f(x) %}{% if x > 0 %}{{ x }}{{ f(x - 1) }}{% endif %}{% endmacro %}{{ f(4) }}", "{% macro m() %}{{ y }}{% endmacro %}{% set y = 5 %}{{ m() }}", "{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}", "{% set x = 1 %}{% macro m() %}{% set x = 2 %}{{ x }}{% endmacro %}{{ m() }}{{ x }}",
    "{% macro m(a) -%}\n  {{ a }}\n{%- endmacro %}{{ m('q') ~ m('r') }}", "{% macro m(a=1, b) %}{% endmacro %}", "{{ m(1) }}{% macro m(a) %}{{ a }}{% endmacro %}", "{% macro m(a) %}{{ a is defined }}{% endmacro %}{{ m() }}", "{% macro m() %}x{% endmacro %}{{ m.name }}", "{% macro m(d) %}{{ d.a }}{% endmacro %}{{ m({'a': 1}) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(*[1]) }}{{ m(**{'a': 2}) }}", "{% for x in list %}{% macro m() %}{{ x }}{% endmacro %}{{ m() }}{% endfor %}",
    # generation
    "a{% generation %}b{% set q = 1 %}{% endgeneration %}c{{ q }}", "{% for m in messages %}{% if m.role == 'assistant' %}\n{% generation %}\n  {{- m.content }}\n{% endgeneration %}\n{% endif %}{% endfor %}", "{% generation %}x",
    # errors of structure
    "{% if t %}", "{% for x in list %}", "{% endif %}", "{% else %}", "{{ 1", "{% if t", "{{ }}", "{{ 1 + }}", "{{ (1 }}", "{{ [1) }}", "{% unknown %}", "{{ 'abc }}", "{# x", "{% raw %}x", "{{ a b }}", "{% if %}x{% endif %}", "{% for in list %}{% endfor %}", "{{ 1 is nosuchtest }}", "{{ 1|nosuchfilter }}", "{{ x ? }}", "{{ 007 }}", "{% set %}", "{{ a..b }}", "{{ 1.foo }}", "{{ f(a=1, 2) }}", "{{ 'a' 'b' \"c\" }}", "{{ x is defined is defined }}", "{% include 'x' %}", "{% extends 'x' %}", "{{ @ }}", "{% elif t %}",
]
EXPRESSIONS = """
1 + 2 * 3|(1 + 2) * 3|2 ** 3 ** 2|-2 ** 2|- n|+f|7 // 2|-7 // 2|7 % 3|-7 % 3|7 % -3|7.5 // 2|-7.5 % 2|7 / 2|6 / 2|1 / 0|1 // 0|1.0 % 0|2 ** -1|2 ** 100|big + 1|big * big|big // 7|2 ** 0.5|1e3|1_000|0x1f|0b101|0o17|1.5e-7|1e16|1e15|123456789.123|0.1 + 0.2|1e22|1.0|100.0|-0.0|1e-5|0.0001|10 ** 15 * 1.0|10 ** 16 * 1.0|f + n|true + 1|true and 0|0 or 'x'|'' or none|not 0|not 'a' == 'b'|1 < 2 < 3|1 < 3 < 2|1 == 1.0|true == 1|'a' == 'a'|none == none|none is none|'1' == 1|[1, 2] == [1, 2]|(1, 2) == [1, 2]|{'a': 1} == {'a': 1.0}|'a' < 'b'|'Z' < 'a'|[1, 2] < [1, 3]|1 < 'a'|none < 1|[] < 1|undefinedthing == undefinedthing|undefinedthing != 1|undefinedthing < 1
s ~ n ~ f ~ t ~ no|'a' + 'b'|'a' + 1|'a' * 3|3 * 'ab'|'a' * -1|[1] + [2]|[1] * 2|(1,) + (2,)|[1] + (2,)|'a' in 'abc'|'x' not in 'abc'|1 in list|9 not in list|'b' in d|1 in d|none in list|1 in 'abc'|1 in undefinedthing|1 in 5|n if t|n if no|n if no else f|(n if no) is defined|1 if t else 2 if no else 3|not t if t else 1|'a' if t else 'b' ~ 'c'|1 - 1 ~ 2|1 ~ 2 + 3|2 * 3 ~ 4|-1 ~ 2|1 + 2 ~ 3 * 4
s[0]|s[-1]|s[99]|s[1:4]|s[::-1]|s[::2]|s[-3:]|s[:-3]|s[5:2]|s[10:0:-3]|zh[2]|zh[-2]|zh[::-1]|zh|length|list[1]|list[-1]|list[5]|list[1:]|list[::-1]|list[:-1]|list[-2:]|list[::-2]|list[::0]|list[0:10]|list['a']|list[1.0]|list[true]|mixed[5][1]|mixed[6].k|mixed[6]['k']|(1, 2, 3)[1:]|d.a[1].x|d['a'][0]|d.nothing|d.nothing.more|d['nothing']['more']|undefinedthing|undefinedthing.x|undefinedthing['x']|undefinedthing()|undefinedthing + 1|d.items_|odd.items|odd['items']|odd.get|odd['get']|deep.a.b.c[1]|deep['a'].b['c'][0]|no.x|no.x.y|no['x']|n.x|5[0]|messages[0].role|messages[0]['role']|messages[-1].content|messages|messages[1:]|length|list.0|pairs.1.0|d.a.0|s.0|f[0]|t.x
d.get('b')|d.get('zz')|d.get('zz', 5)|d.keys()|d.values()|d.items()|d.keys()|list|d.items()|list|d.keys()|join(',')|d.copy()|d.pop('a')|d.update({'x': 1})|d.clear()|list.append(4)|list.pop()|list.count(1)|list.index(2)|list.index(9)|list.sort()|'a' in d.keys()|d.keys()|length|d.items()|first|d.values()|first|d.items()[0]|d.setdefault('q', 1)|list.copy()|(1, 2).count(1)|d.__class__|s.__class__|''.__class__.__mro__|s._x|range.__name__|d['__class__']
s.upper()|s.lower()|zh.upper()|'ß'.upper()|s.title()|'they\\'re bill\\'s'.title()|'hello wORLD'.capitalize()|s.strip('Hd')|blank.strip()|blank.lstrip()|blank.rstrip()|'xxaxx'.strip('x')|'\\n\\nab\\n'.strip('\\n')|'　a　'.strip()|s.split()|s.split(', ')|s.split('')|s.split('l', 1)|s.rsplit('l', 1)|' a  b '.split()|' a  b c '.split(none, 1)|' a  b c '.rsplit(none, 1)|'a,b,,c'.split(',')|''.split()|''.split(',')|'a</think>b</think>c'.split('</think>')[-1]|'a</think>b'.split('</think>')[0].rstrip('\\n').split('<think>')[-1]|lines.splitlines()|lines.splitlines(true)|'a\\r\\nb'.splitlines()|s.startswith('He')|s.startswith(('x', 'H'))|s.endswith('ld')|s.startswith('l', 2)|s.startswith(1)|s.replace('l', 'L')|s.replace('l', 'L', 1)|'aaa'.replace('a', '')|'ab'.replace('', '-')|s.find('o')|s.find('zz')|s.rfind('o')|s.find('o', 5)|s.index('zz')|s.index('W')|s.count('l')|s.count('')|zh.find('世')|', '.join(['a', 'b'])|', '.join([1])|','.join(d)|'a'.join('xyz')|'123'.isdigit()|'12a'.isdigit()|''.isdigit()|'abc'.isalpha()|'你好'.isalpha()|'a1'.isalnum()|' '.isspace()|'ABC'.isupper()|'abc'.islower()|'Abc'.istitle()|'abc'.isascii()|'a'.zfill(3)|'-5'.zfill(4)|'ab'.ljust(4) ~ '.'|'ab'.rjust(4, '*')|'ab'.center(5, '*')|'abc'.center(6, '*')|'a-b-c'.partition('-')|'a-b-c'.rpartition('-')|'abc'.partition('x')|'prefix_x'.removeprefix('prefix_')|'x.py'.removesuffix('.py')|'aBc'.swapcase()|s.nosuch()|s.nosuch|s.strip(1)
'%s=%d' % ('a', 5)|'%s' % s|'%5.2f|' % f|'%d%%' % 5|'%x' % 255|'%05d' % 42|'%-5s|' % 'a'|'%r' % 'a'|'%(a)s' % {'a': 1}|'%s %s' % ('a',)|'%d' % 'x'|'%s' % (1, 2)|'%s' % [[1, 2]]|'{} {}'.format(1, 'x')|'{1} {0}'.format('a', 'b')|'{a}'.format(a=5)|'{:>5}|{:<5}|{:^5}|'.format('a', 'b', 'c')|'{:.2f}'.format(f)|'{:05d}'.format(42)|'{:,}'.format(1234567)|'{0.name}'.format(people[0])|'{0[name]}'.format(people[0])|'{{}}'.format()|'{!r}'.format('a')|'{'.format()|'{}'.format()|'{:.3}'.format('abcdef')|'{:.1%}'.format(0.256)|'{:e}'.format(12345.678)|'{:g}'.format(0.00001234)|'{:+d}'.format(5)
s|upper|s|lower|s|title|'foo-bar baz(qux) o\\'neil'|title|'hELLO'|capitalize|blank|trim|'xxaxx'|trim('x')|s|length|zh|count|list|length|d|length|n|length|undefinedthing|length|no|length|html|e|html|escape|html|safe|undefinedthing|default('x')|empty|default('x')|empty|default('x', true)|no|default('x')|no|d('x', boolean=true)|undefinedthing|d|list|first|list|last|[]|first|[]|last|s|first|s|last|d|first|list|join|list|join('-')|words|join(', ')|people|join(',', attribute='name')|d|join|zh|join('.')|list|sort|list|sort(reverse=true)|words|sort|words|sort(case_sensitive=true)|people|sort(attribute='age')|map(attribute='name')|list|people|sort(attribute='age,name')|map(attribute='name')|join|mixed|sort|words|unique|list|[1, 1.0, true, 2]|unique|list|list|sum|people|sum(attribute='age')|list|sum(start=10)|words|sum|list|min|list|max|words|min|words|max|[]|min|people|max(attribute='age')|list|reverse|list|s|reverse|list|reverse|d|dictsort|d|dictsort(reverse=true)|{'b': 1, 'A': 2}|dictsort|{'b': 1, 'A': 2}|dictsort(true)|{'b': 1, 'a': 2}|dictsort(by='value')|d|items|list|undefinedthing|items|list|list|items|words|map('upper')|list|words|map('replace', 'a', 'x')|list|people|map(attribute='tags', default='-')|list|people|map(attribute='nope')|list|list|map('string')|join('+')|list|map
list|select('odd')|list|list|select('gt', 1)|list|list|reject('equalto', 1)|list|mixed|select|list|mixed|reject('none')|list|people|selectattr('age', 'equalto', 30)|map(attribute='name')|list|people|selectattr('tags')|list|length|people|rejectattr('tags', 'defined')|map(attribute='name')|list|people|selectattr('tags', 'defined')|list|length|messages|selectattr('role', 'eq', 'user')|list|messages|selectattr('role', 'in', ['user', 'system'])|map(attribute='content')|join(' ')|messages|selectattr('role', 'eq', 'user')|first|messages|selectattr('role', 'eq', 'user')|last|list|select('odd')|length|(list|select('odd')|list)[0]|list|map('string')|list|batch(2)|list|list|batch(2, 'x')|list|list|slice(2)|list|people|groupby('age')|people|groupby('age')|map('first')|list|n|string|f|string|t|string|no|string|'42'|int|'42.9'|int|'x'|int|'x'|int(5)|'ff'|int(base=16)|f|int|no|int|t|int|' 7 '|int|'1_000'|int|undefinedthing|int|'3.5'|float|'x'|float|'x'|float(1.5)|n|float|'1e3'|float|-5|abs|f|abs|s|abs|2.5|round|3.5|round|2.567|round(2)|2.1|round(method='ceil')|2.9|round(0, 'floor')|n|round|1234|round(-2)|s|list|d|list|n|list|lines|indent|lines|indent(2, true)|lines|indent(2, blank=true)|lines|indent('>')|empty|indent|s|replace('l', 'L')|s|replace('l', 'L', 1)|n|replace(7, 8)|s|truncate(8)|'aaa bbb ccc ddd'|truncate(9, leeway=0)|s|center(20)|s|wordcount|'%s-%s'|format(1, 2)|'%(a)s'|format(a=1)|people[0]|attr('name')|s|upper|lower|title|(s|upper)|s.strip()|upper|-1|abs|1 + 2|string|'a' ~ 1|string|[1, 2]|string|(1,)|string|()|string|{}|string|{'a': [1, 'x', none, true, 2.0]}|string|'it\\'s'|list|['it\\'s', 'say "hi"', 'both \\' "']|['\\n\\t\\\\', 'ü', '\\x00', '\\u200b', '😀']|nosuch|upper
d|tojson|zh|tojson|html|tojson|mixed|tojson|d|tojson(indent=2)|mixed|tojson(indent=4)|d|tojson(ensure_ascii=true)|zh|tojson(ensure_ascii=true)|d|tojson(separators=(',', ':'))|d|tojson(sort_keys=true)|d|tojson(indent=2, separators=(',', ': '))|[]|tojson|{}|tojson|[]|tojson(indent=2)|{}|tojson(indent=2)|{'a': []}|tojson(indent=2)|(1, 2)|tojson|1.0|tojson|1e20|tojson|0.1|tojson|none|tojson|true|tojson|undefinedthing|tojson|'a\\n\\t"\\\\/\\x08\\x0c\\x01\\x7f'|tojson|{1: 'a', true: 'b'}|tojson|{none: 1, 1.5: 2}|tojson|d.items()|tojson|range(3)|tojson|range|tojson|big|tojson|'\\u2028'|tojson|d|tojson(indent=0)|d|tojson(indent='\\t')|d|tojson(false, 1)|messages|tojson|namespace(a=1)|tojson
n is number|n is integer|f is float|f is integer|t is number|t is integer|t is boolean|t is true|n is true|1 is true|t is false|no is none|s is string|n is string|list is sequence|s is sequence|d is sequence|d is mapping|list is mapping|list is iterable|n is iterable|d is iterable|undefinedthing is iterable|undefinedthing is defined|undefinedthing is not defined|s is defined|undefinedthing is undefined|d.zz is defined|d.a is defined|no is defined|3 is odd|4 is even|9 is divisibleby 3|9 is divisibleby(2)|1 is in [1, 2]|1 in [1] is true|3 is eq 3|3 is equalto 4|3 is ne 4|3 is lt 4|3 is gt 4|3 is le 3|3 is ge 4|'a' is upper|'A' is upper|'a' is lower|range is callable|s is callable|s.upper is callable|t is sameas true|1 is sameas 1|not n is string|n is not string|n is string or t|n is not none and t|n is string == false|(range(3)) is sequence|(list|map('string')) is sequence|(list|map('string')) is iterable|d.items() is iterable|d.items() is sequence|'upper' is filter|'zz' is filter|s is escaped|-1 is number|n - 1 is number|messages[0].content is string|1.5 is odd|'a' is odd|none is none|s is nosuch
range(5)|list|range(2, 5)|list|range(5, 0, -2)|list|range(0)|list|range(3)|range(1, 3)|range(0, 9, 3)|range(3)[1]|range(3)[-1]|range(3)|length|range(1000000)|range(1.5)|range('a')|range(1, 2, 0)|range()|dict(a=1, b=2)|dict({'x': 1}, y=2)|dict([('a', 1)])|dict([1])|namespace(a=1).a|raise_exception('boom')|raise_exception()|[1, 2,]|(1, 2,)|(1,)|()|[]|{}|{'a': 1,}|{'a': 1, 'a': 2}|{1: 'x'}[1]|{1: 'x'}[1.0]|{1: 'x'}[true]|{[1]: 2}|{(1, 2): 3}[(1, 2)]|{'a': 1}.a|{none: 1}[none]|[[1, [2]], {'a': (1, 'x')}]|'\\u4f60\\n\\x41\\101\\q'|"it's"|'a\\\\b'|'\\'|none|None|true|True|false|False|(1, 2) in [(1, 2)]|1, 2|n|string|length|1 if|[x for x in list]|lambda: 1|s(1)|n()|list()|'a'()|d.a()|joiner|cycler|lipsum|loop|self|caller
"""


def templates():
    yield from BLOCKS
    for line in EXPRESSIONS.strip("\n").split("\n"):
        # Expressions are parted by bars that stand alone, filters by bars too: every prefix is a template of its own.
        parts = line.split("|")
        for i in range(len(parts)):
            for length in (1, 2, 3):
                if i + length <= len(parts):
                    yield "{{ " + "|".join(parts[i:i + length]) + " }}"


def main():
    cases, seen = [], set()
    for template in templates():
        if template in seen:
            continue
        seen.add(template)
        try:
            variables = json.loads(json.dumps(VARIABLES))
            rendered = _cached_compile_jinja_template(template).render(**variables)
            if " at 0x" in rendered or "<TemplateReference" in rendered or "<function" in rendered or "<built-in" in rendered or "<bound" in rendered or "<class" in rendered:
                continue  # prints of Python's own objects mean nothing elsewhere
            cases.append({"template": template, "rendered": rendered})
        except Exception as e:
            if template not in BLOCKS and ("expected token 'name'" in str(e) or "No filter named" in str(e)):
                continue  # two expressions of the list above that are no value and filter
            cases.append({"template": template, "error": f"{type(e).__name__}: {e}"})
    out = pathlib.Path("model/src/test/resources/chat-templates/features.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    out.write_text('{"variables": ' + json.dumps(VARIABLES, ensure_ascii=False) + ',\n"cases": [\n' + lines + "\n]}\n", encoding="utf-8")
    print(len(cases), "cases,", sum("error" in case for case in cases), "errors")


if __name__ == "__main__":
    main()
