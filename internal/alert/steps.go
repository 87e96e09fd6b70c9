package alert

import (
	"regexp"
	"strings"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/filter"
)

// placeholder is %field% in a next step, with the field that it is compared to, if any.
var placeholder = regexp.MustCompile(`(?:([\w.{}:-]+)=)?("?)%([\w.{}:-]+)%("?)`)

// maxInStep is how many values of a field a next step asks for.
const maxInStep = 10

// steps fills the next steps of a rule with the values of a finding. A value is always
// one quoted text of the search language: what an attacker wrote cannot become a
// command. A field without a value stays as it is.
func steps(list []string, f *finding.Finding) []string {
	out := make([]string, len(list))
	for i, text := range list {
		out[i] = placeholder.ReplaceAllStringFunc(text, func(m string) string {
			p := placeholder.FindStringSubmatch(m)
			field, open, name, end := p[1], p[2], p[3], p[4]
			values := f.Get(name)
			if name == "entity" {
				values = []string{f.Entity}
			}
			if len(values) == 0 || open != end {
				return m
			}
			quoted := func(s string) string { return filter.Quote(strings.ReplaceAll(s, "*", `\*`)) }
			if field == "" {
				return quoted(values[0])
			}
			if len(values) == 1 {
				return field + "=" + quoted(values[0])
			}
			var parts []string
			for i, v := range values {
				if i < maxInStep {
					parts = append(parts, quoted(v))
				}
			}
			return field + " IN (" + strings.Join(parts, ", ") + ")"
		})
	}
	return out
}
