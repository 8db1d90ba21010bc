// The playground's modules that need no page: how Markdown is read, requests are made, and code is written.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parse, safe, spans } from './playground/markdown.js';
import { body, exampleSchema, exampleTools, noSettings, problems, tools } from './playground/request.js';
import { shortened, snippet } from './playground/snippets.js';

// plain is what is read of a list of blocks or spans, as short as can be compared.
const plain = (x) => Array.isArray(x) ? x.map(plain) : x.type === 'text' ? x.text : x.type === 'paragraph' ? plain(x.spans) :
  [x.type, ...(x.href ? [x.href] : []), ...('text' in x ? [x.text] : []), ...(x.spans ? plain(x.spans) : []), ...(x.blocks ? plain(x.blocks) : []), ...(x.items ? plain(x.items) : []), ...(x.rows ? [plain(x.head), plain(x.rows)] : [])];

describe('Markdown', () => {
  for (const [text, want] of [
    ['**a *b* c**', [['strong', 'a ', ['emphasis', 'b'], ' c']]],
    ['***a***', [['strong', ['emphasis', 'a']]]],
    ['2 * 3 * 4', ['2 ', '*', ' 3 ', '*', ' 4']],
    ['~~a~~ ~b~', [['strike', 'a'], ' ', '~', 'b', '~']],
    ['`` a`b ``', [['code', 'a`b']]],
    ['`a', ['`a']],
    ['\\*a\\* C:\\x', ['*a* C:\\x']],
    ['[a **b**](https://x.example/(c))', [['link', 'https://x.example/(c)', 'a ', ['strong', 'b']]]],
    ['see https://x.example/a_b.', ['see ', ['link', 'https://x.example/a_b', 'https://x.example/a_b'], '.']],
    ['[a](javascript:alert(1))', ['[', 'a', '](javascript:alert(1))']],
    ['[a](/v1/files)', ['[', 'a', '](/v1/files)']],
    ['![a](https://x.example/i.png)', [['link', 'https://x.example/i.png', 'a']]],
    ['<img src=x onerror=alert(1)>', ['<img src=x onerror=alert(1)>']],
    ['[a', ['[', 'a']],
    ['a] b', ['a] b']],
  ]) it('reads the spans of ' + text, () => assert.deepEqual(plain(spans(text)), want));

  for (const [text, want] of [
    ['# A #\nb\n## C', [['heading', 'A'], ['b'], ['heading', 'C']]],
    ['- a\n- b\n  - c\n\n  d\n- e', [['list', [['a']], [['b'], ['list', [['c']]], ['d']], [['e']]]]],
    ['3. a\n4. b', [['list', [['a']], [['b']]]]],
    ['- a\n\ntext', [['list', [['a']]], ['text']]],
    ['> a\n> - b\n\nc', [['quote', ['a'], ['list', [['b']]]], ['c']]],
    ['```go\na\n\n# b\n```\nc', [['code', 'a\n\n# b'], ['c']]],
    ['```\nnot closed', [['code', 'not closed']]],
    ['~~~\n```\n~~~', [['code', '```']]],
    ['| a | b |\n|---|:-:|\n| 1 | `x` | 3 |\n\nc', [['table', [['a'], ['b']], [[['1'], [['code', 'x']], ['3']]]], ['c']]],
    ['a | b', [['a | b']]],
    ['---\na\n***', [['rule'], ['a'], ['rule']]],
    ['a\nb', [['a\nb']]],
    ['In\n1999. b', [['In\n1999. b']]],
  ]) it('reads the blocks of ' + JSON.stringify(text), () => assert.deepEqual(plain(parse(text)), want));

  it('follows http, https and mailto alone', () => {
    for (const to of ['https://a.example', 'http://a.example/x', 'mailto:a@b.example']) assert.ok(safe(to), to);
    for (const to of ['javascript:alert(1)', 'JaVaScRiPt:alert(1)', ' javascript:x', 'data:text/html,x', 'blob:x', 'file:///etc/passwd', '//a.example', '/v1', '#a', '']) assert.equal(safe(to), null, to);
  });

  // Seeded, so that what fails once fails again.
  it('reads any text, and loses no letter of it', () => {
    let seed = 7;
    const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
    const pieces = ['*', '**', '_', '~~', '`', '```', '\n', '\n\n', '# ', '- ', '1. ', '> ', '|', '|-|-|\n', '[', '](', ')', '!', '\\', ' ', '    ', '\t', '<b>', 'https://x.example/', 'a', 'bc', 'ä', '🌍', '---', ':'];
    const letters = (x) => JSON.stringify(x).replace(/[^a-cä🌍]/gu, '').length;
    const said = (x) => {
      if (typeof x === 'string') return x;
      if (Array.isArray(x)) return x.map(said).join('');
      return [x.text, said(x.spans || ''), decodeURI(x.href || ''), x.title, said(x.blocks || ''), said(x.items || ''), said(x.head || ''), said(x.rows || ''), x.language].join('');
    };
    for (let i = 0; i < 20_000; i++) {
      const text = Array.from({ length: 1 + random(40) }, () => pieces[random(pieces.length)]).join('');
      const read = parse(text);
      assert.ok(letters(said(read)) >= letters(text), JSON.stringify(text) + ' ' + JSON.stringify(read));
    }
  });

  it('takes time by the length of a text', () => {
    for (const piece of ['*a ', '**a*', '[', '![](', '`a``', '> ', '- ', '  - ', '|a', '~~a', 'a\n- b\n', '\\', '_a_', 'http://', '(', '[a](']) {
      const began = performance.now();
      parse(piece.repeat(60_000 / piece.length));
      assert.ok(performance.now() - began < 10_000, piece);
    }
  });
});

