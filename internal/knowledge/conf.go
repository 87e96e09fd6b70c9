package knowledge

import (
	"strings"

	"bluetrail/internal/diag"
)

// stanza is a [name] section of a .conf file with its settings.
type stanza struct {
	name     string
	settings map[string]string
	span     diag.Span // of the line that opens it
}

// parseConf parses a file in Splunk's .conf format: [stanza] lines and key =
// value lines, # comments, and values continued after a backslash at the end of
// a line. Settings under [default] or before the first stanza are defaults for
// all others. Other lines are reported, and the rest is kept.
func parseConf(file, text string) (list []*stanza, problems []error) {
	general := &stanza{name: "default", settings: map[string]string{}}
	byName := map[string]*stanza{"default": general}
	cur := general
	for pos := 0; pos < len(text); {
		start := pos
		line := text[pos:]
		if i := strings.IndexByte(line, '\n'); i >= 0 {
			line = line[:i]
		}
		pos += len(line) + 1
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || trimmed[0] == '#' {
			continue
		}
		bad := func(hint, format string, args ...any) {
			e := diag.At(diag.Span{Start: start, End: start + len(strings.TrimRight(line, "\r"))}, format, args...).WithHint("%s", hint)
			e.Src, e.Name = text, file
			problems = append(problems, e)
		}
		if trimmed[0] == '[' {
			name, ok := strings.CutSuffix(trimmed[1:], "]")
			if !ok {
				bad("write [name]", "the name of the stanza is not closed")
				cur = &stanza{settings: map[string]string{}} // its settings are discarded
				continue
			}
			if cur = byName[name]; cur == nil {
				cur = &stanza{name: name, settings: map[string]string{}, span: diag.Span{Start: start, End: start + len(trimmed)}}
				byName[name] = cur
				list = append(list, cur)
			}
			continue
		}
		key, value, ok := strings.Cut(strings.TrimRight(line, "\r"), "=")
		if key = strings.TrimSpace(key); !ok || key == "" {
			bad("write a setting as key = value and start a comment with #", "neither a stanza nor a setting")
			continue
		}
		for strings.HasSuffix(value, `\`) && pos < len(text) {
			next := text[pos:]
			if i := strings.IndexByte(next, '\n'); i >= 0 {
				next = next[:i]
			}
			pos += len(next) + 1
			value = strings.TrimSuffix(value, `\`) + "\n" + strings.TrimRight(next, "\r")
		}
		cur.settings[key] = strings.TrimSpace(value)
	}
	for _, s := range list {
		for k, v := range general.settings {
			if _, own := s.settings[k]; !own {
				s.settings[k] = v
			}
		}
	}
	return list, problems
}

// Truth parses a boolean setting; def if it is absent or invalid.
func Truth(s string, def bool) bool {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "1", "t", "true", "y", "yes":
		return true
	case "0", "f", "false", "n", "no":
		return false
	}
	return def
}
