package stored

import (
	"context"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// OpenAI also looks up items that do not say that they are references: reasoning without its encrypted content ("Item with id
// 'rs_…' not found" is what a client hears whose responses are not stored), a picture without its bytes
// (https://developers.openai.com/api/docs/guides/image-generation, multi-turn), and the request that an approval is for.

// Owns returns the error for the first item that OpenAI would look up and that is not known to be the caller's; nil if there is
// none. Items of the gateway's own are no names there. s may be nil: nothing is known.
func (s *Store) Owns(ctx context.Context, a Asker, b *chat.Body) (*chat.Error, error) {
	ids := implied(b)
	if len(ids) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	if len(ids) > maxReferences {
		return nil, chat.Invalid(paramInput, "the input names more than %d items that are kept elsewhere; send 'encrypted_content' with reasoning", maxReferences)
	}
	if err := s.learn(ctx, a.Owner, ids); err != nil {
		return nil, err
	}
	for _, r := range ids {
		k, err := s.keeper(ctx, a.Owner, r.id)
		if err != nil {
			return nil, err
		}
		if k == nil || !a.May(k.Model) {
			e := s.noItem(r.id)
			e.Message += " Reasoning goes along where 'include' has 'reasoning.encrypted_content'."
			return e, nil
		}
	}
	return nil, nil
}

// implied returns the items that OpenAI looks up.
func implied(b *chat.Body) (ids []reference) {
	m := b.Member(paramInput)
	if m == nil || b.Raw[m.ValueStart] != '[' {
		return nil
	}
	w := json.WalkAt(b.Raw[:m.ValueEnd], m.ValueStart)
	for w.Array(); w.Element(); {
		ahead := w
		w.Skip()
		if id := impliedAt(&ahead); id != nil {
			if name := id.Unquote(); !ours(name) {
				ids = append(ids, reference{id: name})
			}
		}
	}
	return ids
}

func ours(id string) bool {
	_, is := OfItem(id)
	return is
}

// impliedAt returns the id by which OpenAI looks up the item that w stands before; nil if it does not.
func impliedAt(w *json.Walker) json.String {
	var id, approved json.String
	looked, content, without := false, false, false
	for ok := w.Object(); ok && w.Member(); {
		switch key := w.Key(); {
		case w.Kind() != json.Text:
			without = without || string(key) == "encrypted_content" || string(key) == "result"
			w.Skip()
		case string(key) == "type":
			v := w.String()
			looked = looked || is(v, "reasoning") || is(v, "image_generation_call") || is(v, "mcp_approval_response")
		case string(key) == "id":
			id = w.String()
		case string(key) == "approval_request_id":
			v := w.String()
			if approved != nil {
				v = json.String(`""`) // of two names readers take one or the other
			}
			approved = v
		case string(key) == "encrypted_content", string(key) == "result":
			v := w.String()
			content, without = true, without || v.Empty()
		default:
			w.Skip()
		}
	}
	switch {
	case !looked:
		return nil
	case approved != nil:
		return approved
	case content && !without: // of two members the empty one may count
		return nil
	}
	return id
}
