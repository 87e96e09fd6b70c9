package send

import "bluetrail/internal/alert/message"

// newDiscord returns a sender for Discord's webhooks. Nothing in a message mentions
// anybody, whatever it says.
// https://discord.com/developers/docs/resources/message#allowed-mentions-object
func newDiscord(o *Output) (Sender, error) {
	return newChat(o, func(o *Output, b *message.Batch) (any, error) {
		title, text, err := o.both(b, message.Markdown, message.Markdown)
		if err != nil {
			return nil, err
		}
		return object{
			"allowed_mentions": object{"parse": []string{}},
			"embeds":           []object{{"title": runes(title, 256), "description": runes(text, 4096), "color": colours[message.Severity(b.Messages)]}},
		}, nil
	})
}
