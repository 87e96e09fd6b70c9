package cmd

import (
	"slices"
	"strings"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/pcre"
)

// pattern is a regular expression as an argument of a command. Splunk undoes
// the escapes of the text before the expression is read, so that \\\\ is one
// backslash of a value; many write \\ for it all the same. Where the two
// readings differ both count, Splunk's first.
type pattern struct {
	text     string
	readings []*pcre.Regexp // one or two, with the same groups
}

// compilePattern fails when neither reading is an expression, with the fault of
// the text as it stands.
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

// readings returns what an argument in quotes may stand for, the text as it is
// last.
func readings(text string) []string {
	if !strings.Contains(text, `\\`) {
		return []string{text}
	}
	return []string{strings.ReplaceAll(text, `\\`, `\`), text}
}

// polling returns the pattern with its work ended as env.Poll says.
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

// Names returns the names of the groups as pcre.Regexp does.
func (p *pattern) Names() []string { return p.readings[0].Names() }

// Match reports whether s fits a reading.
func (p *pattern) Match(s string) (fits bool, err error) {
	for _, re := range p.readings {
		if fits, err = re.Match(s); fits || err != nil {
			break
		}
	}
	return fits, err
}

// FindAll returns the places of the first reading that fits s.
func (p *pattern) FindAll(s string, most int) (places [][]int, err error) {
	for _, re := range p.readings {
		if places, err = re.FindAll(s, most); len(places) > 0 || err != nil {
			break
		}
	}
	return places, err
}
