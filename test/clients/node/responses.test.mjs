// Responses through OpenAI's unmodified client: create, stream and parse, with all that an agent sends and gets.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { zodTextFormat } from 'openai-next/helpers/zod';
import { z } from 'zod';
import { answering, connect, seeing, user, versions } from './setup.mjs';

const pixel =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
const pdf = 'data:application/pdf;base64,JVBERi0xLjQKJSVFT0YK';
const words = Array.from({ length: 60 }, (_, i) => `word${i}`).join(' ');
// A reply's own items go back on the next turn, its reasoning sealed.
const sealed = { store: false, include: ['reasoning.encrypted_content'] };

const weather = {
  type: 'function', name: 'get_weather', description: 'Weather of a city', strict: true,
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false },
};
const time = { type: 'function', name: 'get_time', strict: false, parameters: { type: 'object', properties: {} } };
const patch = {
  type: 'custom', name: 'apply_patch', description: 'Edits files',
  format: { type: 'grammar', syntax: 'lark', definition: 'start: "*** Begin Patch" /(.|\\n)+/ "*** End Patch"' },
};

// sentBack are a reply's items, for GPT without what the stream's helper adds to them and its API refuses.
const sentBack = (reply) =>
  reply.model.includes('gpt-5')
    ? JSON.parse(JSON.stringify(reply.output, (key, value) => (key.startsWith('parsed') ? undefined : value)))
    : reply.output;
const of = (reply, type) => reply.output.filter((item) => item.type === type);
const output = (call, text) => ({ type: 'function_call_output', call_id: call.call_id, output: text });

