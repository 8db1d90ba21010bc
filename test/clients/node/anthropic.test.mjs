// Anthropic's client on /v1/messages in its current major and the one before it, which sends x-api-key and an older
// anthropic-version, and its client for Bedrock on the native paths.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import Anthropic0 from 'anthropic-previous';
import AnthropicBedrock from '@anthropic-ai/bedrock-sdk';
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod';
import { z } from 'zod';
import { user } from './setup.mjs';

const { GATEWAY_ADDR, GATEWAY_KEY, OPEN_ADDR } = process.env;
const SONNET = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
const claude = [SONNET, 'us.anthropic.claude-sonnet-5'];
const everywhere = [...claude, 'gpt-4o', 'us.amazon.nova-pro-v1:0'];

// How each client gets to the gateway, and the models it is tried with.
const direct = (Client) => (options) => new Client({ baseURL: `http://${GATEWAY_ADDR}`, apiKey: GATEWAY_KEY, timeout: 30_000, ...options });
const clients = {
  'sdk 1': { connect: direct(Anthropic), models: everywhere, errors: Anthropic },
  'sdk 0': { connect: direct(Anthropic0), models: everywhere, errors: Anthropic0 },
  'bedrock-sdk, signed': {
    connect: (options) =>
      new AnthropicBedrock({
        baseURL: `http://${OPEN_ADDR}`, awsRegion: 'us-east-1', awsAccessKey: 'AKIADUMMY', awsSecretKey: 'dummy', timeout: 30_000, ...options,
      }),
    models: [...claude, 'gpt-4o'],
    errors: Anthropic,
    native: true,
  },
  'bedrock-sdk, bearer': {
    connect: (options) =>
      new AnthropicBedrock({ baseURL: `http://${GATEWAY_ADDR}`, awsRegion: 'us-east-1', apiKey: GATEWAY_KEY, timeout: 30_000, ...options }),
    models: [...claude, 'gpt-4o'],
    errors: Anthropic,
    native: true,
  },
};

