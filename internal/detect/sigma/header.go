package sigma

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/detect/rule"
	"bluetrail/internal/diag"
)

// Header is what all Sigma documents have, and the keys that bluetrail adds.
type Header struct {
	// Info has Kind Event for a Rule. ID is empty if the document has none.
	rule.Info
	Date, Modified string
	License        string
	Taxonomy       string
	Scope          []string // which systems a rule is for
	Related        []string // ids of other rules
	Logsource      Logsource
	Tests          []Test
	Warnings       []string // what is odd but stops nothing

	span diag.Span
	src  string // of the file
	text string // of the document
}

// Text returns the document as its file has it.
func (h *Header) Text() string { return h.text }

// Logsource says which log a rule is for.
type Logsource struct{ Product, Service, Category string }

// CloudTrail reports whether the log is CloudTrail. A rule for all of AWS names no
// service.
func (l Logsource) CloudTrail() bool {
	aws := strings.EqualFold(l.Product, "aws")
	return l.Category == "" && (aws && (l.Service == "" || strings.EqualFold(l.Service, "cloudtrail")) ||
		l.Product == "" && strings.EqualFold(l.Service, "cloudtrail"))
}

// String writes the logsource as in product=aws service=cloudtrail.
func (l Logsource) String() string {
	var parts []string
	for _, p := range [][2]string{{"product", l.Product}, {"service", l.Service}, {"category", l.Category}} {
		if p[1] != "" {
			parts = append(parts, p[0]+"="+p[1])
		}
	}
	return strings.Join(parts, " ")
}

// read reads the keys that all documents share.
func (h *Header) read(n *node) error {
	for _, f := range []struct {
		key string
		dst *string
	}{
		{"id", &h.ID}, {"name", &h.Name}, {"title", &h.Title}, {"status", &h.Status}, {"description", &h.Description},
		{"author", &h.Author}, {"date", &h.Date}, {"modified", &h.Modified}, {"license", &h.License}, {"taxonomy", &h.Taxonomy}, {"message", &h.Message}, {"misses", &h.Misses},
	} {
		v, ok := n.get(f.key)
		if !ok || v.kind == null {
			continue
		}
		if !v.scalar() {
			if f.key == "author" { // some collections list several
				names, err := h.texts(v, f.key)
				if err != nil {
					return err
				}
				h.Author = strings.Join(names, ", ")
				continue
			}
			return h.fault(v.span, "%s must be a single value", f.key)
		}
		*f.dst = strings.TrimSpace(v.text)
	}
	for _, f := range []struct {
		key string
		dst *[]string
	}{
		{"tags", &h.Tags}, {"references", &h.References}, {"falsepositives", &h.FalsePositives}, {"fields", &h.Fields},
		{"investigate", &h.Investigate}, {"data", &h.Data}, {"entity", &h.Entity}, {"scope", &h.Scope},
	} {
		v, ok := n.get(f.key)
		if !ok {
			continue
		}
		texts, err := h.texts(v, f.key)
		if err != nil {
			return err
		}
		*f.dst = texts
	}
	if h.Title == "" {
		return h.fault(h.span, "the rule has no title")
	}
	for _, d := range h.Data {
		if !slices.Contains(dataKinds, d) {
			h.warn("data: %q is not one of %s", d, strings.Join(dataKinds, ", "))
		}
	}
	if v, ok := n.get("class"); ok && v.kind != null {
		if v.kind != mapping {
			return h.fault(v.span, "class must map classes of actors to a severity or off, as in class: {automation: low}")
		}
		for i := range v.keys {
			m := &v.keys[i]
			if err := h.SetClass(m.key, m.node.text); err != nil {
				return h.fault(m.span, "%v", err)
			}
		}
	}
	if v, ok := n.get("inside"); ok && v.kind != null {
		if err := h.SetInside(v.text); err != nil {
			return h.fault(v.span, "%v", err)
		}
	}
	if v, ok := n.get("related"); ok {
		for i := range v.list {
			if id, ok := v.list[i].get("id"); ok && id.scalar() {
				h.Related = append(h.Related, id.text)
			}
		}
	}
	if v, ok := n.get("window"); ok && v.kind != null {
		d, err := h.duration(v, "window")
		if err != nil {
			return err
		}
		h.Window = d
	}
	if v, ok := n.get("tests"); ok {
		return h.readTests(v)
	}
	return nil
}

