package send

import (
	"context"
	"encoding/json"

	"bluetrail/internal/alert/message"
	"bluetrail/internal/detect/rule"
)

// chat posts what a service reads to its webhook.
type chat struct {
	o       *Output
	c       *client
	payload func(o *Output, b *message.Batch) (any, error)
}

func newChat(o *Output, payload func(o *Output, b *message.Batch) (any, error)) (Sender, error) {
	c, err := newClient(o)
	return &chat{o, c, payload}, err
}

// Send implements Sender.
func (s *chat) Send(ctx context.Context, b *message.Batch) (string, error) {
	to, err := place(s.o.URL)
	if err != nil {
		return "", err
	}
	p, err := s.payload(s.o, b)
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	return s.c.post(ctx, s.o, to, body, nil)
}

// colours of severities, as RGB.
var colours = map[rule.Severity]int{rule.Informational: 0x6b7280, rule.Low: 0x2563eb, rule.Medium: 0xd97706, rule.High: 0xdc2626, rule.Critical: 0x7f1d1d}

// both writes the title and the text of a batch.
func (o *Output) both(b *message.Batch, title, text message.Escape) (string, string, error) {
	head, err := b.Title(o.texts, title)
	if err != nil {
		return "", "", err
	}
	body, err := b.Text(o.texts, text)
	return head, body, err
}

// runes keeps the first runes of a text, which services count.
func runes(s string, most int) string {
	n := 0
	for i := range s {
		if n++; n == most {
			rest := []rune(s[i:])
			if len(rest) == 1 {
				return s
			}
			return s[:i] + "…"
		}
	}
	return s
}
