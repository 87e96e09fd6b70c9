// Package splrule reads detections written in SPL, in the YAML shape of
// Splunk's published content, and checks that their searches would run.
package splrule

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
)

// maxFile bounds a file of rules, in bytes.
const maxFile = 4 << 20

// Kind is the language that a rule is written in.
type Kind string

// The kinds of rules.
const (
	SPL   Kind = "spl"
	Sigma Kind = "sigma"
)

// Rule is one detection as its file has it.
type Rule struct {
	File string // where it was read
	ID   string
	Name string
	Kind Kind // "" = neither SPL nor Sigma
	// Type is TTP, Anomaly, Hunting, Correlation or Baseline in the published
	// content; others may stand there.
	Type        string
	Version     string
	Description string
	Search      string // SPL as written, macros and all
}

// document is what is read of a rule's YAML; the rest is for other readers.
type document struct {
	Name        any            `yaml:"name"`
	Title       any            `yaml:"title"`
	ID          any            `yaml:"id"`
	Version     any            `yaml:"version"`
	Type        any            `yaml:"type"`
	Description any            `yaml:"description"`
	Search      any            `yaml:"search"`
	LogSource   map[string]any `yaml:"logsource"`
	Detection   map[string]any `yaml:"detection"`
	Correlation map[string]any `yaml:"correlation"`
}

// Load reads the rules of a file, one for each YAML document that is not
// empty. It returns those before a fault together with the error.
func Load(file string) ([]Rule, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("the file is larger than %d MiB", maxFile>>20)
	}
	return parse(file, data)
}

// parse reads rules; a parser that panics on hostile text fails the file only.
func parse(file string, data []byte) (rules []Rule, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cannot read YAML: %v", r)
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc document
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			if len(rules) == 0 {
				return nil, errors.New("the file holds no rule")
			}
			return rules, nil
		}
		if err != nil {
			return rules, fmt.Errorf("cannot read YAML: %s", firstLine(yaml.FormatError(err, false, false)))
		}
		if r := doc.rule(file); r != (Rule{File: file}) {
			rules = append(rules, r)
		}
	}
}

func (d *document) rule(file string) Rule {
	r := Rule{
		File: file, ID: text(d.ID), Name: text(d.Name), Type: text(d.Type), Version: text(d.Version),
		Description: text(d.Description), Search: text(d.Search),
	}
	switch {
	case r.Search != "":
		r.Kind = SPL
	case d.Detection != nil || d.LogSource != nil || d.Correlation != nil:
		r.Kind = Sigma
	}
	if r.Name == "" {
		r.Name = text(d.Title)
	}
	return r
}

// text is a scalar as text, "" for everything else.
func text(v any) string {
	switch v := v.(type) {
	case nil, []any, map[string]any:
		return ""
	default:
		return strings.TrimSpace(fmt.Sprint(v))
	}
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return s
}
