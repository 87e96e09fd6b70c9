package cmd

import (
	"slices"
	"strings"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/pcre"
)

// pattern is a regular expression argument of a command. Splunk unescapes the
// text before it parses the expression, so \\\\ is one backslash in a value.
// Many searches still write \\ for it. Where the two readings differ, both are
// tried, Splunk's first.
type pattern struct {
	text     string
	readings []*pcre.Regexp // one or two, with the same groups
}

// compilePattern fails if neither reading is a valid expression. The error is
// that of the text as written.
func compilePattern(text string) (*pattern, error) {
	p := &pattern{text: text}
	for _, t := range readings(text) {
		re, err := pcre.Compile(t)
		switch {
		case err == nil && (len(p.readings) == 0 || slices.Equal(p.readings[0].Names(), re.Names())):
			p.readings = append(p.readings, re)
		case t == text && len(p.readings) == 0:
			return nil, err
		}
	}
	return p, nil
}

// readings returns the possible meanings of a quoted argument. The text as
// written comes last.
func readings(text string) []string {
	if !strings.Contains(text, `\\`) {
		return []string{text}
	}
	return []string{strings.ReplaceAll(text, `\\`, `\`), text}
}

// polling returns the pattern with env.Poll called during matching, so that it
// can be canceled.
func (p *pattern) polling(env *exec.Env) *pattern {
	if p == nil {
		return nil
	}
	with := &pattern{text: p.text}
	for _, re := range p.readings {
		with.readings = append(with.readings, re.Polling(env.Poll))
	}
	return with
}

// String returns the text as it was written.
func (p *pattern) String() string { return p.text }

// Names returns the names of the groups, like pcre.Regexp.
func (p *pattern) Names() []string { return p.readings[0].Names() }

// Match reports whether s matches a reading.
func (p *pattern) Match(s string) (fits bool, err error) {
	for _, re := range p.readings {
		if fits, err = re.Match(s); fits || err != nil {
			break
		}
	}
	return fits, err
}

// FindAll returns the matches of the first reading that matches s.
func (p *pattern) FindAll(s string, most int) (places [][]int, err error) {
	for _, re := range p.readings {
		if places, err = re.FindAll(s, most); len(places) > 0 || err != nil {
			break
		}
	}
	return places, err
}
