// Package splrule reads detections written in SPL, in the YAML shape of
// Splunk's published content or as saved searches of an app, and checks that
// their searches would run.
package splrule

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"bluetrail/internal/knowledge"
	"bluetrail/internal/yamldoc"

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

// Load reads the rules of a file: of YAML every document, or item of a list,
// that is one, of a savedsearches.conf every search. It returns those before a
// fault together with the error; a file of other things has none.
func Load(file string) ([]Rule, error) {
	if !isYAML(file) {
		return loadConf(file)
	}
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

func loadConf(file string) ([]Rule, error) {
	saved, err := knowledge.ReadSaved(file)
	var rules []Rule
	for _, s := range saved {
		rules = append(rules, Rule{File: file, Name: s.Name, Kind: SPL, Description: s.Description, Search: s.Search})
	}
	return rules, err
}

// parse reads rules; a parser that panics on hostile text fails the file only.
func parse(file string, data []byte) (rules []Rule, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cannot read YAML: %v", r)
		}
	}()
	if err := yamldoc.Check(data); err != nil {
		return nil, fmt.Errorf("cannot read YAML: %w", err)
	}
	d := yaml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))), yaml.AllowDuplicateMapKey())
	for {
		var doc any
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return rules, nil
		}
		if err != nil {
			return rules, fmt.Errorf("cannot read YAML: %s", firstLine(yaml.FormatError(err, false, false)))
		}
		items, list := doc.([]any)
		if !list {
			items = []any{doc}
		}
		for _, item := range items {
			if m, ok := item.(map[string]any); ok && isRule(m) {
				rules = append(rules, rule(file, m))
			}
		}
	}
}

// isRule tells rules from what else lies beside them in collections: macros and
// lookups in other folders, stories, data sources, deployments, settings.
func isRule(m map[string]any) bool {
	if searchOf(m) != "" {
		return true
	}
	for _, key := range []string{"search", "detection", "logsource", "correlation"} {
		if m[key] != nil {
			return true
		}
	}
	for _, key := range []string{"definition", "filename", "collection", "lookup_type", "narrative", "scheduling", "supported_TA", "jobs", "app"} {
		if _, other := m[key]; other {
			return false
		}
	}
	return text(m["name"]) != "" || text(m["title"]) != ""
}

// searchPaths are where rules keep their search, the earlier forms of the
// published content last.
var searchPaths = [][]string{{"search"}, {"detect", "splunk", "correlation_rule", "search"}, {"baseline", "splunk", "search"}, {"investigate", "splunk", "search"}}

func searchOf(m map[string]any) string {
	for _, path := range searchPaths {
		var v any = m
		for _, key := range path {
			below, _ := v.(map[string]any)
			v = below[key]
		}
		if s := text(v); s != "" {
			return s
		}
	}
	return ""
}

func rule(file string, m map[string]any) Rule {
	r := Rule{
		File: file, ID: text(m["id"]), Name: text(m["name"]), Type: text(m["type"]), Version: text(m["version"]),
		Description: text(m["description"]), Search: searchOf(m),
	}
	switch {
	case r.Search != "":
		r.Kind = SPL
	case m["detection"] != nil || m["logsource"] != nil || m["correlation"] != nil:
		r.Kind = Sigma
	}
	if r.Name == "" {
		r.Name = text(m["title"])
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
