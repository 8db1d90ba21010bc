// The official Node client in both majors, pointed at the gateway that GATEWAY_URL names.
import OpenAI6 from 'openai';
import OpenAI7 from 'openai-next';

export const versions = { 'openai 6': OpenAI6, 'openai 7': OpenAI7 };

// One model of each way an answer takes: passed through, Converse with native structured output, Converse with a forced
// tool in its place.
export const models = ['gpt-4o', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'us.anthropic.claude-sonnet-5'];

export function connect(OpenAI, options = {}) {
  return new OpenAI({ baseURL: process.env.GATEWAY_URL, apiKey: process.env.GATEWAY_KEY, timeout: 30_000, ...options });
}

export const user = (content) => ({ role: 'user', content });

// The models of the tests of Responses, one of each way an answer takes: relayed to OpenAI; Bedrock's Responses, which serves
// GPT-5.5 alone; Converse with signed reasoning and with unsigned; Bedrock's chat, with reasoning in tags.
export const answering = [
  'gpt-5',
  'us.openai.gpt-5.5',
  'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
  'us.amazon.nova-2-lite-v1:0',
  'openai.gpt-oss-120b-1:0',
];
export const seeing = (model) => !model.includes('gpt-oss');
