// Chat, streams, tools, structured output and images, through the unmodified client.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connect, models, user, versions } from './setup.mjs';

const pixel =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';

const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'Weather of a city',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, unit: { type: 'string', enum: ['C', 'F'] } },
      required: ['city', 'unit'],
    },
  },
};
const time = { type: 'function', function: { name: 'get_time', parameters: { type: 'object', properties: {} } } };

const schema = {
  type: 'json_schema',
  json_schema: {
    name: 'event',
    strict: true,
    schema: {
      type: 'object',
      properties: { title: { type: 'string' }, rooms: { type: 'integer' }, open: { type: 'boolean' } },
      required: ['title', 'rooms', 'open'],
      additionalProperties: false,
    },
  },
};

for (const [version, OpenAI] of Object.entries(versions)) {
  for (const model of models) {
    describe(`${version}, ${model}`, () => {
      const client = connect(OpenAI);

      it('chats', async () => {
        const reply = await client.chat.completions.create({
          model,
          messages: [{ role: 'system', content: 'Echo.' }, user('Grüße, "世界" \\ 🌍!')],
        });
        assert.match(reply.choices[0].message.content, /You said: Grüße, "世界" \\ 🌍!/);
        assert.equal(reply.choices[0].finish_reason, 'stop');
        assert.equal(reply.usage.total_tokens, reply.usage.prompt_tokens + reply.usage.completion_tokens);
        assert.ok(reply._request_id);
      });

      it('streams the same text, with one usage', async () => {
        const messages = [user('stream these words: naïve café 東京')];
        const whole = await client.chat.completions.create({ model, messages });
        const stream = await client.chat.completions.create({
          model,
          messages,
          stream: true,
          stream_options: { include_usage: true },
        });
        let text = '';
        let finish;
        const usage = [];
        for await (const chunk of stream) {
          if (chunk.usage) usage.push(chunk.usage);
          for (const choice of chunk.choices) {
            text += choice.delta.content ?? '';
            finish = choice.finish_reason ?? finish;
          }
        }
        assert.equal(text, whole.choices[0].message.content);
        assert.equal(finish, 'stop');
        assert.deepEqual(
          usage.map((u) => u.total_tokens),
          [whole.usage.total_tokens],
        );
      });

      for (const streamed of [false, true]) {
        it(`calls tools and takes their results, ${streamed ? 'streamed' : 'unary'}`, async () => {
          const ask = async (messages) => {
            const body = { model, messages, tools: [weather, time] };
            if (!streamed) return (await client.chat.completions.create(body)).choices[0];
            return (await client.chat.completions.stream(body).finalChatCompletion()).choices[0];
          };
          const messages = [user('call get_weather and call get_time please')];
          const first = await ask(messages);
          assert.equal(first.finish_reason, 'tool_calls');
          const calls = first.message.tool_calls;
          assert.deepEqual(
            calls.map((c) => c.function.name),
            ['get_weather', 'get_time'],
          );
          assert.equal(typeof JSON.parse(calls[0].function.arguments).city, 'string');
          assert.deepEqual(JSON.parse(calls[1].function.arguments), {});
          messages.push(
            {
              role: 'assistant',
              content: first.message.content,
              tool_calls: calls.map((c) => ({ id: c.id, type: c.type, function: { name: c.function.name, arguments: c.function.arguments } })),
            },
            { role: 'tool', tool_call_id: calls[0].id, content: '18 degrees' },
            { role: 'tool', tool_call_id: calls[1].id, content: 'noon' },
          );
          const second = await ask(messages);
          assert.equal(second.finish_reason, 'stop');
          assert.match(second.message.content, /18 degrees/);
          assert.match(second.message.content, /noon/);
        });
      }

      it('runs tools by itself', async () => {
        const seen = [];
        const runner = client.chat.completions.runTools({
          model,
          messages: [user('call get_weather {"city":"Paris","unit":"C"}')],
          tools: [
            {
              type: 'function',
              function: { ...weather.function, parse: JSON.parse, function: (args) => (seen.push(args), '18 degrees') },
            },
          ],
        });
        assert.match(await runner.finalContent(), /18 degrees/);
        assert.equal(seen.length, 1);
      });

      it('fills a schema', async () => {
        const reply = await client.chat.completions.parse({ model, messages: [user('plan')], response_format: schema });
        const event = reply.choices[0].message.parsed ?? JSON.parse(reply.choices[0].message.content);
        assert.deepEqual(Object.keys(event).sort(), ['open', 'rooms', 'title']);
        assert.equal(typeof event.rooms, 'number');
        assert.equal(reply.choices[0].finish_reason, 'stop');
      });

      it('fills a schema in a stream', async () => {
        const stream = client.chat.completions.stream({ model, messages: [user('plan')], response_format: schema });
        const reply = await stream.finalChatCompletion();
        assert.equal(typeof JSON.parse(reply.choices[0].message.content).open, 'boolean');
        assert.equal(reply.choices[0].finish_reason, 'stop');
      });

      it('takes images', async () => {
        const reply = await client.chat.completions.create({
          model,
          messages: [
            user([
              { type: 'text', text: 'what is this?' },
              { type: 'image_url', image_url: { url: pixel } },
            ]),
          ],
        });
        assert.match(reply.choices[0].message.content, /what is this\?.*image/s);
      });
    });
  }
}
