// The web app: what its page does, with the clients as an app bundles them. check.mjs calls these functions in the browser.
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';

const messages = (content) => [{ role: 'user', content }];
const clients = ({ url, key }) => ({
  openai: new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0, dangerouslyAllowBrowser: true }),
  anthropic: new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0, dangerouslyAllowBrowser: true }),
});

// seen is what a page can tell of an error.
const seen = (e) => ({ error: e.constructor.name, status: e.status, retryAfter: e.headers?.get('retry-after'), message: e.message });

globalThis.openai = async (at, model, prompt) => {
  try {
    const { data, response } = await clients(at).openai.chat.completions.create({ model, messages: messages(prompt) }).withResponse();
    let streamed = '';
    for await (const chunk of await clients(at).openai.chat.completions.create({ model, messages: messages(prompt), stream: true })) {
      streamed += chunk.choices[0]?.delta.content ?? '';
    }
    return { text: data.choices[0].message.content, streamed, id: response.headers.get('x-request-id') };
  } catch (e) {
    return seen(e);
  }
};

globalThis.anthropic = async (at, model, prompt) => {
  try {
    const body = { model, max_tokens: 500, messages: messages(prompt) };
    const { data, response } = await clients(at).anthropic.messages.create(body).withResponse();
    const streamed = await clients(at).anthropic.messages.stream(body).finalText();
    return { text: data.content[0].text, streamed, id: response.headers.get('request-id') };
  } catch (e) {
    return seen(e);
  }
};
