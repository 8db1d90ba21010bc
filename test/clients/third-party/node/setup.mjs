// Other people's clients, pointed at the gateway that test/clients/run has started. See ../python/conftest.py.
export const { GATEWAY_ADDR, GATEWAY_KEY, GATEWAY_URL } = process.env;

// One model of each way an answer takes: passed through, Claude with native structured output, Claude with a forced tool
// in its place and without sampling parameters, and one that only Converse serves.
export const models = ['gpt-4o', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'us.anthropic.claude-sonnet-5', 'us.amazon.nova-pro-v1:0'];

const words = Array.from({ length: 60 }, (_, i) => `word${i}`).join(' ');
export const prompts = { words, throttled: 'x [[fault:throttle]]', broken: `${words} [[fault:cutclean=2500]]` };