// dataKinds are what a trail can be set up to record.
var dataKinds = []string{"management", "data", "network-activity", "insight"}

// level reads how bad a finding is. A rule that does not say is medium.
func (h *Header) level(n *node) error {
	v, ok := n.get("level")
	if !ok || v.kind == null {
		h.Severity = rule.Medium
		h.warn("no level: medium is assumed")
		return nil
	}
	h.Severity = rule.Severity(strings.ToLower(strings.TrimSpace(v.text)))
	if h.Severity.Rank() < 0 {
		return h.fault(v.span, "level %q is not known", v.text).WithHint("levels are informational, low, medium, high and critical")
	}
	return nil
}

// texts returns a value or a list of values.
func (h *Header) texts(v *node, key string) ([]string, error) {
	if v.kind == null {
		return nil, nil
	}
	if v.scalar() {
		return []string{v.text}, nil
	}
	if v.kind != list {
		return nil, h.fault(v.span, "%s must be a list of values", key)
	}
	var out []string
	for i := range v.list {
		item := &v.list[i]
		if !item.scalar() {
			return nil, h.fault(item.span, "%s must be a list of values", key)
		}
		if item.kind != null {
			out = append(out, item.text)
		}
	}
	return out, nil
}

// units are the units of a duration. Months and years have 30 and 365 days.
var units = map[byte]time.Duration{
	's': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour, 'M': 30 * 24 * time.Hour, 'y': 365 * 24 * time.Hour,
}

// maxDuration bounds timespans, so that they add up without overflow.
const maxDuration = 20 * 365 * 24 * time.Hour

// duration reads a number and a unit, as in 15m.
func (h *Header) duration(v *node, key string) (time.Duration, error) {
	text := strings.TrimSpace(v.text)
	digits := len(text) - 1
	if v.scalar() && digits > 0 && digits < 10 && units[text[digits]] > 0 {
		n := time.Duration(0)
		for _, c := range text[:digits] {
			if c < '0' || c > '9' {
				n = 0
				break
			}
			n = n*10 + time.Duration(c-'0')
		}
		unit := units[text[digits]]
		if n > 0 && n <= maxDuration/unit {
			return n * unit, nil
		}
	}
	return 0, h.fault(v.span, "%s must be a number and a unit, such as 30s, 15m, 24h or 7d, of at most 20 years", key)
}

func (h *Header) warn(format string, args ...any) {
	if w := fmt.Sprintf(format, args...); !slices.Contains(h.Warnings, w) {
		h.Warnings = append(h.Warnings, w)
	}
}

// fault returns an error at a place of the document's file.
func (h *Header) fault(span diag.Span, format string, args ...any) *diag.Error {
	return h.placed(diag.At(span, format, args...))
}

// placed says in which file an error's place is.
func (h *Header) placed(e *diag.Error) *diag.Error {
	e.Src, e.Name = h.src, h.File
	return e
}

// Names reports whether ref names this document: by id, by name, or by title, which
// the specification does not allow but public rules do.
func (h *Header) Names(ref string) (byTitle, ok bool) {
	switch {
	case ref == "":
		return false, false
	case ref == h.Name || strings.EqualFold(ref, h.ID):
		return false, true
	}
	return true, ref == h.Title
}

func (h *Header) logsource(n *node) error {
	v, ok := n.get("logsource")
	if !ok || v.kind != mapping {
		return h.fault(h.span, "the rule has no logsource").WithHint("for CloudTrail: logsource: {product: aws, service: cloudtrail}")
	}
	for _, f := range []struct {
		key string
		dst *string
	}{{"product", &h.Logsource.Product}, {"service", &h.Logsource.Service}, {"category", &h.Logsource.Category}} {
		if v, ok := v.get(f.key); ok && v.scalar() {
			*f.dst = v.text
		}
	}
	return nil
}