for (const [version, OpenAI] of Object.entries(versions)) {
  for (const model of answering) {
    const client = connect(OpenAI);
    const ways = {
      unary: (request) => client.responses.create({ model, ...request }),
      // The helper throws if an event comes out of its order.
      streamed: (request) => client.responses.stream({ model, ...request }).finalResponse(),
    };
    for (const [way, ask] of Object.entries(ways)) {
      describe(`${version}, ${model}, responses, ${way}`, () => {
        it('answers', async () => {
          const reply = await ask({ instructions: 'Echo.', input: 'Grüße, "世界" \\ 🌍!' });
          assert.equal(reply.output_text, 'You said: Grüße, "世界" \\ 🌍!');
          assert.equal(reply.status, 'completed');
          assert.ok(reply.usage.input_tokens > 0 && reply.usage.output_tokens > 0);
          assert.equal(reply.usage.total_tokens, reply.usage.input_tokens + reply.usage.output_tokens);
        });

        it('says that it was cut, or filtered', async () => {
          const cut = await ask({ input: words, max_output_tokens: 16 });
          assert.deepEqual([cut.status, cut.incomplete_details.reason], ['incomplete', 'max_output_tokens']);
          const filtered = await ask({ input: 'x [[fault:filtered]]' });
          assert.deepEqual([filtered.status, filtered.incomplete_details.reason], ['incomplete', 'content_filter']);
        });

        it('calls tools in two turns', async () => {
          const turns = [user('call get_weather {"city":"Ulm"} and call get_time please')];
          const first = await ask({ input: turns, tools: [weather, time], ...sealed });
          const calls = of(first, 'function_call');
          assert.deepEqual(calls.map((c) => [c.name, JSON.parse(c.arguments)]), [['get_weather', { city: 'Ulm' }], ['get_time', {}]]);
          turns.push(...sentBack(first), output(calls[0], '18 degrees'), output(calls[1], [{ type: 'input_text', text: 'noon' }]));
          const second = await ask({ input: turns, tools: [weather, time], ...sealed });
          assert.match(second.output_text, /18 degrees.*noon/);
        });

        it('calls custom tools', async () => {
          const turns = [user('call apply_patch {"input":"*** Begin Patch\\n+ä\\n*** End Patch"}')];
          const first = await ask({ input: turns, tools: [patch, weather], ...sealed });
          const [call] = of(first, 'custom_tool_call');
          assert.equal(call.input, '*** Begin Patch\n+ä\n*** End Patch');
          turns.push(...sentBack(first), { type: 'custom_tool_call_output', call_id: call.call_id, output: 'Done' });
          const second = await ask({ input: turns, tools: [patch, weather], ...sealed });
          assert.match(second.output_text, /The tool said: Done/);
        });

        it('sees images and files', { skip: !seeing(model) && 'gpt-oss takes none' }, async () => {
          const reply = await ask({
            input: [user([
              { type: 'input_text', text: 'what is this?' },
              { type: 'input_image', image_url: pixel, detail: 'low' },
              { type: 'input_file', filename: 'report.pdf', file_data: pdf },
            ])],
          });
          assert.match(reply.output_text, /what is this\?.*image/);
        });

        it('takes its reasoning back over three turns', async () => {
          const more = { tools: [weather], reasoning: { effort: 'low', summary: 'auto' }, ...sealed };
          const turns = [user('call get_weather {"city":"Ulm"}')];
          const first = await ask({ input: turns, ...more });
          const [thought] = of(first, 'reasoning');
          assert.ok(thought.encrypted_content);
          assert.match(thought.summary[0].text, /The user said/);
          turns.push(...sentBack(first), output(of(first, 'function_call')[0], '18 degrees'));
          const second = await ask({ input: turns, ...more });
          assert.match(second.output_text, /18 degrees/);
          turns.push(...sentBack(second), user('and tomorrow?'));
          const third = await ask({ input: turns, ...more });
          assert.match(third.output_text, /and tomorrow\?/);
          assert.ok(of(third, 'reasoning')[0].encrypted_content);
        });
      });
    }

    describe(`${version}, ${model}, responses`, () => {
      it('parses', async () => {
        const schema = z.object({ title: z.string(), rooms: z.number(), open: z.boolean() });
        const text = { format: zodTextFormat(schema, 'event') };
        const reply = await client.responses.parse({ model, input: 'plan something', text });
        schema.parse(reply.output_parsed);
        const stream = client.responses.stream({ model, input: 'plan something', text });
        schema.parse((await stream.finalResponse()).output_parsed);
      });

      it('numbers its events', async () => {
        let n = 0;
        let deltas = '';
        let last;
        for await (const event of await client.responses.create({ model, input: words, stream: true })) {
          assert.equal(event.sequence_number, n++);
          if (event.type === 'response.output_text.delta') deltas += event.delta;
          last = event;
        }
        assert.equal(last.type, 'response.completed');
        assert.equal(deltas, `You said: ${words}`);
      });

      it('names errors', async () => {
        const once = connect(OpenAI, { maxRetries: 0 });
        for (const stream of [false, true]) {
          await assert.rejects(once.responses.create({ model, input: 'x [[fault:context]]', stream }), { status: 400, code: 'context_length_exceeded' });
          await assert.rejects(once.responses.create({ model, input: 'x [[fault:throttle]]', stream }), { status: 429 });
        }
        await assert.rejects(once.responses.create({ model, input: 'hi', previous_response_id: 'resp_nobody_has' }), { status: 400 });
        await assert.rejects(connect(OpenAI, { apiKey: 'sk-wrong' }).responses.create({ model, input: 'hi' }), { status: 401 });
      });

      for (const fault of ['cut=4000', 'cutclean=4000', 'exception=modelStreamErrorException@8']) {
        it(`tells a broken stream: ${fault}`, async () => {
          const kinds = [];
          try {
            const stream = await client.responses.create({ model, input: `${words} [[fault:${fault}]]`, stream: true });
            for await (const event of stream) kinds.push(event.type);
          } catch (e) {
            kinds.push(`thrown ${e}`); // the gateway does not end the connection as if all were well
          }
          assert.ok(kinds.includes('response.output_text.delta'), 'it broke later');
          assert.ok(!kinds.includes('response.completed'));
          assert.match(kinds.at(-1), /^(error|response\.failed|thrown .*)$/);
        });
      }
    });
  }
}
