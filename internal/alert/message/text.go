package message

import (
	"regexp"
	"strings"

	"bluetrail/internal/diag"
)

// Escape writes a text from the trail for a place where people read it, so that nothing
// of it is markup, a link, a mention or a control character there.
type Escape func(string) string

// maxValue bounds one text of a message that people read, in bytes.
const maxValue = 1 << 10

// Plain is for places that show text as it is. Control and formatting characters, line
// breaks and invalid UTF-8 become visible.
func Plain(s string) string { return diag.Printable(Clip(s, maxValue)) }

var web = regexp.MustCompile(`(?i)\b(www)\.`)

// defang breaks what clients turn into links by themselves, as analysts write it.
func defang(s string) string {
	s = strings.ReplaceAll(s, "://", "[:]//")
	return web.ReplaceAllString(s, "$1[.]")
}

// Text is for plain text in clients that make links of addresses, such as mail.
func Text(s string) string { return defang(Plain(s)) }

var slack = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "'")

// Slack is for Slack's mrkdwn, whose links and mentions need angle brackets.
func Slack(s string) string { return slack.Replace(Text(s)) }

var markdown = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "~", `\~`, "|", `\|`, ">", `\>`, "<", `\<`, "#", `\#`, "[", `\[`, "]", `\]`, "(", `\(`, ")", `\)`, "@", "@\u200b")

// Markdown is for the markdown of Discord and Teams. A character without width after @
// ends what could be a mention.
func Markdown(s string) string { return markdown.Replace(Text(s)) }

var chat = strings.NewReplacer("@", "@\u200b", "<", "‹", ">", "›", "`", "'", "](", "] (", "*", "∗", "#", "＃", "|", "¦", "[", "［", "]", "］")

// Chat is for services whose markup is not known: it replaces the characters that markup
// begins with.
func Chat(s string) string { return chat.Replace(Text(s)) }
