#!/usr/bin/env python3
"""Writes tests/fixtures/chat.json: chat templates with what transformers makes of them.

    pip install transformers jinja2          # made with 5.23 and 3.1.6
    python tools/make_chat_fixtures.py

Each entry: template, messages (none where absent), add_generation_prompt (false where absent), bos, eos, and text,
or error (Python's exception) where transformers fails too. strftime_now tells one fixed day.
"""

import datetime
import json
import os

import transformers.utils.chat_template_utils as utils

OUT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "fixtures", "chat.json")


DAY = datetime.datetime(2024, 7, 26)


def message(role, content, **more):
    return {"role": role, "content": content, **more}


HI = [message("user", "Hi")]
TALK = [
    message("system", " Be brief. "),
    message("user", "What is 2 + 2?\n"),
    message("assistant", "<think>\nEasy.\n</think>\n\nIt is 4."),
    message("user", "Gr\u00fc\u00dfe \U0001f642 <b>&\"'"),
]
PLAIN = [message("user", "One"), message("assistant", "Two"), message("user", "Three")]
PARTS = [message("user", [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}])]
TOOL = [
    message("user", "Weather?"),
    message("assistant", None, tool_calls=[{"function": {"name": "get", "arguments": {
        "city": "Z\u00fcrich", "n": 3, "f": 1.5, "ok": True, "no": None, "l": [1, "a"]}}}]),
    message("tool", "{\"t\": 20}", name="get"),
]

# --- templates in the manner of the usual families, written for this test ------------------------------------

