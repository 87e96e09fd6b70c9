package send

import (
	"strings"

	"bluetrail/internal/alert/message"
	"bluetrail/internal/detect/rule"
)

var cardColours = map[rule.Severity]string{rule.Informational: "default", rule.Low: "accent", rule.Medium: "warning", rule.High: "attention", rule.Critical: "attention"}

// maxCard bounds the text of a card. Teams takes messages of up to 28 KB.
const maxCard = 16 << 10

// newTeams returns a sender for workflows that post adaptive cards, "Send webhook alerts
// to a channel". Text runs are no markdown; a template's text is.
// https://learn.microsoft.com/en-us/adaptive-cards/schema-explorer/rich-text-block
func newTeams(o *Output) (Sender, error) {
	return newChat(o, func(o *Output, b *message.Batch) (any, error) {
		esc := message.Text
		if o.texts.OwnText() {
			esc = message.Markdown
		}
		title, text, err := o.both(b, message.Text, esc)
		if err != nil {
			return nil, err
		}
		run := func(text string, more object) object {
			r := object{"type": "TextRun", "text": text}
			for k, v := range more {
				r[k] = v
			}
			return object{"type": "RichTextBlock", "inlines": []object{r}}
		}
		body := []object{run(title, object{"weight": "bolder", "size": "medium", "color": cardColours[message.Severity(b.Messages)]})}
		text = message.Clip(text, maxCard)
		if o.texts.OwnText() {
			body = append(body, object{"type": "TextBlock", "text": text, "wrap": true})
		} else {
			for line := range strings.Lines(text) {
				body = append(body, run(strings.TrimSuffix(line, "\n"), nil))
			}
		}
		return object{"type": "message", "attachments": []object{{
			"contentType": "application/vnd.microsoft.card.adaptive",
			"contentUrl":  nil,
			"content":     object{"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4", "body": body, "msteams": object{"width": "Full"}},
		}}}, nil
	})
}