const words = Array.from({ length: 60 }, (_, i) => `word${i}`).join(' ');
const tools = [
  {
    name: 'get_weather',
    description: 'Weather of a city',
    input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
  { name: 'get_time', input_schema: { type: 'object', properties: {} } },
];
const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
const said = (message) => message.content.filter((b) => b.type === 'text').map((b) => b.text).join('');
const calls = (message) => message.content.filter((b) => b.type === 'tool_use');

for (const [name, { connect, models, errors, native }] of Object.entries(clients)) {
  for (const model of models) {
    describe(`${name}, ${model}`, () => {
      const client = connect();
      const create = (request, c = client) => c.messages.create({ model, max_tokens: 2000, ...request });
      const streamed = (request) => client.messages.stream({ model, max_tokens: 2000, ...request }).finalMessage();

      for (const [how, ask] of Object.entries({ unary: create, streamed })) {
        it(`chats, ${how}`, async () => {
          const reply = await ask({ system: 'Echo.', messages: [user('Grüße, "世界" \\ 🌍!')] });
          assert.match(said(reply), /You said: Grüße, "世界" \\ 🌍!$/);
          assert.equal(reply.role, 'assistant');
          assert.equal(reply.stop_reason, 'end_turn');
          assert.ok(reply.usage.input_tokens > 0 && reply.usage.output_tokens > 0);
        });

        it(`calls tools and hears their results, ${how}`, async () => {
          const first = user('say and call get_weather {"city":"Ulm"} and get_time');
          const reply = await ask({ tools, messages: [first] });
          assert.equal(reply.stop_reason, 'tool_use');
          assert.deepEqual(calls(reply).map((c) => [c.name, c.input]), [['get_weather', { city: 'Ulm' }], ['get_time', {}]]);
          const results = user([
            { type: 'tool_result', tool_use_id: calls(reply)[0].id, content: [{ type: 'text', text: '21 degrees' }] },
            { type: 'tool_result', tool_use_id: calls(reply)[1].id, content: 'no clock', is_error: true },
          ]);
          const last = await ask({ tools, messages: [first, { role: 'assistant', content: reply.content }, results] });
          assert.equal(last.stop_reason, 'end_turn');
          assert.match(said(last), /21 degrees.*no clock/);
        });

        it(`stops at max_tokens, ${how}`, async () => {
          assert.equal((await ask({ max_tokens: 5, messages: [user(words)] })).stop_reason, 'max_tokens');
        });

        if (model === SONNET) {
          it(`thinks, and its signature goes back, ${how}`, async () => {
            const thinking = { type: 'enabled', budget_tokens: 1024 };
            const first = user('call get_time');
            const reply = await ask({ thinking, tools, messages: [first] });
            assert.equal(reply.content[0].type, 'thinking');
            assert.ok(reply.content[0].signature);
            const result = user([{ type: 'tool_result', tool_use_id: calls(reply)[0].id, content: 'noon' }]);
            const last = await ask({ thinking, tools, messages: [first, { role: 'assistant', content: reply.content }, result] });
            assert.match(said(last), /noon/);
            const forged = reply.content.map((b) => (b.type === 'thinking' ? { ...b, signature: 'Zm9yZ2Vk' } : b));
            await assert.rejects(ask({ thinking, tools, messages: [first, { role: 'assistant', content: forged }, result] }), errors.BadRequestError);
          });
        }
      }

      it('streams in order', async () => {
        const kinds = [];
        for await (const event of await create({ stream: true, messages: [user(words)] })) {
          if (kinds.at(-1) !== event.type) kinds.push(event.type);
        }
        assert.deepEqual(kinds, [
          'message_start', 'content_block_start', 'content_block_delta', 'content_block_stop', 'message_delta', 'message_stop',
        ]);
      });

      it('sees images', async () => {
        const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: pixel } };
        assert.match(said(await create({ messages: [user([image, { type: 'text', text: 'What is it?' }])] })), /image/);
      });

      it('names errors', async () => {
        await assert.rejects(create({ messages: [] }), errors.BadRequestError);
        await assert.rejects(create({ messages: [user('x [[fault:context]]')] }), errors.BadRequestError);
        await assert.rejects(create({ messages: [user('x [[fault:throttle]]')] }, connect({ maxRetries: 0 })), errors.RateLimitError);
        await assert.rejects(create({ model: 'nobody-has-this', messages: [user('hi')] }), (e) => {
          assert.ok(e instanceof errors.NotFoundError);
          if (!native) {
            assert.equal(e.error.error.type, 'not_found_error');
            assert.ok(e.requestID);
            assert.equal(e.error.request_id, e.requestID);
          }
          return true;
        });
      });

      it('is asked again after 429', async () => {
        // The gateway tries three times a call, and once when its budget of retries is spent, as it may be after other tests.
        let sent = 0;
        const counting = connect({ maxRetries: 4, fetch: (...args) => (sent++, fetch(...args)) });
        const reply = await create({ messages: [user(`${name} again [[fault:throttle=3]]`)] }, counting);
        assert.match(said(reply), / again$/);
        assert.ok(sent >= 2 && sent <= 4);
      });

      for (const fault of ['cut=2500', 'cutclean=2500', 'exception=modelStreamErrorException@4']) {
        it(`tells a broken stream: ${fault}`, async () => {
          let text = '';
          let finished = false;
          await assert.rejects(async () => {
            for await (const event of await create({ stream: true, messages: [user(`${words} [[fault:${fault}]]`)] })) {
              if (event.type === 'content_block_delta') text += event.delta.text;
              finished ||= event.type === 'message_delta' || event.type === 'message_stop';
            }
          }, errors.APIError);
          assert.ok(text !== '' && !text.endsWith('word59'), `it broke before the end: ${text}`);
          assert.ok(!finished);
        });
      }

      it('leaves in the middle of a stream', async () => {
        let events = 0;
        for await (const _ of await create({ stream: true, messages: [user(`${words} [[fault:slow=20]]`)] })) {
          if (++events === 3) break;
        }
        assert.equal(events, 3);
        assert.match(said(await create({ messages: [user('still there')] })), /still there/);
      });

      if (name !== 'sdk 0') {
        it('runs tools by itself', async () => {
          const add = betaZodTool({
            name: 'add',
            description: 'Add two numbers',
            inputSchema: z.object({ a: z.number(), b: z.number() }),
            run: ({ a, b }) => `the sum is ${a + b}`,
          });
          const last = await client.beta.messages.toolRunner({
            model, max_tokens: 1000, tools: [add], messages: [user('call add {"a":19,"b":23}')],
          });
          assert.match(said(last), /the sum is 42/);
        });
      }
    });
  }

  if (name !== 'bedrock-sdk, signed') {
    it(`${name}: a wrong key is a 401`, async () => {
      const client = connect({ apiKey: 'wrong' });
      await assert.rejects(client.messages.create({ model: SONNET, max_tokens: 10, messages: [user('hi')] }), errors.AuthenticationError);
    });
  }

  if (!native) {
    it(`${name}: counts tokens for Claude, and says where nobody can`, async () => {
      const { input_tokens } = await connect().messages.countTokens({ model: SONNET, messages: [user('hi')] });
      const reply = await connect().messages.create({ model: SONNET, max_tokens: 100, messages: [user('hi')] });
      assert.equal(input_tokens, reply.usage.input_tokens);
      await assert.rejects(connect({ maxRetries: 0 }).messages.countTokens({ model: 'gpt-4o', messages: [user('hi')] }), { status: 501 });
    });
  }
}

it('sampling parameters go to the models that take them, and are listed where one does not', async () => {
  const client = clients['sdk 0'].connect();
  const ask = (model) => client.messages.create({ model, max_tokens: 100, temperature: 0.3, messages: [user('hi')] });
  for (const model of [SONNET, 'gpt-4o', 'us.amazon.nova-pro-v1:0']) {
    const { data, response } = await ask(model).withResponse();
    assert.match(said(data), /hi$/);
    assert.equal(response.headers.get('bedrock-gateway-dropped'), null);
  }
  const { data, response } = await ask('us.anthropic.claude-sonnet-5').withResponse();
  assert.match(said(data), /hi$/);
  assert.equal(response.headers.get('bedrock-gateway-dropped'), 'temperature');
});
