// Package splrule reads detections written in SPL, in the YAML shape of
// Splunk's published content or as saved searches of an app, and checks that
// their searches would run.
package splrule

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/sigma"
	"bluetrail/internal/yamldoc"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
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
	Line int    // where it begins in the file, counted from 1
	ID   string
	Name string
	Kind Kind // "" = neither SPL nor Sigma
	// Type is TTP, Anomaly, Hunting, Correlation or Baseline in the published
	// content; others may stand there.
	Type        string
	Version     string
	Status      string
	Author      string
	Description string
	Search      string // SPL as written, macros and all

	Severity       rule.Severity
	Tags           []string // attack.t1078.004
	References     []string
	FalsePositives []string
	Class          map[string]rule.Severity // as in rule.Info
	Investigate    []string                 // SPL searches that help to decide
	Data           []string
	Message        string
	Misses         string

	Entity []string // fields that say together whom a row is about; nil = the first of Risk
	Risk   []string // fields that may say so, the most telling first

	Disabled bool // the file says that it is not to run
	Schedule Schedule
	Alert    Alert
	Tests    []sigma.Test
}

// Baseline reports whether the rule keeps what other rules compare with, rather
// than finding something itself.
func (r *Rule) Baseline() bool { return strings.EqualFold(r.Type, "Baseline") }

// Key names the rule in the state and in findings: its id, or else its name.
func (r *Rule) Key() string { return cmp.Or(r.ID, r.Name) }

// Info describes the rule as findings and lists do.
func (r *Rule) Info() rule.Info {
	return rule.Info{
		ID: r.Key(), Title: r.Name, Kind: rule.SPL, Severity: r.Severity, Status: r.Status, Description: r.Description, Author: r.Author,
		Tags: r.Tags, References: r.References, FalsePositives: r.FalsePositives, Misses: r.Misses, Investigate: r.Investigate, Data: r.Data, Class: r.Class,
		Entity: r.Entity, Message: r.Message, File: r.File, Line: r.Line,
	}
}

// Load reads the rules of a file: of YAML every document, or item of a list,
// that is one, of a savedsearches.conf every search. The error joins the faults,
// with their lines; what else the file holds is returned beside it. A file of other
// things has no rules.
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
	return Parse(file, data)
}

// maxFaults is how many faults of one file are told.
const maxFaults = 20

// Parse reads the documents of a file of YAML, each by itself, so that a fault fails
// only its own. See Load.
func Parse(file string, data []byte) (rules []Rule, err error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	var faults []error
	line := 1
	for len(data) > 0 {
		doc := data[:documentEnd(data)]
		found, err := parseDocument(file, doc, line)
		rules = append(rules, found...)
		if err != nil {
			if len(faults) == maxFaults {
				faults = append(faults, errors.New("there are more faults"))
				break
			}
			faults = append(faults, err)
		}
		line += bytes.Count(doc, []byte("\n"))
		data = data[len(doc):]
	}
	return rules, errors.Join(faults...)
}

// documentEnd returns the length of the first document, which begins with its ---.
func documentEnd(data []byte) int {
	for at := 0; ; {
		next := bytes.Index(data[at:], []byte("\n---"))
		if next < 0 {
			return len(data)
		}
		at += next + 1
		if rest := data[at+3:]; len(rest) == 0 || rest[0] == '\n' || rest[0] == '\r' || rest[0] == ' ' || rest[0] == '\t' {
			return at
		}
	}
}

