package grid_test

// scenarios are the kinds of chat that every form is asked for.
var scenarios = []string{"plain", "tools", "image", "thinking", "length", "filtered"}

// input is a form of request with a fixture for each kind of chat that it has words for. The fixtures say the same in
// every form; model and stream are put in front.
type input struct {
	name, title string
	native      string // the action of Bedrock's own path; "" for the unified endpoint
	path        string // its own path, whose answers have its form; "" for the unified endpoint
	scenarios   map[string]string
}

// png is an image of one pixel.
const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

const schema = `{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}`

var inputs = []input{
	{name: "openai", title: "OpenAI", scenarios: map[string]string{
		"plain": `{"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Hello, grid"}],"temperature":0.5}`,
		"tools": `{"messages":[{"role":"user","content":"call get_weather {\"city\":\"Rome\"}"},` +
			`{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Rome\"}"}}]},` +
			`{"role":"tool","tool_call_id":"call_1","content":"sunny"},{"role":"user","content":"call get_weather {\"city\":\"Paris\"}"}],` +
			`"tools":[{"type":"function","function":{"name":"get_weather","description":"The weather","parameters":` + schema + `}}]}`,
		"image":    `{"messages":[{"role":"user","content":[{"type":"text","text":"What is this?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,` + png + `"}}]}]}`,
		"thinking": `{"messages":[{"role":"user","content":"Think"}],"reasoning_effort":"low"}`,
		"length":   `{"messages":[{"role":"user","content":"one two three four five six"}],"max_tokens":3}`,
		"filtered": `{"messages":[{"role":"user","content":"[[fault:filtered]] bad words"}]}`,
	}},
	{name: "claude", title: "Claude", scenarios: map[string]string{
		"plain": `{"anthropic_version":"bedrock-2023-05-31","max_tokens":100,"system":"Be kind.","messages":[{"role":"user","content":"Hello, grid"}],"temperature":0.5}`,
		"tools": `{"anthropic_version":"bedrock-2023-05-31","max_tokens":100,"messages":[{"role":"user","content":"call get_weather {\"city\":\"Rome\"}"},` +
			`{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"get_weather","input":{"city":"Rome"}}]},` +
			`{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"sunny"},{"type":"text","text":"call get_weather {\"city\":\"Paris\"}"}]}],` +
			`"tools":[{"name":"get_weather","description":"The weather","input_schema":` + schema + `}]}`,
		"image":    `{"anthropic_version":"bedrock-2023-05-31","max_tokens":100,"messages":[{"role":"user","content":[{"type":"text","text":"What is this?"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + png + `"}}]}]}`,
		"thinking": `{"anthropic_version":"bedrock-2023-05-31","max_tokens":2048,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"Think"}]}`,
		"length":   `{"anthropic_version":"bedrock-2023-05-31","max_tokens":3,"messages":[{"role":"user","content":"one two three four five six"}]}`,
		"filtered": `{"anthropic_version":"bedrock-2023-05-31","max_tokens":100,"messages":[{"role":"user","content":"[[fault:filtered]] bad words"}]}`,
	}},
	{name: "titan", title: "Titan", scenarios: map[string]string{
		"plain":    `{"inputText":"User: Hello, grid\n\nBot:","textGenerationConfig":{"temperature":0.5,"maxTokenCount":100}}`,
		"length":   `{"inputText":"User: one two three four five six\n\nBot:","textGenerationConfig":{"maxTokenCount":3}}`,
		"filtered": `{"inputText":"User: [[fault:filtered]] bad words\n\nBot:"}`,
	}},
	{name: "converse", title: "Converse", native: "converse", scenarios: map[string]string{
		"plain": `{"system":[{"text":"Be kind."}],"messages":[{"role":"user","content":[{"text":"Hello, grid"}]}],"inferenceConfig":{"temperature":0.5}}`,
		"tools": `{"messages":[{"role":"user","content":[{"text":"call get_weather {\"city\":\"Rome\"}"}]},` +
			`{"role":"assistant","content":[{"toolUse":{"toolUseId":"tooluse_1","name":"get_weather","input":{"city":"Rome"}}}]},` +
			`{"role":"user","content":[{"toolResult":{"toolUseId":"tooluse_1","content":[{"text":"sunny"}]}},{"text":"call get_weather {\"city\":\"Paris\"}"}]}],` +
			`"toolConfig":{"tools":[{"toolSpec":{"name":"get_weather","description":"The weather","inputSchema":{"json":` + schema + `}}}]}}`,
		"image":    `{"messages":[{"role":"user","content":[{"text":"What is this?"},{"image":{"format":"png","source":{"bytes":"` + png + `"}}}]}]}`,
		"thinking": `{"messages":[{"role":"user","content":[{"text":"Think"}]}],"inferenceConfig":{"maxTokens":2048},"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":1024}}}`,
		"length":   `{"messages":[{"role":"user","content":[{"text":"one two three four five six"}]}],"inferenceConfig":{"maxTokens":3}}`,
		"filtered": `{"messages":[{"role":"user","content":[{"text":"[[fault:filtered]] bad words"}]}]}`,
	}},
	{name: "invoke", title: "Claude (InvokeModel)", native: "invoke"},
	{name: "responses", title: "Responses", path: "/v1/responses", scenarios: map[string]string{
		"plain": `{"instructions":"Be kind.","input":"Hello, grid","temperature":1}`,
		"tools": `{"input":[{"role":"user","content":"call get_weather {\"city\":\"Rome\"}"},` +
			`{"type":"function_call","call_id":"call_1","name":"get_weather","arguments":"{\"city\":\"Rome\"}"},{"type":"function_call_output","call_id":"call_1","output":"sunny"},` +
			`{"role":"user","content":"call get_weather {\"city\":\"Paris\"}"}],` +
			`"tools":[{"type":"function","name":"get_weather","description":"The weather","parameters":` + schema + `,"strict":false}]}`,
		"image":    `{"input":[{"role":"user","content":[{"type":"input_text","text":"What is this?"},{"type":"input_image","image_url":"data:image/png;base64,` + png + `"}]}]}`,
		"thinking": `{"input":"Think","reasoning":{"effort":"low","summary":"auto"},"include":["reasoning.encrypted_content"]}`,
		"length":   `{"input":"one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen","max_output_tokens":16}`,
		"filtered": `{"input":"[[fault:filtered]] bad words"}`,
	}},
}

func init() { inputs[4].scenarios = inputs[1].scenarios } // the same body on Bedrock's own path