const conversation = (turn, answer) => ({ turns: [{ text: 'Hi', attachments: [], answers: answer ? [answer] : [], ...turn }] });

describe('requests', () => {
  const settings = (s) => ({ ...noSettings(), ...s });

  it('has what was set, and nothing that was not', () => {
    assert.deepEqual(body(conversation(), 0, 0, 0, 'm', settings()), {
      model: 'm', messages: [{ role: 'user', content: 'Hi' }], stream: true, stream_options: { include_usage: true },
    });
    const all = body(conversation(), 0, 0, 0, 'm', settings({ system: 'Be short.', temperature: '0', maxTokens: '5', effort: 'low', tools: exampleTools, toolChoice: 'required', format: 'schema', schema: exampleSchema }));
    assert.deepEqual([all.messages[0], all.temperature, all.max_completion_tokens, all.reasoning_effort, all.tools[0].function.name, all.tool_choice, all.response_format.json_schema.schema],
      [{ role: 'system', content: 'Be short.' }, 0, 5, 'low', 'get_weather', 'required', JSON.parse(exampleSchema)]);
  });

  it('takes tools in the forms of OpenAI and Anthropic', () => {
    const openai = { type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' } } };
    assert.deepEqual(tools(JSON.stringify(openai)), [openai]);
    assert.deepEqual(tools(JSON.stringify([{ name: 'f', description: 'd', input_schema: { type: 'object' } }])), [openai]);
    assert.deepEqual(tools('[{"type":"computer_20250124","name":"computer"}]'), [{ type: 'computer_20250124', name: 'computer' }]);
  });

  it('sends calls, their results and signed thoughts back', () => {
    const step = { content: '', finish: 'tool_calls', thinking: [{ type: 'thinking', thinking: 't', signature: 's' }], calls: [{ id: '1', name: 'f', arguments: '{}', result: 'sun' }, { id: '2', name: 'g', arguments: '{}' }] };
    assert.deepEqual(body(conversation({}, { steps: [step] }), 0, 0, 1, 'm', settings()).messages.slice(1), [
      { role: 'assistant', content: null, thinking_blocks: step.thinking, tool_calls: [{ id: '1', type: 'function', function: { name: 'f', arguments: '{}' } }, { id: '2', type: 'function', function: { name: 'g', arguments: '{}' } }] },
      { role: 'tool', tool_call_id: '1', content: 'sun' }, { role: 'tool', tool_call_id: '2', content: 'No result was given.' },
    ]);
  });

  it('sends of a reply that broke off the text alone', () => {
    const two = { turns: [{ text: 'a', attachments: [], answers: [{ steps: [{ content: 'half', calls: [{ id: '1', name: 'f', arguments: '{"x' }] }] }] }, { text: 'b', attachments: [], answers: [] }] };
    assert.deepEqual(body(two, 1, 0, 0, 'm', settings()).messages.slice(1), [{ role: 'assistant', content: 'half' }, { role: 'user', content: 'b' }]);
  });

  it('says which setting cannot be sent', () => {
    assert.deepEqual(Object.keys(problems(settings({ temperature: 'hot', maxTokens: '1.5', tools: '{', format: 'schema', schema: '[]' }))), ['temperature', 'maxTokens', 'tools', 'schema']);
    assert.deepEqual(problems(settings({ temperature: '0.7', maxTokens: '10', schema: '{' })), {}); // a schema that is not sent is nobody's trouble
  });
});

describe('code', () => {
  const hard = 'quotes \' " ` $HOME $(id) \\ \n</script> \u2028 ü 🌍\nJSON\n\'\'\'"""${x}';
  const request = { ...body(conversation({ text: hard, attachments: [{ kind: 'image', data: 'data:image/png;base64,' + 'A'.repeat(500) }] }), 0, 0, 0, 'm', { ...noSettings(), tools: exampleTools, temperature: '0.5' }), parallel_tool_calls: false, seed: null };

  it('is a request of the same members in Python', () => {
    mkdirSync('stub', { recursive: true });
    writeFileSync('stub/openai.py', 'import json\nclass OpenAI:\n    def __init__(self, base_url, api_key):\n        self.chat = self.completions = self\n    def create(self, **members):\n        print(json.dumps(members))\n        return []\n');
    const sent = execFileSync('python3', ['-c', snippet('Python', 'http://x.example/', request)], { env: { ...process.env, PYTHONPATH: 'stub' } });
    assert.deepEqual(JSON.parse(sent), request);
  });

  it('is a request of the same members for curl, whatever a shell makes of its text', () => {
    const sent = execFileSync('bash', ['-c', `curl() { cat; }\n${snippet('curl', "http://x.example/it's/", request)}`]);
    assert.deepEqual(JSON.parse(sent), request);
  });

  it('is a request of the same members in TypeScript', () => {
    const code = snippet('TypeScript', 'http://x.example/', request);
    const members = code.slice(code.indexOf('create(') + 7, code.indexOf(');\nfor await'));
    assert.deepEqual(new Function('return ' + members)(), request);
  });

  it('shows the beginning of attachments alone', () => {
    const { short, cut } = shortened(request);
    assert.equal(cut, 1);
    assert.equal(short.messages[0].content[0].image_url.url, 'data:image/png;base64,AAAAAAAAAAAA…');
  });
});
