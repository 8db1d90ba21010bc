package usage

import (
	"fmt"
	"regexp"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
)

// Accounting are the gateway's settings for what is logged of calls.
type Accounting struct {
	// Write prompts and replies to the logger
	// `http.handlers.bedrock_gateway.content`, which the configuration may send to
	// a file of its own. Default: they are written nowhere.
	LogContent *ContentSettings `json:"log_content,omitempty"`

	// Write a line for each call, made for billing, to the logger
	// `http.handlers.bedrock_gateway.usage`. Default: `false`.
	UsageLog bool `json:"usage_log,omitempty"`

	content *Content
}

// ContentSettings are those of the log of prompts and replies.
type ContentSettings struct {
	// How many bytes of a prompt, and how many of a reply, are written.
	// Default: `65536`.
	Max int64 `json:"max,omitempty"`

	// Regular expressions (RE2) whose matches in the JSON of prompts and replies
	// are replaced by `[redacted]`. Default: none.
	Redact []string `json:"redact,omitempty"`
}

const (
	defaultMaxContent = 64 << 10
	mostMaxContent    = 16 << 20
)

// Words returns the sub-directives of bedrock_gateway that a reads:
//
//	log_content {
//		max    <size>
//		redact <regexp>
//	}
//	usage_log
func (a *Accounting) Words() directive.Words {
	return directive.Words{
		"log_content": {Read: func(d *caddyfile.Dispenser) error {
			a.LogContent = new(ContentSettings)
			return a.LogContent.UnmarshalCaddyfile(d)
		}},
		"usage_log": directive.Flag(&a.UsageLog),
	}
}

// UnmarshalCaddyfile reads log_content { ... }, d standing on the word log_content.
func (c *ContentSettings) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	if err := directive.None(d); err != nil {
		return err
	}
	_, err := directive.Words{
		"max": directive.Bytes(&c.Max),
		"redact": {Repeats: true, Read: func(d *caddyfile.Dispenser) error {
			expr, err := directive.Arg(d)
			if err != nil {
				return err
			}
			if _, err := regexp.Compile(expr); err != nil {
				return d.Errf("redact: %v", err)
			}
			c.Redact = append(c.Redact, expr)
			return nil
		}},
	}.Block(d)
	return err
}

// Provision compiles what is redacted. log is the gateway's logger.
func (a *Accounting) Provision(log *zap.Logger) error {
	s := a.LogContent
	if s == nil {
		return nil
	}
	c := &Content{Log: log.Named("content"), Max: int(s.Max)}
	if s.Max == 0 {
		c.Max = defaultMaxContent
	}
	if s.Max < 0 || s.Max > mostMaxContent {
		return fmt.Errorf("log_content: max must be between 1 and %d bytes", mostMaxContent)
	}
	for _, expr := range s.Redact {
		r, err := regexp.Compile(expr)
		if err != nil {
			return fmt.Errorf("log_content: redact: %w", err)
		}
		c.Redact = append(c.Redact, r)
	}
	a.content = c
	return nil
}

// Content returns where prompts and replies are written; nil: nowhere.
func (a *Accounting) Content() *Content { return a.content }