// parseDocument reads one document that begins at a line; a parser that panics on
// hostile text fails it only.
func parseDocument(file string, data []byte, line int) (rules []Rule, err error) {
	defer func() {
		if r := recover(); r != nil {
			rules, err = nil, fmt.Errorf("line %d: cannot read YAML: %v", line, r)
		}
	}()
	fault := func(err error) error {
		var e yaml.Error
		if errors.As(err, &e) && e.GetToken() != nil && e.GetToken().Position != nil {
			e.GetToken().Position.Line += line - 1
			lines := append(bytes.Repeat([]byte("\n"), line-1), data...)
			return fmt.Errorf("cannot read YAML: %w", yamldoc.Describe(err, lines))
		}
		return fmt.Errorf("line %d: cannot read YAML: %w", line, err)
	}
	if err := yamldoc.Check(data); err != nil {
		if line > 1 { // with the line in the file
			err = yamldoc.Check(append(bytes.Repeat([]byte("\n"), line-1), data...))
		}
		return nil, fmt.Errorf("cannot read YAML: %w", err)
	}
	parsed, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, fault(err)
	}
	for _, doc := range parsed.Docs {
		if doc.Body == nil {
			continue
		}
		var value any
		if err := yaml.NodeToValue(doc.Body, &value, yaml.AllowDuplicateMapKey()); err != nil {
			return rules, fault(err)
		}
		items, list := value.([]any)
		if !list {
			items = []any{value}
		}
		nodes, _ := doc.Body.(*ast.SequenceNode)
		var faults []error
		for i, item := range items {
			m, ok := item.(map[string]any)
			if !ok || !isRule(m) {
				continue
			}
			var node ast.Node = doc.Body
			if nodes != nil && i < len(nodes.Values) {
				node = nodes.Values[i]
			}
			at := line + firstLineOf(node) - 1
			r, err := fromYAML(m)
			if err == nil && r.Kind == SPL {
				r.Tests, err = testsOf(m["tests"], func(i int) int { return line + testLine(node, i) - 1 })
			}
			if err != nil {
				faults = append(faults, fmt.Errorf("line %d: %w", at, err))
				continue
			}
			r.File, r.Line = file, at
			rules = append(rules, r)
		}
		if len(faults) > maxFaults {
			faults = faults[:maxFaults]
		}
		if len(faults) > 0 {
			return rules, errors.Join(faults...)
		}
	}
	return rules, nil
}

// firstLineOf returns the line of the first key of a node.
func firstLineOf(n ast.Node) int {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		n = m.Values[0].Key
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 1
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
		if s := text(below(m, path...)); s != "" {
			return s
		}
	}
	return ""
}

// fromYAML reads what a document says of its rule.
func fromYAML(m map[string]any) (Rule, error) {
	r := Rule{
		ID: text(m["id"]), Name: cmp.Or(text(m["name"]), text(m["title"])), Type: text(m["type"]), Version: text(m["version"]), Status: text(m["status"]),
		Author: text(m["author"]), Description: text(m["description"]), Search: searchOf(m),
		References: texts(m["references"]), FalsePositives: texts(first(m, "known_false_positives", "falsepositives")), Investigate: texts(m["investigate"]),
		Data: texts(m["data"]), Message: text(m["message"]), Misses: text(m["misses"]),
		Disabled: m["enabled"] == false || m["disabled"] == true || strings.EqualFold(text(m["status"]), "removed"),
	}
	switch {
	case r.Search != "":
		r.Kind = SPL
	case m["detection"] != nil || m["logsource"] != nil || m["correlation"] != nil:
		r.Kind = Sigma
		return r, nil
	}
	if r.Message == "" {
		r.Message = dollars(text(first(map[string]any{"a": below(m, "rba", "message"), "b": below(m, "finding", "title"), "c": below(m, "tags", "message")}, "a", "b", "c")))
	}
	r.Severity = severityOf(m, r.Type)
	r.Tags = mitreOf(m)
	r.Entity, r.Risk = entityOf(m)
	var err error
	if r.Class, err = classOf(m); err != nil {
		return r, fmt.Errorf("the rule %q: %w", r.Name, err)
	}
	r.Schedule, r.Alert, err = scheduleOf(m)
	if err != nil {
		return r, fmt.Errorf("the rule %q: %w", r.Name, err)
	}
	return r, nil
}

// classOf reads the class key.
func classOf(m map[string]any) (map[string]rule.Severity, error) {
	if m["class"] == nil {
		return nil, nil
	}
	entries, ok := m["class"].(map[string]any)
	if !ok {
		return nil, errors.New("class must map classes of actors to a severity or off, as in class: {automation: low}")
	}
	var info rule.Info
	for _, class := range slices.Sorted(maps.Keys(entries)) {
		if err := info.SetClass(class, text(entries[class])); err != nil {
			return nil, err
		}
	}
	return info.Class, nil
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

// dollars turns the $field$ of the published content's messages into %field%.
func dollars(s string) string {
	s = strings.ReplaceAll(s, "%", "%%")
	return splunkToken.ReplaceAllString(s, "%$1%")
}

var splunkToken = regexp.MustCompile(`\$([A-Za-z_][A-Za-z0-9_.{}]*)\$`)

// texts is a list of scalars, or a single one, as texts.
func texts(v any) (list []string) {
	items, ok := v.([]any)
	if !ok {
		items = []any{v}
	}
	for _, item := range items {
		if s := text(item); s != "" {
			list = append(list, s)
		}
	}
	return list
}

// first returns the first value that a map has under one of the keys.
func first(m map[string]any, keys ...string) any {
	for _, key := range keys {
		if v := m[key]; v != nil {
			return v
		}
	}
	return nil
}

// below returns the value at a path of keys, nil for none.
func below(v any, path ...string) any {
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}
