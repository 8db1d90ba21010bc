package openai

import (
	"regexp"
	"strings"
)

// model is what the simulator knows of a model. The figures are those of platform.openai.com/docs/models.
type model struct {
	id string
	// snapshot is the dated id that replies name, where the id is an alias.
	snapshot string
	use      use
	// context and output are tokens.
	context, output int
	// reasons is a model of the o and gpt-5 series: it thinks, and refuses sampling parameters.
	reasons bool
	created int64
	// limits are those of a Copy's model, nil for OpenAI's own.
	limits *Limits
}

// use is the endpoint a model answers at.
type use int

const (
	chatUse use = iota
	completionUse
	embeddingUse
	moderationUse
	imageUse
	audioUse
)

var models = []model{
	{id: "gpt-3.5-turbo", snapshot: "gpt-3.5-turbo-0125", context: 16385, output: 4096, created: 1677610602},
	{id: "gpt-4", snapshot: "gpt-4-0613", context: 8192, output: 8192, created: 1687882411},
	{id: "gpt-4-turbo", snapshot: "gpt-4-turbo-2024-04-09", context: 128000, output: 4096, created: 1712361441},
	{id: "gpt-4o", snapshot: "gpt-4o-2024-08-06", context: 128000, output: 16384, created: 1715367049},
	{id: "gpt-4o-mini", snapshot: "gpt-4o-mini-2024-07-18", context: 128000, output: 16384, created: 1721172741},
	{id: "chatgpt-4o-latest", context: 128000, output: 16384, created: 1723515131},
	{id: "gpt-4.1", snapshot: "gpt-4.1-2025-04-14", context: 1047576, output: 32768, created: 1744316542},
	{id: "gpt-4.1-mini", snapshot: "gpt-4.1-mini-2025-04-14", context: 1047576, output: 32768, created: 1744318173},
	{id: "gpt-4.1-nano", snapshot: "gpt-4.1-nano-2025-04-14", context: 1047576, output: 32768, created: 1744321707},
	{id: "gpt-5", snapshot: "gpt-5-2025-08-07", context: 400000, output: 128000, reasons: true, created: 1754425777},
	{id: "gpt-5-mini", snapshot: "gpt-5-mini-2025-08-07", context: 400000, output: 128000, reasons: true, created: 1754425928},
	{id: "gpt-5-nano", snapshot: "gpt-5-nano-2025-08-07", context: 400000, output: 128000, reasons: true, created: 1754426384},
	{id: "gpt-5.1", snapshot: "gpt-5.1-2025-11-13", context: 400000, output: 128000, reasons: true, created: 1762800673},
	{id: "o1", snapshot: "o1-2024-12-17", context: 200000, output: 100000, reasons: true, created: 1734375816},
	{id: "o3", snapshot: "o3-2025-04-16", context: 200000, output: 100000, reasons: true, created: 1744225308},
	{id: "o3-mini", snapshot: "o3-mini-2025-01-31", context: 200000, output: 100000, reasons: true, created: 1737146383},
	{id: "o4-mini", snapshot: "o4-mini-2025-04-16", context: 200000, output: 100000, reasons: true, created: 1744225351},
	{id: "gpt-3.5-turbo-instruct", use: completionUse, context: 4096, output: 4096, created: 1692901427},
	{id: "text-embedding-3-small", use: embeddingUse, context: 8192, output: 1536, created: 1705948997},
	{id: "text-embedding-3-large", use: embeddingUse, context: 8192, output: 3072, created: 1705953180},
	{id: "text-embedding-ada-002", use: embeddingUse, context: 8192, output: 1536, created: 1671217299},
	{id: "omni-moderation-latest", use: moderationUse, context: 32768, created: 1731689265},
	{id: "dall-e-3", use: imageUse, context: 4000, created: 1698785189},
	{id: "gpt-image-1", use: imageUse, context: 32000, created: 1745517030},
	{id: "tts-1", use: audioUse, context: 4096, created: 1681940951},
	{id: "whisper-1", use: audioUse, context: 448, created: 1677532384},
}

var dated = regexp.MustCompile(`-\d{4}-\d{2}-\d{2}$`)

// find looks a model up by its id, its snapshot or any other dated form of its id, and returns it with the name that
// replies give it.
func find(id string) (m model, replyName string, ok bool) {
	base := dated.ReplaceAllString(id, "")
	for _, m := range models {
		switch id {
		case m.id:
			if m.snapshot != "" {
				return m, m.snapshot, true
			}
			return m, m.id, true
		case m.snapshot:
			return m, m.snapshot, true
		}
		if base == m.id {
			return m, id, true
		}
	}
	return model{}, "", false
}

// findOwn looks up one of OpenAI's own models.
func findOwn(id string) (model, string, *failure) {
	m, name, ok := find(id)
	if !ok {
		return m, "", noSuchModel(id)
	}
	return m, name, nil
}

// modelObject is a model as the models endpoints list it.
type modelObject struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

func (m model) object() modelObject {
	owner := "system"
	if strings.HasPrefix(m.id, "gpt-3.5") || m.id == "gpt-4" {
		owner = "openai"
	}
	return modelObject{ID: m.id, Object: "model", Created: m.created, OwnedBy: owner}
}

type modelList struct {
	Object string        `json:"object"`
	Data   []modelObject `json:"data"`
}

func listModels() modelList {
	l := modelList{Object: "list", Data: make([]modelObject, 0, len(models))}
	for _, m := range models {
		l.Data = append(l.Data, m.object())
	}
	return l
}
