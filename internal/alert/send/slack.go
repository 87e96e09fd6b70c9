package send

import (
	"fmt"

	"bluetrail/internal/alert/message"
)

type object = map[string]any

// newSlack returns a sender for Slack's incoming webhooks. Their texts are plain_text
// objects, in which nothing is markup, unless there is a template.
// https://docs.slack.dev/reference/block-kit/composition-objects/text-object
func newSlack(o *Output) (Sender, error) {
	return newChat(o, func(o *Output, b *message.Batch) (any, error) {
		title, text, err := o.both(b, message.Text, slackText(o))
		if err != nil {
			return nil, err
		}
		block := object{"type": "plain_text", "text": runes(text, 3000), "emoji": false}
		if o.texts.OwnText() {
			block = object{"type": "mrkdwn", "text": runes(text, 3000), "verbatim": true}
		}
		return object{
			"text":   message.Slack(title), // in notifications
			"parse":  "none",
			"mrkdwn": false, "link_names": false, "unfurl_links": false, "unfurl_media": false,
			"blocks":      []object{{"type": "header", "text": object{"type": "plain_text", "text": runes(title, 150), "emoji": false}}},
			"attachments": []object{{"color": fmt.Sprintf("#%06x", colours[message.Severity(b.Messages)]), "fallback": message.Slack(title), "blocks": []object{{"type": "section", "text": block}}}},
		}, nil
	})
}

func slackText(o *Output) message.Escape {
	if o.texts.OwnText() {
		return message.Slack
	}
	return message.Text
}
