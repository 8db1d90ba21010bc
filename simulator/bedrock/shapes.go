package bedrock

import (
	"maps"
	"regexp"
)

// The shapes of a Converse request. Members and required members are those of the bedrockruntime model (a test holds
// them against the SDK's schemas); patterns and bounds are those of the API reference,
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html.

type members = map[string]*shape

func object(m members, required ...string) *shape {
	return &shape{kind: structure, members: m, required: required}
}

func oneOf(m members) *shape { return &shape{kind: union, members: m} }

func listOf(item *shape) *shape { return &shape{kind: list, item: item} }

func (s *shape) between(low, high float64) *shape {
	c := *s
	c.low, c.high = low, high
	return &c
}

func matching(pattern string) *shape {
	return &shape{kind: text, pattern: regexp.MustCompile("^" + pattern + "$")}
}

func enum(values ...string) *shape { return &shape{kind: text, enum: values} }

var (
	anyText  = &shape{kind: text}
	someText = anyText.between(1, 25_000_000)
	base64ed = &shape{kind: blob}
	flag     = &shape{kind: boolean}
	whole    = &shape{kind: integer}
	document = &shape{kind: anything}

	toolName  = matching("[a-zA-Z0-9_-]+").between(1, 64)
	toolUseID = matching("[a-zA-Z0-9_.:-]+").between(1, 64)

	imageFormats = []string{"png", "jpeg", "gif", "webp"}

	s3Location = object(members{
		"uri":         matching("s3://[a-z0-9][.\\-a-z0-9]{1,61}[a-z0-9](/.*)?").between(1, 1024),
		"bucketOwner": matching("[0-9]{12}"),
	}, "uri")
	bytesOrS3   = oneOf(members{"bytes": base64ed, "s3Location": s3Location})
	mediaError  = object(members{"message": anyText})
	imageBlock  = object(members{"format": enum(imageFormats...), "source": bytesOrS3, "error": mediaError}, "format", "source")
	videoFormat = enum("mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv", "three_gp")
	videoBlock  = object(members{"format": videoFormat, "source": bytesOrS3}, "format", "source")
	audioFormat = enum("mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg", "mpga", "pcm", "webm")
	audioBlock  = object(members{"format": audioFormat, "source": bytesOrS3, "error": mediaError}, "format", "source")

	citationsConfig = object(members{"enabled": flag}, "enabled")
	documentBlock   = object(members{
		"format": enum("pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"),
		"name":   anyText.between(1, 200),
		"source": oneOf(members{
			"bytes": base64ed, "s3Location": s3Location, "text": anyText,
			"content": listOf(oneOf(members{"text": anyText})),
		}),
		"context": anyText, "citations": citationsConfig,
	}, "name", "source")
	searchResult = object(members{
		"source": anyText, "title": anyText, "citations": citationsConfig,
		"content": listOf(object(members{"text": anyText}, "text")),
	}, "source", "title", "content")

	cachePoint   = object(members{"type": enum("default"), "ttl": enum("5m", "1h")}, "type")
	guardContent = oneOf(members{
		"text": object(members{
			"text":       anyText,
			"qualifiers": listOf(enum("grounding_source", "query", "guard_content")),
		}, "text"),
		"image": object(members{
			"format": enum("png", "jpeg"),
			"source": oneOf(members{"bytes": base64ed}),
		}, "format", "source"),
	})
	reasoningContent = oneOf(members{
		"reasoningText":   object(members{"text": anyText, "signature": anyText}, "text"),
		"redactedContent": base64ed,
	})
	span             = members{"documentIndex": whole, "start": whole, "end": whole}
	citationsContent = object(members{
		"content": listOf(oneOf(members{"text": anyText})),
		"citations": listOf(object(members{
			"title": anyText, "source": anyText,
			"sourceContent": listOf(oneOf(members{"text": anyText})),
			"location": oneOf(members{
				"web":                  object(members{"url": anyText, "domain": anyText}),
				"documentChar":         object(span),
				"documentPage":         object(span),
				"documentChunk":        object(span),
				"searchResultLocation": object(members{"searchResultIndex": whole, "start": whole, "end": whole}),
			}),
		})),
	})
	toolReference = object(members{
		"tool": object(members{"type": anyText, "name": anyText, "serverName": anyText}),
	}, "tool")

	contentBlock = oneOf(members{
		"text": anyText, "image": imageBlock, "document": documentBlock, "video": videoBlock, "audio": audioBlock,
		"toolUse": object(members{
			"toolUseId": toolUseID, "name": toolName, "input": document, "type": enum("server_tool_use"),
		}, "toolUseId", "name", "input"),
		"toolResult": object(members{
			"toolUseId": toolUseID, "status": enum("success", "error"), "type": anyText,
			"content": listOf(oneOf(members{
				"json": document, "text": anyText, "image": imageBlock, "document": documentBlock,
				"video": videoBlock, "searchResult": searchResult,
			})),
		}, "toolUseId", "content"),
		"guardContent": guardContent, "cachePoint": cachePoint, "reasoningContent": reasoningContent,
		"citationsContent": citationsContent, "searchResult": searchResult,
		"toolAddition": toolReference, "toolRemoval": toolReference,
	})
	messagesShape = listOf(object(members{
		"role": enum("user", "assistant", "system"), "content": listOf(contentBlock),
	}, "role", "content"))
	systemShape = listOf(oneOf(members{"text": someText, "guardContent": guardContent, "cachePoint": cachePoint}))

	toolConfigShape = object(members{
		"tools": listOf(oneOf(members{
			"toolSpec": object(members{
				"name": toolName, "description": someText, "strict": flag,
				"inputSchema": oneOf(members{"json": document}),
			}, "name", "inputSchema"),
			"systemTool": object(members{"name": toolName}, "name"),
			"cachePoint": cachePoint,
		})).between(1, 1_000_000),
		"toolChoice": oneOf(members{
			"auto": object(nil), "any": object(nil),
			"tool": object(members{"name": toolName}, "name"),
		}),
	}, "tools")

	// An identifier and a version go together; a rule of its own says so.
	guardrail = members{
		"guardrailIdentifier": matching("(([a-z0-9]+)|(arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]+))").between(1, 2048),
		"guardrailVersion":    matching("(([1-9][0-9]{0,7})|(DRAFT))"),
		"trace":               enum("enabled", "disabled", "enabled_full"),
	}
	metadataText = "[a-zA-Z0-9\\s:_@$#=/+,\\-.]"

	converseMembers = members{
		"messages": messagesShape,
		"system":   systemShape,
		"inferenceConfig": object(members{
			"maxTokens":     whole.between(1, 1<<31-1),
			"temperature":   (&shape{kind: number}).between(0, 1),
			"topP":          (&shape{kind: number}).between(0, 1),
			"stopSequences": listOf(someText).between(0, 2500),
		}),
		"toolConfig":                   toolConfigShape,
		"guardrailConfig":              object(guardrail, "guardrailIdentifier", "guardrailVersion"),
		"additionalModelRequestFields": document,
		"promptVariables":              {kind: dictionary, item: oneOf(members{"text": anyText})},
		"additionalModelResponseFieldPaths": listOf(anyText.between(1, 256)).
			between(0, 10),
		"projectIdentifier": matching("([a-zA-Z0-9_-]+|arn:aws[a-z-]*:bedrock:[0-9a-z-]{1,20}:[0-9]{12}:project/[a-zA-Z0-9_-]+)").between(1, 2048),
		"requestMetadata": {
			kind: dictionary, low: 1, high: 16,
			key:  matching(metadataText + "{1,256}"),
			item: matching(metadataText + "{0,256}"),
		},
		"performanceConfig": object(members{"latency": enum("standard", "optimized")}),
		"serviceTier":       object(members{"type": enum("priority", "default", "flex", "reserved")}, "type"),
		"outputConfig": object(members{
			"effort": anyText,
			"textFormat": object(members{
				"type": enum("json_schema"),
				"structure": oneOf(members{"jsonSchema": object(members{
					"schema": someText, "name": anyText, "description": anyText,
				}, "schema")}),
			}, "type", "structure"),
		}),
	}
	converseShape       = object(converseMembers)
	converseStreamShape = object(func() members {
		m := maps.Clone(converseMembers)
		withMode := maps.Clone(guardrail)
		withMode["streamProcessingMode"] = enum("sync", "async")
		m["guardrailConfig"] = object(withMode, "guardrailIdentifier", "guardrailVersion")
		return m
	}())

	countTokensShape = object(members{
		"input": oneOf(members{
			"invokeModel": object(members{"body": base64ed}, "body"),
			"converse": object(members{
				"messages": messagesShape, "system": systemShape, "toolConfig": toolConfigShape,
				"additionalModelRequestFields": document,
			}),
		}),
	}, "input")
)
