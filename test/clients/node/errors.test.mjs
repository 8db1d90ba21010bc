// Errors, retries and broken streams: a client must never take one for success.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connect, models, user, versions } from './setup.mjs';

const words = Array.from({ length: 60 }, (_, i) => `word${i}`).join(' ');

// counting is a fetch that knows how often it was called.
function counting() {
  const counted = (...args) => (counted.calls++, fetch(...args));
  counted.calls = 0;
  return counted;
}

for (const [version, OpenAI] of Object.entries(versions)) {
  it(`${version}: an unknown model is a 404`, async () => {
    for (const model of ['gpt-none', 'nobody-has-this']) {
      await assert.rejects(connect(OpenAI).chat.completions.create({ model, messages: [user('hi')] }), (e) => {
        assert.ok(e instanceof OpenAI.NotFoundError);
        assert.equal(e.code, 'model_not_found');
        return true;
      });
    }
  });

  for (const model of models) {
    describe(`${version}, ${model}`, () => {
      const client = connect(OpenAI);
      const ask = (text, more = {}, c = client) => c.chat.completions.create({ model, messages: [user(text)], ...more });

      it('refuses bad requests', async () => {
        await assert.rejects(client.chat.completions.create({ model, messages: [] }), OpenAI.BadRequestError);
        await assert.rejects(
          client.chat.completions.create({ model, messages: [{ role: 'robot', content: 'hi' }] }),
          OpenAI.BadRequestError,
        );
      });

      it('refuses a wrong key', async () => {
        await assert.rejects(ask('hi', {}, connect(OpenAI, { apiKey: 'sk-wrong' })), (e) => {
          assert.ok(e instanceof OpenAI.AuthenticationError);
          assert.equal(e.code, 'invalid_api_key');
          return true;
        });
      });

      it('names a prompt that is too long', async () => {
        for (const stream of [false, true]) {
          await assert.rejects(ask('x [[fault:context]]', { stream }), (e) => {
            assert.ok(e instanceof OpenAI.BadRequestError);
            assert.equal(e.code, 'context_length_exceeded');
            return true;
          });
        }
      });

      it('is asked again after 429', async () => {
        // The gateway tries three times a call, and once when its budget of retries is spent, as it may be after other tests.
        const counted = counting();
        const reply = await ask(`${version} again [[fault:throttle=3]]`, {}, connect(OpenAI, { fetch: counted, maxRetries: 4 }));
        assert.match(reply.choices[0].message.content, /You said: openai . again/);
        assert.ok(counted.calls >= 2 && counted.calls <= 4);
      });

      it('hands 429 on in the end', async () => {
        await assert.rejects(ask('never [[fault:throttle,retry-after=7]]', {}, connect(OpenAI, { maxRetries: 0 })), (e) => {
          assert.ok(e instanceof OpenAI.RateLimitError);
          assert.equal(e.headers.get('retry-after'), '7');
          return true;
        });
      });

      for (const fault of ['cut=2500', 'cutclean=2500', 'exception=modelStreamErrorException@4']) {
        it(`tells a broken stream: ${fault}`, async () => {
          const stream = await ask(`${words} [[fault:${fault}]]`, { stream: true });
          let text = '';
          let finished = false;
          await assert.rejects(async () => {
            for await (const chunk of stream) {
              for (const choice of chunk.choices) {
                text += choice.delta.content ?? '';
                finished ||= choice.finish_reason !== null;
              }
            }
          });
          assert.ok(text !== '' && !text.endsWith('word59'), `it broke before the end: ${text}`);
          assert.ok(!finished);
        });
      }

      it('leaves in the middle of a stream', async () => {
        const stream = await ask(`${words} [[fault:slow=20]]`, { stream: true });
        let chunks = 0;
        for await (const _ of stream) {
          if (++chunks === 3) break;
        }
        assert.equal(chunks, 3);
        assert.match((await ask('still there')).choices[0].message.content, /still there/);
      });
    });
  }
}
