package message

import (
	"fmt"
	"strings"

	"bluetrail/internal/detect/rule"
)

// Batch is what is sent at once: a message, or several as a digest.
type Batch struct {
	Key      string
	Messages []Message
}

// maxLines bounds the alerts that a digest names.
const maxLines = 50

// Title returns the title of a batch.
func (b *Batch) Title(t *Template, esc Escape) (string, error) {
	if len(b.Messages) == 1 {
		return t.Title(&b.Messages[0], esc)
	}
	counts := map[rule.Severity]int{}
	for _, m := range b.Messages {
		if m.Alert != nil {
			counts[m.Alert.Severity]++
		}
	}
	var parts []string
	for i := len(rule.Severities) - 1; i >= 0; i-- {
		if n := counts[rule.Severities[i]]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, rule.Severities[i]))
		}
	}
	return esc(fmt.Sprintf("%d alerts: %s", len(b.Messages), strings.Join(parts, ", "))), nil
}

// Text returns the text of a batch, at most MaxBody bytes.
func (b *Batch) Text(t *Template, esc Escape) (string, error) {
	if len(b.Messages) == 1 {
		return t.Text(&b.Messages[0], esc)
	}
	var out strings.Builder
	for i := range b.Messages {
		m := &b.Messages[i]
		if i == maxLines || out.Len() > MaxBody-2*maxValue {
			fmt.Fprintf(&out, "and %d more\n", len(b.Messages)-i)
			break
		}
		title, err := t.Title(m, esc)
		if err != nil {
			return "", err
		}
		if m.Alert != nil {
			title = fmt.Sprintf("%s %d: %s", esc("#"), m.Alert.Number, title)
		}
		out.WriteString(title + "\n")
	}
	return out.String(), nil
}