CHATML = (
    "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou help.<|im_end|>\n' }}{% endif %}"
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
INST = (
    "{%- if messages[0].role == 'system' -%}\n  {%- set rest = messages[1:] -%}\n"
    "  {%- set system = '<<SYS>>\n' ~ messages[0]['content'] | trim ~ '\n<</SYS>>\n\n' -%}\n"
    "{%- else -%}\n  {%- set rest, system = messages, '' -%}\n{%- endif -%}\n"
    "{{- bos_token -}}\n"
    "{%- for m in rest -%}\n"
    "  {%- if (m['role'] == 'user') != (loop.index0 % 2 == 0) -%}\n"
    "    {{- raise_exception('Roles must alternate user/assistant/user/assistant/...') -}}\n"
    "  {%- endif -%}\n"
    "  {%- if m.role == 'user' -%}\n    {{- '[INST] ' + (system if loop.first else '') + m.content.strip() + ' [/INST]' -}}\n"
    "  {%- elif m.role == 'assistant' -%}\n    {{- ' ' + m['content'] | trim + ' ' + eos_token -}}\n  {%- endif -%}\n"
    "{%- endfor -%}\n"
)
ZEPHYR = (
    "{% for message in messages %}\n"
    "{% if message['role'] == 'user' %}\n{{ '<|user|>\n' + message['content'] + eos_token }}\n"
    "{% elif message['role'] == 'system' %}\n{{ '<|system|>\n' + message['content'] + eos_token }}\n"
    "{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n"
    "{% endif %}\n"
    "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}"
)
HEADERS = (
    "{% set loop_messages = messages %}{% for message in loop_messages %}"
    "{% set content = '<|h|>' + message['role'] + '<|/h|>\n\n'+ message['content'] | trim + '<|eot|>' %}"
    "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|h|>assistant<|/h|>\n\n' }}{% endif %}"
)
TURNS = (
    "{{ bos_token }}\n"
    "{%- if messages[0]['role'] == 'system' -%}\n"
    "    {%- if messages[0]['content'] is string -%}\n        {%- set first_user_prefix = messages[0]['content'] + '\n\n' -%}\n"
    "    {%- else -%}\n        {%- set first_user_prefix = messages[0]['content'][0]['text'] + '\n\n' -%}\n    {%- endif -%}\n"
    "    {%- set loop_messages = messages[1:] -%}\n"
    "{%- else -%}\n    {%- set first_user_prefix = '' -%}\n    {%- set loop_messages = messages -%}\n{%- endif -%}\n"
    "{%- for message in loop_messages -%}\n"
    "    {%- set role = 'model' if message['role'] == 'assistant' else message['role'] -%}\n"
    "    {{ '<turn>' + role + '\n' + (first_user_prefix if loop.first else '') }}\n"
    "    {%- if message['content'] is string -%}\n        {{ message['content'] | trim }}\n"
    "    {%- elif message['content'] is iterable -%}\n"
    "        {%- for item in message['content'] -%}\n"
    "            {%- if item['type'] == 'image' -%}\n                {{ '<image>' }}\n"
    "            {%- elif item['type'] == 'text' -%}\n                {{ item['text'] | trim }}\n            {%- endif -%}\n"
    "        {%- endfor -%}\n"
    "    {%- else -%}\n        {{ raise_exception('Invalid content type') }}\n    {%- endif -%}\n"
    "    {{ '</turn>\n' }}\n{%- endfor -%}\n"
    "{%- if add_generation_prompt -%}\n    {{'<turn>model\n'}}\n{%- endif -%}\n"
)
THINK = (
    "{%- set ns = namespace(last=messages|length - 1, multi=true) %}\n"
    "{%- for message in messages[::-1] %}\n    {%- set index = (messages|length - 1) - loop.index0 %}\n"
    "    {%- if ns.multi and message.role == 'user' and message.content is string and not "
    "(message.content.startswith('<r>') and message.content.endswith('</r>')) %}\n"
    "        {%- set ns.multi = false %}\n        {%- set ns.last = index %}\n    {%- endif %}\n{%- endfor %}\n"
    "{%- for message in messages %}\n"
    "    {%- set content = message.content if message.content is string else '' %}\n"
    "    {%- if message.role == 'assistant' %}\n        {%- set reasoning = '' %}\n"
    "        {%- if message.reasoning_content is string %}\n            {%- set reasoning = message.reasoning_content %}\n"
    "        {%- elif '</think>' in content %}\n"
    "            {%- set reasoning = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}\n"
    "            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}\n        {%- endif %}\n"
    "        {%- if loop.index0 > ns.last and (loop.last or reasoning) %}\n"
    "            {{- '<a>\\n<think>\\n' + reasoning.strip('\\n') + '\\n</think>\\n\\n' + content }}\n"
    "        {%- else %}\n            {{- '<a>\\n' + content }}\n        {%- endif %}\n"
    "        {%- for call in message.tool_calls or [] %}\n            {{- '\\n<call>' + (call.function | tojson) + '</call>' }}\n"
    "        {%- endfor %}\n    {%- else %}\n        {{- '<' ~ message.role ~ '>\\n' ~ content }}\n    {%- endif %}\n"
    "    {{- '</>\\n' }}\n{%- endfor %}\n"
    "{%- if add_generation_prompt %}\n    {{- '<a>\\n' }}\n"
    "    {%- if enable_thinking is defined and enable_thinking is false %}\n        {{- '<think>\\n\\n</think>\\n\\n' }}\n"
    "    {%- endif %}\n{%- endif %}\n"
)
DATES = (
    "{%- if not date is defined %}\n    {%- if strftime_now is defined %}\n        {%- set date = strftime_now('%d %b %Y') %}\n"
    "    {%- else %}\n        {%- set date = '26 Jul 2024' %}\n    {%- endif %}\n{%- endif %}\n"
    "{%- if custom_tools is defined %}\n    {%- set tools = custom_tools %}\n{%- endif %}\n"
    "{%- if not tools is defined %}\n    {%- set tools = none %}\n{%- endif %}\n"
    "{{- 'Today: ' + date + '\\n' }}\n{%- if tools is not none %}\n    {{- 'tools' }}\n{%- endif %}\n"
)
MACROS = (
    "{%- macro text_of(content, trim=true) -%}\n"
    "  {%- if content is string -%}{{- content | trim if trim else content -}}\n"
    "  {%- else -%}{%- for part in content if part.type == 'text' -%}{{- part.text -}}{{- '|' if not loop.last -}}{%- endfor -%}\n"
    "  {%- endif -%}\n{%- endmacro -%}\n"
    "{% for m in messages %}{{ m.role | upper }}: {{ text_of(m.content or '', trim=loop.first) }}\n{% endfor %}"
)

FAMILIES = [CHATML, INST, ZEPHYR, HEADERS, TURNS, THINK, DATES, MACROS]

# --- single constructs ------------------------------------------------------------------------------------------

TEXTS = r"""
{{ 1 + 2 * 3 - 4 // 3 }} {{ 7 / 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 2 ** 3 ** 2 }} {{ -2 ** 2 }}
{{ 1.5 + 1 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }} {{ 4 / 2 }} {{ 0.1 + 0.2 }} {{ 1e16 }} {{ 1e15 }} {{ 1.5e-7 }} {{ 0.0001 }} {{ -0.0 }}
{{ 1_000 }} {{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ 00 }} {{ 1_0.5_0 }} {{ 1E3 }} {{ true + true }} {{ -true }}
{{ 'a' ~ 1 ~ none ~ true ~ 1.0 ~ [1, 'x'] }}|{{ 'a' + 'b' * 3 }}|{{ [1] + [2] * 2 }}|{{ (1,) + (2,) }}|{{ 2 * 'ab' }}|{{ 'x' * -1 }}
{{ +1 }} {{ +true }} {{ - -3 }} {{ -(2) }} {% if frob is defined %}{{ frob() }}{% endif %}{{ nothing is iterable }} {{ nothing is sequence }} {{ nothing is mapping }}
{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 3 > 2 == 2 }} {{ 'a' < 'b' }} {{ 'Z' < 'a' }} {{ [1, 2] < [1, 3] }} {{ (1,) < (1, 2) }} {{ 1 == 1.0 == true }}
{{ 1 in [1, 2] }} {{ 3 not in [1, 2] }} {{ 'b' in 'abc' }} {{ 'x' in {'x': 1} }} {{ 1 in {1.0: 2} }} {{ undefined_name in [1] }} {{ 2 in undefined_name }}
{{ not 1 == 2 }} {{ not true and false }} {{ 0 or 'x' }} {{ '' and 'x' }}| {{ none or 0 }} {{ [] or {} or 'end' }} {{ not not 1 }}
{{ 'yes' if 1 else 'no' }} {{ 'yes' if 0 }}| {{ 'a' if 0 else 'b' if 0 else 'c' }} {{ ('x' if true) ~ 'y' }}
{{ 'abcdef'[1:3] }} {{ 'abcdef'[-2:] }} {{ 'abcdef'[::-1] }} {{ 'abcdef'[4:1:-2] }} {{ 'abcdef'[10:] }}| {{ 'abc'[-10:2] }} {{ 'abc'[0] }}{{ 'abc'[-1] }}{{ 'abc'[9] }}|
{{ [1, 2, 3, 4][::2] }} {{ [1, 2, 3][:-1] }} {{ (1, 2, 3)[1:] }} {{ [1, 2, 3][none:2] }} {{ [1, 2, 3][true:] }} {{ [1, 2, 3][5:0:-1] }}
{{ 'Grüße 🙂!'[4:7] }} {{ 'é🙂x'[::-1] }} {{ 'é🙂x' | length }} {{ 'é🙂x'[1] }}
{{ {'a': 1, 'b': [2, (3,)], 5: none, true: 'x'} }} {{ {'a': 1}['a'] }} {{ {'a': 1}.a }} {{ {'a': 1}.b }}| {{ {'a': {'b': 2}}['a'].b }} {{ {} }}
{{ {'items': 1}['items'] }} {{ {'items': 1}.items() }} {{ {'a': 1, 'a': 2} }} {{ {1: 'a', 1.0: 'b'} }}
{{ ['it\'s', "q\"q", 'b\\s', 'n\n\t\r', 'é', '\x00\x7f\u200b', "both'\""] }} {{ [1.0, -2, none, true, undefined_name] }} {{ () }} {{ (1,) }} {{ 1, 2 }}
{{ 'a\tb\\n\x41\u00e9\U0001f642\101\
c\q' }} {{ 'one' 'two' "three" }}
{{ messages[0].role }} {{ messages[0]['content'] }} {{ messages[-1].nothing }}| {{ messages[7] is defined }} {{ messages.0.role }} {{ messages | length }} {{ messages }}
{{ nothing }}|{{ nothing is defined }}|{{ nothing | length }}|{{ nothing == other }}|{{ nothing == '' }}|{% for x in nothing %}x{% endfor %}|{{ 'y' if nothing else 'n' }}
{{ tools is defined }} {{ tools is none }} {{ documents }} {{ bos_token }}{{ eos_token }} {{ add_generation_prompt }} {{ strftime_now is defined }}
{{ '  a b ' | trim }}|{{ 'xxaxx' | trim('x') }}|{{ ' ab' | length }}|{{ 'aé' | upper }}|{{ 'AÉ' | lower }}|{{ 'straße ŉ ﬁ' | upper }}|{{ 'hELLO wORLD' | title }}|{{ 'hELLO wORLD' | capitalize }}|{{ 'a-b (c) [d] {e} <f> it''s' | title }}
{{ 'abcabc' | replace('b', 'X') }} {{ 'abcabc' | replace('b', 'X', 1) }} {{ 'ab' | replace('', '-') }} {{ 12 | replace(1, 3) }} {{ 'aaa' | replace('aa', 'b') }}
{{ [1, 2, 3] | join(', ') }} {{ 'abc' | join('-') }} {{ [] | join(',') }}| {{ [1, none, true] | join }} {{ messages | join('/', attribute='role') }} {{ {'a': 1, 'b': 2} | join(d='+') }}
{{ [3, 1, 2] | first }} {{ [3, 1, 2] | last }} {{ [] | first }}| {{ 'abc' | last }} {{ {'k': 1} | first }} {{ range(3) | last }}
{{ nothing | default('d') }} {{ none | default('d') }} {{ none | default('d', true) }} {{ '' | d('e', boolean=true) }} {{ 0 | default(1) }} {{ nothing | default }}|
{{ 'abc' | list }} {{ {'a': 1} | list }} {{ (1, 2) | list }} {{ range(3) | list }} {{ range(2, 8, 3) | list }} {{ range(3, 0, -1) | list }} {{ 5 | string + 'x' }}
{{ '42' | int }} {{ ' -7 ' | int }} {{ '3.9' | int }} {{ 'x' | int }} {{ 'x' | int(5) }} {{ 3.99 | int }} {{ -3.99 | int }} {{ '1e3' | int }} {{ none | int }} {{ '1_0' | int }} {{ '' | int(default=2) }} {{ true | int }}
{{ '1.5' | float }} {{ 'x' | float }} {{ 'x' | float(2.5) }} {{ 3 | float }} {{ ' 1e-3 ' | float }} {{ '.5' | float }} {{ '5.' | float }} {{ 'inf' | float }}
{{ 2.5 | round }} {{ 3.5 | round }} {{ 2.345 | round(2) }} {{ 2.675 | round(2) }} {{ 7 | round }} {{ 2.1 | round(0, 'ceil') }} {{ 2.19 | round(1, 'floor') }} {{ -2.5 | round(method='floor') }} {{ -1.5 | abs }} {{ true | abs }}
{{ [1, 'a', {'b': none, 'c': 1.0}] | tojson }} {{ 'é "q" \\ </x> \t 🙂' | tojson }} {{ 'é🙂' | tojson(ensure_ascii=true) }} {{ {'b': 1, 'a': (1, 2)} | tojson(sort_keys=true) }} {{ {1: 2, none: 3, true: 4, 1.5: 5} | tojson }}
{{ {'a': [1, 2], 'b': {}, 'c': [], 'd': {'e': 1}} | tojson(indent=2) }}
{{ [1, {'a': 2}] | tojson(indent=0) }} {{ [1, {'a': 2}] | tojson(separators=(',', ':')) }} {{ [1] | tojson(indent='--') }}
{{ {'b': 1, 'A': 2, 'c': 0} | dictsort }} {{ {'b': 1, 'A': 2} | dictsort(true) }} {{ {'b': 1, 'A': 2} | dictsort(by='value', reverse=true) }} {% for k, v in {'x': 1, 'y': 2} | items %}{{ k }}={{ v }};{% endfor %}
{{ messages | map(attribute='role') | list }} {{ ['a', 'b'] | map('upper') | join(',') }} {{ [{'a': {'b': 1}}, {'a': {}}] | map(attribute='a.b', default='?') | list }} {{ [[1, 2], [3, 4]] | map(attribute=1) | list }} {{ ['a b', 'c'] | map('replace', ' ', '_') | list }}
{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | list }} {{ messages | rejectattr('role', 'in', ['user', 'tool']) | list | length }} {{ [{'a': 1}, {'a': 0}, {}] | selectattr('a') | list }} {{ [{'a': 1}, {}] | selectattr('a', 'defined') | list }}
{{ [1, 2, 3, 4] | select('odd') | list }} {{ [1, 0, '', 'x'] | select | list }} {{ [1, 2, 3] | reject('>', 2) | list }} {{ [1, none] | reject('none') | list }} {{ none | select | list }}
{{ [3, 1, 2] | sort }} {{ [3, 1, 2] | sort(reverse=true) }} {{ ['b', 'A', 'c', 'a'] | sort }} {{ ['b', 'A', 'a'] | sort(case_sensitive=true) }} {{ [{'n': 2, 'm': 'b'}, {'n': 1, 'm': 'a'}] | sort(attribute='n') | map(attribute='m') | join }} {{ [[1, 'b'], [1, 'a'], [0, 'c']] | sort(attribute='0,1') }}
{{ [1, 2, 3] | reverse | list }} {{ 'abc' | reverse }} {{ {'a': 1, 'b': 2} | reverse | list }} {{ ['a', 'A', 'b', 'a'] | unique | list }} {{ [1, 1.0, true, 2] | unique | list }} {{ ['a', 'A'] | unique(case_sensitive=true) | list }}
{{ [3, 1, 2] | min }} {{ ['b', 'A'] | min }} {{ ['b', 'C'] | max }} {{ [] | max }}| {{ [1, 2.5] | sum }} {{ [{'a': 1}, {'a': 2}] | sum(attribute='a') }} {{ [[1], [2]] | sum(start=[0]) }} {{ [{'n': 2}, {'n': 1}] | min(attribute='n') }}
{{ 'a\nb\n\nc' | indent }}|{{ 'a\n\nb' | indent(2, true, true) }}|{{ 'a\nb\n' | indent(width='> ', first=true) }}
{{ '<b> & "q" \'s\'' | e }} {{ '<b>' | safe }} {{ '<b>' | safe + '<i>' }} {{ ('<b>' | e) ~ '<i>' }} {{ '<' | escape | escape }} {{ '<b>' | e | upper }} {{ none | e }} {{ '<b>' | safe is escaped }}
{{ 'one two  three-four, é_1' | wordcount }} {{ '' | wordcount }} {{ [1, 2] | count }} {{ {'a': 1} | length }} {{ messages | string | length }}
{{ ' xax '.strip() }}|{{ 'xaxbx'.strip('x') }}|{{ 'xyaxy'.lstrip('yx') }}|{{ 'a\n\n'.rstrip('\n') }}|{{ '\u00a0\u3000a\u2028'.strip() }}|{{ 'é🙂éx'.strip('é') }}
{{ 'a,b,,c'.split(',') }} {{ ' a  b '.split() }} {{ 'a,b,c'.split(',', 1) }} {{ ' a b  c '.split(none, 1) }} {{ 'a b c'.split(maxsplit=1) }} {{ ''.split() }} {{ ''.split(',') }} {{ 'a--b'.split('--')[-1] }}
{{ 'a,b,c'.rsplit(',', 1) }} {{ ' a  b c '.rsplit(none, 1) }} {{ 'a b'.rsplit() }} {{ 'aaa'.rsplit('aa') }} {{ 'a\nb\r\nc\n'.splitlines() }} {{ 'a\nb'.splitlines(true) }}
{{ 'abc'.startswith('ab') }} {{ 'abc'.endswith(('x', 'c')) }} {{ 'abc'.startswith('') }} {{ 'abcb'.find('b') }} {{ 'é🙂b'.find('b') }} {{ 'abc'.find('z') }} {{ 'banana'.count('an') }} {{ 'ab'.count('') }} {{ '12'.isdigit() }} {{ ''.isdigit() }} {{ '1a'.isdigit() }}
{{ 'aBc dE'.upper() }} {{ 'aBc'.lower() }} {{ "it's o'clock 3rd".title() }} {{ 'éCOLE ß'.capitalize() }} {{ 'ßa'.capitalize() }} {{ 'abab'.replace('a', 'x', 1) }} {{ '-'.join(['a', 'b']) }} {{ '-'.join('xyz') }} {{ 'prefix-x'.removeprefix('prefix-') }} {{ 'x.txt'.removesuffix('.txt') }}
{{ '{} and {}'.format(1, 'b') }} {{ '{1}{0}{1}'.format('a', 'b') }} {{ '{x}{{}}'.format(x=[1]) }}
{{ {'a': 1}.get('a') }} {{ {'a': 1}.get('b') }} {{ {'a': 1}.get('b', 'd') }} {{ {'a': 1}.keys() }} {{ {'a': 1}.values() }} {{ {'a': 1, 'b': 2}.items() | list }} {{ 'a' in {'a': 1}.keys() }} {{ {'a': 1}.keys() | length }}
{{ 1 is number }} {{ 1.5 is float }} {{ 1 is integer }} {{ true is integer }} {{ true is number }} {{ true is boolean }} {{ 'x' is string }} {{ {} is mapping }} {{ [] is sequence }} {{ {} is sequence }} {{ 'x' is iterable }} {{ 1 is iterable }} {{ none is none }} {{ false is false }} {{ 1 is true }}
{{ 3 is odd }} {{ 4 is even }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }} {{ 1 is eq 1 }} {{ 1 is ne(1) }} {{ 1 is lt 2 }} {{ 2 is ge 2 }} {{ 'a' is in ['a'] }} {{ 1 is not in [2] }} {{ range is callable }} {{ 1 is callable }} {{ x is undefined }} {{ none is sameas none }} {{ 1 is not string and 2 is not none }}
{{ 1 is number and not 2 is string }} {{ -1 is number }} {{ 1 + 1 is number }} {{ -3 | abs }} {{ 'a' ~ 'b' | upper }} {{ (1, 2) | length }} {{ [1, 2] | first + 1 }}
{% set x = 1 %}{% set y, z = [2, 3] %}{% set t = 4, 5 %}{{ x }}{{ y }}{{ z }}{{ t }}{% if true %}{% set x = 9 %}{% endif %}{{ x }}
{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = i * 10 %}{{ x }}{% endfor %}{{ x }}{{ i }}|
{% set ns = namespace(a=1, b='x') %}{% for i in [1, 2, 3] %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}{{ ns.b }}{{ ns.c is defined }}{{ ns['a'] }}{% set ns.d %}blk{% endset %}{{ ns.d }} {{ ns }}
{% set ns = namespace({'p': 1}, q=2) %}{% set ns.p, y = 5, 6 %}{{ ns.p }}{{ ns.q }}{{ y }} {{ dict(a=1, b=2) }} {{ dict([['k', 'v']], w=1) }} {{ dict({'a': 1}) == {'a': 1} }}
{% set block %}  text {{ 1 }} {% for i in [1] %}{% set inner = 2 %}{% endfor %}{% endset %}[{{ block }}]{% set up | upper | trim %} shout {% endset %}[{{ up }}]
{% for i in [1, 2, 3] %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('a', 'b') }}{{ loop.depth }}{{ loop.changed(i > 1) }};{% endfor %}
{% for i in [1, 2, 3, 4] if i is even %}{{ i }}:{{ loop.index }}/{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }};{% else %}none{% endfor %}{% for i in [] %}x{% else %}empty{% endfor %}{% for i in [1] if i > 5 %}x{% else %}filtered{% endfor %}
{% for a, b in [[1, 2], (3, 4)] %}{{ a }}-{{ b }};{% endfor %}{% for a, (b, c) in [[1, [2, 3]]] %}{{ a }}{{ b }}{{ c }}{% endfor %}{% for k, v in {'x': 1}.items() %}{{ k }}{{ v }}{% endfor %}{% for k in {'x': 1} %}{{ k }}{% endfor %}{% for c in 'aé' %}{{ c }}.{% endfor %}
{% for i in [1, 2, 3, 4] %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}|{% for i in [1, 2] %}{% for j in [1, 2] %}{% if j == 2 %}{% break %}{% endif %}{{ i }}{{ j }} {% endfor %}{{ loop.index }}{% endfor %}
{% for i in [1, 2] %}{% continue %}{% else %}else runs{% endfor %}|{% for i in [1, 2] %}{% break %}{% else %}else runs{% endfor %}|{% for i in [1] %}x{% else %}no{% endfor %}
{% set ns = namespace(stop=false) %}{% for i in range(9) if not ns.stop %}{{ i }}{% if i == 2 %}{% set ns.stop = true %}{% endif %}{% endfor %}|{% for i in range(3) if not ns.x %}{{ i }}{{ loop.last }}{% set ns.x = true %}{% endfor %}
{% for i in [1, 2] %}{% for j in 'ab' %}{{ loop.index }}{{ j }}{% else %}{{ loop.index }}{% endfor %}{{ loop.index }};{% for k in [] %}{% else %}o{{ loop.index }}{% endfor %}{% endfor %}
{% macro small(x) %}{% if x < 4 %}y{% endif %}{% endmacro %}{% for i in [1, 2, 5, 3] if small(i) %}{% if i == 1 %}{% continue %}{% endif %}{{ i }}{% endfor %}
{% macro last(l) %}{{ l.last }}{% endmacro %}{% macro odd(x) %}{% for y in [x] if y % 2 %}{% if y > 3 %}{% continue %}{% endif %}o{% endfor %}{% endmacro %}{% for i in [1, 2, 3, 5, 1] if odd(i) %}{% for j in [1, 2, 3] if odd(j) %}{% if j == 1 %}{% continue %}{% endif %}{{ i }}{{ j }}{{ last(loop) }} {% endfor %}{% if i == 3 %}{% continue %}{% endif %}{{ loop.length }}{% else %}none{% endfor %}
{{ strftime_now('%Y-%m-%d') }} {{ strftime_now("%d %b %Y") }}|{{ strftime_now("%B %d, %Y") }}|{{ strftime_now("%A, %d %B %Y") }}|{{ strftime_now(format="%a %-d.%-m.%y %j %e %H:%M:%S %I %p %F %D %T %R %u %w %% %h %C %x %X %c %f %z%Z %n %t %k %l %P %r %-H %-I %-y %-j é") }}
{% set date_string = strftime_now("%d %b %Y") if strftime_now is defined else "26 Jul 2024" %}{{ date_string | upper }} {{ strftime_now('%Y') | int + 1 }} {{ strftime_now is callable }}
{{ 'a%sb' % 1 }} {{ '%s|%d|%i|%%' % ('x', 2, true) }} {{ '%d' % 2.9 }} {{ '%d' % -2.9 }} {{ '%(a)s%(b)d' % {'a': [1], 'b': 7, 'c': 1} }} {{ '%s' % [1, 'a'] }} {{ '%s' % {'a': 1} }} {{ 'x' % [] }} {{ 'y' % {} }} {{ '%s' % none }}{{ '%s' % (nothing,) }} {{ '%s %s' | format(1, 'é') }} {{ '%(k)s' | format(k='v') }} {{ 'z' | format }} {{ 5 | format }}
{{ [1, 2, 3, 4, 5] | batch(2) | list }} {{ [1, 2, 3] | batch(2, 'x') | list }} {{ [1, 2] | batch(2, 0) | list }} {{ 'abc' | batch(linecount=2, fill_with='-') | list }} {{ [] | batch(3, 1) | list }} {% for row in [1, 2, 3] | batch(2) %}{{ row | length }}{% endfor %}
{% set g = [1, 2, 3] | map('string') %}{% for x in g %}{{ x }}{% break %}{% endfor %}{{ g | list }}{{ g | list }}|{% set r = [1, 2] | reverse %}{{ r | first }}{{ r | list }}
{% macro m(a, b='B', c=a) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(b=3, a=4) }}{{ m(1, c=9) }}{{ m() }}{% set s = m(5) | lower ~ '!' %}{{ s }}
{% macro rec(n) %}{{ n }}{% if n > 0 %}{{ rec(n - 1) }}{% endif %}{% endmacro %}{{ rec(5) }}{% macro va() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ va(1, 2, k=3) }}{% set args = [7, 8] %}{{ va(*args, **{'z': 9}) }}{% macro kw(a) %}{{ a }}{{ kwargs }}{% endmacro %}{{ kw(a=1, b=2) }}
{% macro outer() %}{{ late }}{% endmacro %}{% set late = 'seen' %}{{ outer() }}{% for late in ['loop'] %}{{ outer() }}{% endfor %}{% macro setter() %}{% set late = 'in' %}{{ late }}{% endmacro %}{{ setter() }}{{ late }}{% for i in [1, 2] %}{% macro it() %}{{ i }}{{ loop.index }}{% endmacro %}{{ it() }}{% endfor %}
{% macro box(title) %}<{{ title }}>{{ caller('x') }}</{{ title }}>{% endmacro %}{% call(arg) box('t') %}body {{ arg }}{% endcall %}|{% macro opt() %}{{ caller() if caller is defined else 'none' }}{% endmacro %}{{ opt() }}{% call opt() %}c{% endcall %}
{% filter upper %}a {{ 'b' }}{% endfilter %}{% filter replace('x', 'y') | trim %} xx {% endfilter %}|{% with a = 1, b = 2 %}{{ a + b }}{% set a = 5 %}{{ a }}{% endwith %}{{ a }}|
{% generation %}said {% set gen = 1 %}{{ gen }}{% endgeneration %}{{ gen }}|{% for m in messages %}{%- generation -%} {{ m.content }} {%- endgeneration -%}{% endfor %}
{# comment #}a{#- tight -#} b {#+ kept +#} c{# two
lines #}d {# {{ not }} {% evaluated %} #}
{% raw %}{{ raw }} {% if %} {# #}{% endraw %}|{%- raw -%}  x  {%- endraw -%} | {% raw %}
  y
  {% endraw %}
{% if 1 %}a{% elif 2 %}b{% else %}c{% endif %}{% if 0 %}a{% elif 2 %}b{% else %}c{% endif %}{% if 0 %}a{% elif 0 %}b{% else %}c{% endif %}{% if none, %}tuple{% endif %}{% if true: %}colon{% endif %}
{{ {'a': {'b': {'c': 1}}}.a.b.c }}{{ {'a': 1}}}}{{ '}}' }}{{ '%}' }}{% if '%}' %}x{% endif %}{{ "{{" }}{{ [[1, 2], [3]][0][1] }}{{ ({'f': 1})['f'] }}
{{ messages | tojson(indent=4) }}
{% for m in messages %}{{ m['role'] }}{% if not loop.last %}, {% endif %}{% endfor %}{{ '\n' }}{% if messages[-1].role == 'user' and add_generation_prompt %}go{% endif %}
""".strip("\n")

# Blanks and newlines around tags: each is a template of its own, with its newlines as they stand.
BLANKS = [
    "a\n  {% if true %}\n  b\n  {% endif %}\nc\n",
    "a\n  {%- if true -%}\n  b\n  {%- endif -%}\nc\n\n",
    "a\n  {%+ if true +%}\n  b\n  {%+ endif +%}\nc",
    "a {% if true %} b {% endif %} c",
    "  {% if true %}x{% endif %}  \n",
    "\n\n{{ 1 }}\n\n",
    "  {{ 1 }}  \n  {{- 2 -}}  \n  3",
    "a\n  {# c #}\n  b {# d #} e\n{#- f -#}\n g",
    "\t{% set x = 1 %}\t\n \t{{ x }}",
    "{% for i in [1, 2] %}\n  {{ i }}\n{% endfor %}\nend",
    "{% for i in [1, 2] -%}\n  {{ i }}\n{%- endfor %}\nend",
    "  {% for i in [1, 2] %}  \n  {{ i }}  {% endfor %}  end",
    "{% if true %}\n\n{% if true %}\n  \n  {% endif %}\n{% endif %}|",
    "a\r\n  {% if true %}\r\nb\r{% endif %}\r\n'c\r\nd' {{ 'e\r\nf' }}\r\n",
    "x\n\u00a0 {%- if true -%} \u2003\n\u3000y\x0b{%- endif %}",
    "x\n\u00a0 {% if true %} \u2003\ny{% endif %}",
    "{% if true %}{% endif %}  {% if true %}\n  {% endif %}",
    "{{ 1 }}  {% if true %}y{% endif %}\n   {%- set z = 2 %}  {{ z }}",
    "{{-1}} {{+1}} {{ 2-1 }} {{ 2 -1 -}} \n x",
    "a\n {% raw %}\n {{ x }}\n {% endraw %}\n b",
    "a\n {%- raw -%}\n {{ x }}\n {%- endraw -%}\n b",
    "\n{% if true %}\n{% endif %}\n",
    "{%if true%}tight{%endif%}{{1}}{#c#}",
    "{%\n  if\n  true\n%}\nlines{% endif\n%}",
    "{{ '-}}' }}{{ '{#' }}",
    "{{ 1 }}\n",
    "",
    "\n",
    "plain {text} } %} }} #} {",
]

# Python fails on these, each for a reason of its own.
FAILS = r"""
{{ messages[9].role }}
{{ nothing.attribute }}
{{ nothing['item'] }}
{{ nothing + 'x' }}
{{ nothing() }}
{{ nothing < 1 }}
{{ 'a' + 1 }}
{{ 1 + none }}
{{ 'a' < 1 }}
{{ none | length }}
{{ 5 | length }}
{{ [] + () }}
{{ 1 / 0 }}
{{ 1 // 0 }}
{{ 1 % 0 }}
{{ 1 in 5 }}
{{ 1 in 'abc' }}
{{ 'a'.split('') }}
{{ ','.join([1]) }}
{{ {[1]: 2} }}
{{ [1][1:2:0] }}
{{ range(200000) }}
{{ [1].append(2) }}
{{ messages.append(1) }}
{{ {}.update({'a': 1}) }}
{{ raise_exception('stop') }}
{{ range('a') }}
{{ 'x' | frobnicate }}
{{ 'x' is frobnicated }}
{{ nothing | tojson }}
{{ [1, 'a'] | sort }}
{{ [{}] | unique | list }}
{{ (1 | first) }}
{{ [1] | map('frobnicate') | list }}
{{ [1, 2] | map('int', a=1) | list }}
{{ 'abc'.strip(1) }}
{{ 'abc'.startswith(1) }}
{{ ns.x }}{% set ns.x = 1 %}
{% set x = {} %}{% set x.y = 1 %}
{% set ns = namespace() %}{% set ns._x = 1 %}
{% for a, b in [[1, 2, 3]] %}{% endfor %}
{% for x in 5 %}{% endfor %}
{% for x in none %}{% endfor %}
{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{% endmacro %}{{ m(b=1) }}
{% macro m(a=1, b) %}{% endmacro %}
{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}
{% frobnicate %}
{% endif %}
{% if true %}
{% if true %}{% endfor %}
{% for x in [1] %}{% else %}
{% break %}
{% for x in [1] %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}
{% set 1 = 2 %}
{% set x.y.z = 2 %}
{% set x %}
{% for 1 in [1] %}{% endfor %}
{% for loop in [1] %}{{ loop }}{% endfor %}
{{ 1 +  }}
{{ }}
{{ 1 2 }}
{{ (1 }}
{{ 1) }}
{{ [1, 2 }}
{{ {'a' 1} }}
{{ 'open }}
{{ 'a' is string is defined }}
{{ f(a=1, 2) }}
{{ x.'y' }}
{{ 1 ? 2 }}
{{ '\x4' }}
{{ 007 }}
{# open
{% raw %} open
{{ open
{% open
{{ '%s' % () }}
{{ dict(a=1, **{'a': 2}) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(a=1, **{'a': 2}) }}
{{ 'x' % 1 }}
{{ '%s' % (1, 2) }}
{{ '%d' % 'a' }}
{{ '%(a)s' % {} }}
{{ '%(a)s' % (1,) }}
{{ loop.index }}
{% for x in [1] recursive if x %}{% endfor %}
{% call 5 %}{% endcall %}
{% filter list %}a{% endfilter %}
""".strip("\n")


def cases():
    """Template, messages, whether to add the generation prompt, whether it must fail."""
    for family in FAMILIES:
        for messages in (PARTS if family in (TURNS, MACROS) else HI if family is CHATML else PLAIN, TALK):
            yield family, messages, messages is TALK, False
    yield INST, [message("assistant", "I begin")], False, True
    yield INST, [message("user", "twice"), message("user", "in a row")], False, True
    yield THINK, TOOL, True, False
    yield CHATML, [], True, True
    yield CHATML, [message("user", "a<|im_end|>b")], True, False
    yield TURNS, [message("user", None)], False, True
    for text in entries(TEXTS):
        yield text, TALK if "messages" in text else [], "add_generation_prompt" in text, False
    for text in BLANKS:
        yield text, [], False, False
    for text in FAILS.split("\n"):
        yield text, [], False, True


def entries(text):
    """Templates that begin with a tag at the beginning of a line and go on while lines do not."""
    entry = []
    for line in text.split("\n"):
        if entry and line.startswith("{") and "".join(entry).count("{#") == "".join(entry).count("#}") \
                and "".join(entry).count("{% raw %}") <= "".join(entry).count("{% endraw %}"):
            yield "\n".join(entry)
            entry = []
        entry.append(line)
    yield "\n".join(entry)


def render(template, messages, add_generation_prompt):
    compiled = utils._cached_compile_jinja_template(template)
    compiled.globals["strftime_now"] = compiled.environment.globals["strftime_now"] = DAY.strftime
    return compiled.render(messages=messages, tools=None, documents=None, bos_token="<s>", eos_token="</s>",
                           add_generation_prompt=add_generation_prompt)


def main():
    rows = []
    for template, messages, prompt, fails in cases():
        row = {"template": template}
        if messages:
            row["messages"] = messages
        if prompt:
            row["add_generation_prompt"] = prompt
        row.update(bos="<s>", eos="</s>")
        try:
            row["text"] = render(template, messages, prompt)
        except Exception as e:
            row["error"] = type(e).__name__
        if ("error" in row) != fails:
            raise SystemExit(f"not as expected: {row}")
        rows.append(row)
    with open(OUT, "w", encoding="utf-8") as f:
        f.write("[\n" + ",\n".join(json.dumps(r, ensure_ascii=False) for r in rows) + "\n]\n")
    print(f"{len(rows)} cases, {sum('error' in r for r in rows)} of them errors, {os.path.getsize(OUT)} bytes")


if __name__ == "__main__":
    main()
