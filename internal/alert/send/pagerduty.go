package send

import (
	"cmp"
	"context"
	"encoding/json"

	"bluetrail/internal/alert"
	"bluetrail/internal/alert/message"
	"bluetrail/internal/config"
	"bluetrail/internal/detect/rule"
)

const pagerDutyURL = "https://events.pagerduty.com/v2/enqueue"

var pagerDutySeverities = map[rule.Severity]string{rule.Informational: "info", rule.Low: "info", rule.Medium: "warning", rule.High: "error", rule.Critical: "critical"}

type pagerDuty struct {
	o *Output
	c *client
}

// newPagerDuty returns a sender for PagerDuty's Events API v2. Each alert is an incident
// that is resolved when the alert is closed; repeats change nothing there.
// https://developer.pagerduty.com/docs/send-alert-event
func newPagerDuty(o *Output) (Sender, error) {
	c, err := newClient(o)
	return &pagerDuty{o, c}, err
}

// Send implements Sender.
func (p *pagerDuty) Send(ctx context.Context, b *message.Batch) (reply string, err error) {
	to, err := place(config.Secret(cmp.Or(string(p.o.URL), pagerDutyURL)))
	if err != nil {
		return "", err
	}
	key, err := p.o.Token.Read()
	if err != nil {
		return "", err
	}
	for i := range b.Messages {
		m := &b.Messages[i]
		title, err := p.o.texts.Title(m, message.Plain)
		if err != nil {
			return "", err
		}
		event := object{"routing_key": key, "event_action": "trigger", "dedup_key": incident(m)}
		if m.Change == alert.Ended {
			event["event_action"] = "resolve"
		}
		payload := object{"summary": runes(title, 1024), "source": "bluetrail", "severity": pagerDutySeverities[message.Severity(b.Messages[i:i+1])], "timestamp": m.Time}
		if a := m.Alert; a != nil {
			payload["component"], payload["class"], payload["custom_details"] = a.Entity, a.Rule, a
		} else {
			payload["custom_details"] = m.Result
		}
		event["payload"] = payload
		body, err := json.Marshal(event)
		if err != nil {
			return "", err
		}
		if reply, err = p.c.post(ctx, p.o, to, body, nil); err != nil {
			return "", err
		}
	}
	return reply, nil
}

// incident is the key by which on-call services join what is said of one alert.
func incident(m *message.Message) string {
	if m.Alert != nil {
		return m.Alert.ID
	}
	return m.Key
}
