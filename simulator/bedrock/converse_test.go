package bedrock

import (
	"bytes"
	"context"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	runtimeapi "github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
)

func TestConverseEchoes(t *testing.T) {
	b := newBench(t)
	out, text, err := b.converse(&runtimeapi.ConverseInput{
		ModelId: aws.String(haiku3), Messages: []types.Message{user(textBlock("hello there"))},
	})
	if err != nil {
		t.Fatal(err)
	}
	if text != "You said: hello there" || out.StopReason != types.StopReasonEndTurn {
		t.Errorf("text %q, stop %s", text, out.StopReason)
	}
	if u := out.Usage; *u.InputTokens != 5 || *u.OutputTokens != 4 || *u.TotalTokens != 9 {
		t.Errorf("usage %d %d %d", *u.InputTokens, *u.OutputTokens, *u.TotalTokens)
	}
	s := b.seen()
	if len(s) != 1 || s[0].Path != "/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse" || s[0].Model != haiku3 || s[0].Region != "us-east-1" {
		t.Errorf("seen %+v", s)
	}
}

func TestConverseStreamEchoes(t *testing.T) {
	b := newBench(t)
	out, err := b.client().ConverseStream(context.Background(), &runtimeapi.ConverseStreamInput{
		ModelId: aws.String(sonnet45), Messages: []types.Message{user(textBlock("hello there"))},
	})
	if err != nil {
		t.Fatal(err)
	}
	stream := out.GetStream()
	defer stream.Close()
	var text string
	var kinds []string
	for e := range stream.Events() {
		switch e := e.(type) {
		case *types.ConverseStreamOutputMemberMessageStart:
			kinds = append(kinds, "start")
		case *types.ConverseStreamOutputMemberContentBlockDelta:
			text += e.Value.Delta.(*types.ContentBlockDeltaMemberText).Value
			kinds = append(kinds, "delta")
		case *types.ConverseStreamOutputMemberMessageStop:
			kinds = append(kinds, string(e.Value.StopReason))
		case *types.ConverseStreamOutputMemberMetadata:
			kinds = append(kinds, "metadata")
			if *e.Value.Usage.OutputTokens != 4 {
				t.Errorf("output tokens %d", *e.Value.Usage.OutputTokens)
			}
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	if text != "You said: hello there" || len(kinds) != 7 || kinds[5] != "end_turn" || kinds[6] != "metadata" {
		t.Errorf("text %q, events %v", text, kinds)
	}
}

func TestResponseFieldsAreThoseOfClaudesReply(t *testing.T) {
	b := newBench(t)
	body := say(`{"text":"a END b"}`, `,"inferenceConfig":{"stopSequences":["END"]},"additionalModelResponseFieldPaths":["/stop_sequence","/nothing"]`)
	for _, op := range []string{"converse", "converse-stream"} {
		got := b.send(http.MethodPost, "/model/"+haiku3+"/"+op, body, bearer)
		if !bytes.Contains(got.body, []byte(`"additionalModelResponseFields":{"stop_sequence":"END"}`)) {
			t.Errorf("%s: %s", op, got.body)
		}
	}
}
