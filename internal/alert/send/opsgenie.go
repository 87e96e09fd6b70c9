package send

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"

	"bluetrail/internal/alert"
	"bluetrail/internal/alert/message"
	"bluetrail/internal/config"
	"bluetrail/internal/detect/rule"
)

const opsgenieURL = "https://api.opsgenie.com"

var opsgeniePriorities = map[rule.Severity]string{rule.Informational: "P5", rule.Low: "P4", rule.Medium: "P3", rule.High: "P2", rule.Critical: "P1"}

type opsgenie struct {
	o *Output
	c *client
}

// newOpsgenie returns a sender for Opsgenie's alert API, which Jira Service Management
// has, too. An alert is closed there when it is closed here.
// https://docs.opsgenie.com/docs/alert-api
func newOpsgenie(o *Output) (Sender, error) {
	c, err := newClient(o)
	return &opsgenie{o, c}, err
}

// Send implements Sender.
func (s *opsgenie) Send(ctx context.Context, b *message.Batch) (reply string, err error) {
	base, err := place(config.Secret(cmp.Or(string(s.o.URL), opsgenieURL)))
	if err != nil {
		return "", err
	}
	key, err := s.o.Token.Read()
	if err != nil {
		return "", err
	}
	header := http.Header{"Authorization": {"GenieKey " + key}}
	for i := range b.Messages {
		m := &b.Messages[i]
		one := message.Batch{Messages: b.Messages[i : i+1]}
		title, text, err := s.o.both(&one, message.Plain, message.Plain)
		if err != nil {
			return "", err
		}
		to := base.JoinPath("v2", "alerts")
		var p any = object{
			"message": runes(title, 130), "alias": incident(m), "description": runes(text, 15000), "source": "bluetrail",
			"priority": opsgeniePriorities[message.Severity(one.Messages)], "entity": entity(m), "tags": []string{"bluetrail"},
		}
		if m.Change == alert.Ended {
			to = to.JoinPath(incident(m), "close")
			to.RawQuery = "identifierType=alias"
			p = object{"source": "bluetrail", "note": "closed in bluetrail"}
		}
		body, err := json.Marshal(p)
		if err != nil {
			return "", err
		}
		if reply, err = s.c.post(ctx, s.o, to, body, header); err != nil {
			return "", err
		}
	}
	return reply, nil
}

func entity(m *message.Message) string {
	if m.Alert == nil {
		return ""
	}
	return runes(message.Plain(m.Alert.Entity), 512)
}
