package sigma

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/detect/rule"
	"bluetrail/internal/diag"
)

// correlationKeys are the keys of a correlation.
var correlationKeys = []string{
	"type", "rules", "group-by", "timespan", "condition", "aliases", "generate", "fields", "scope", "learning", "expiry",
}

// shapes say what each type needs.
var shapes = map[CorrelationType]struct {
	kind     rule.Kind
	rules    int  // at least
	bounds   bool // condition with a comparison is required
	field    bool // condition.field is required
	boolean  bool // condition may be an expression
	timespan bool
}{
	EventCount:      {kind: rule.Correlation, rules: 1, bounds: true, timespan: true},
	ValueCount:      {kind: rule.Correlation, rules: 1, bounds: true, field: true, timespan: true},
	ValueSum:        {kind: rule.Correlation, rules: 1, bounds: true, field: true, timespan: true},
	ValueAvg:        {kind: rule.Correlation, rules: 1, bounds: true, field: true, timespan: true},
	ValueMedian:     {kind: rule.Correlation, rules: 1, bounds: true, field: true, timespan: true},
	ValuePercentile: {kind: rule.Correlation, rules: 1, bounds: true, field: true, timespan: true},
	Temporal:        {kind: rule.Correlation, rules: 2, boolean: true, timespan: true},
	TemporalOrdered: {kind: rule.Correlation, rules: 2, boolean: true, timespan: true},
	FirstSeenType:   {kind: rule.FirstSeen, rules: 1},
	AbsentType:      {kind: rule.Absent, rules: 2, timespan: true},
}

const (
	maxRefs   = 1000 // rules of a correlation
	maxFields = 50   // of group-by, of a condition, of first_seen
)

// correlation reads a correlation; Link resolves its references.
func (c *Collection) correlation(h Header, doc, n *node) error {
	if n.kind != mapping {
		return h.fault(n.span, "correlation must be a map")
	}
	if err := h.level(doc); err != nil {
		return err
	}
	r := &Correlation{Header: h}
	for i := range n.keys {
		if !slices.Contains(correlationKeys, n.keys[i].key) {
			return h.fault(n.keys[i].span, "a correlation has no key %q", n.keys[i].key).WithHint("%s", diag.Suggest(n.keys[i].key, correlationKeys, "keys"))
		}
	}
	v, ok := n.get("type")
	if !ok {
		return h.fault(n.span, "the correlation has no type")
	}
	r.Type = CorrelationType(strings.ToLower(strings.TrimSpace(v.text)))
	shape, ok := shapes[r.Type]
	if !ok {
		var names []string
		for name := range shapes {
			names = append(names, string(name))
		}
		slices.Sort(names)
		return h.fault(v.span, "there is no correlation of type %q", v.text).WithHint("types are %s", strings.Join(names, ", "))
	}
	r.Kind = shape.kind
	if err := r.readRules(n, shape.rules); err != nil {
		return err
	}
	if err := r.readFields(n, "group-by", &r.GroupBy); err != nil {
		return err
	}
	if v, ok := n.get("timespan"); ok && r.Type != FirstSeenType {
		d, err := h.duration(v, "timespan")
		if err != nil {
			return err
		}
		r.Timespan = d
	} else if shape.timespan {
		return h.fault(n.span, "the correlation has no timespan").WithHint("write how far its events lie apart at most, such as timespan: 10m")
	}
	if err := r.readAliases(n); err != nil {
		return err
	}
	if err := r.readCondition(n, shape.bounds, shape.field, shape.boolean); err != nil {
		return err
	}
	for _, at := range []*node{doc, n} { // the specification's examples have both
		if v, ok := at.get("generate"); ok {
			if v.kind != boolean {
				return h.fault(v.span, "generate must be true or false")
			}
			r.Generate = v.text == "true"
		}
	}
	if err := r.readFirstSeen(n); err != nil {
		return err
	}
	c.Correlations = append(c.Correlations, r)
	return nil
}

func (r *Correlation) readRules(n *node, least int) error {
	v, ok := n.get("rules")
	if !ok {
		return r.fault(n.span, "the correlation names no rules")
	}
	names, err := r.texts(v, "rules")
	if err != nil {
		return err
	}
	if len(names) > maxRefs {
		return r.fault(v.span, "the correlation names more than %d rules", maxRefs)
	}
	if len(names) < least {
		return r.fault(v.span, "a correlation of type %s needs at least %d rules", r.Type, least)
	}
	for _, name := range names {
		r.Rules = append(r.Rules, Ref{Name: name, Rule: -1, Correlation: -1})
	}
	return nil
}

// readFields reads a field or a list of fields.
func (r *Correlation) readFields(n *node, key string, into *[]string) error {
	v, ok := n.get(key)
	if !ok {
		return nil
	}
	fields, err := r.texts(v, key)
	if err != nil {
		return err
	}
	if len(fields) > maxFields {
		return r.fault(v.span, "%s has more than %d fields", key, maxFields)
	}
	for _, f := range fields {
		if f == "" {
			return r.fault(v.span, "%s has an empty field", key)
		}
		if slices.Contains(*into, f) {
			continue
		}
		*into = append(*into, f)
	}
	return nil
}

// readAliases reads {name: {rule: field}}.
func (r *Correlation) readAliases(n *node) error {
	v, ok := n.get("aliases")
	if !ok || v.kind == null {
		return nil
	}
	if v.kind != mapping {
		return r.fault(v.span, "aliases must be a map").WithHint("aliases: {user: {rule_name: field}}")
	}
	if len(v.keys) > maxFields {
		return r.fault(v.span, "aliases has more than %d names", maxFields)
	}
	r.Aliases = map[string][]string{}
	for i := range v.keys {
		alias := &v.keys[i]
		if alias.node.kind != mapping {
			return r.fault(alias.span, "the alias %q must be a map from rules to fields", alias.key)
		}
		fields := make([]string, len(r.Rules))
		for k := range alias.node.keys {
			m := &alias.node.keys[k]
			at := slices.IndexFunc(r.Rules, func(to Ref) bool { return to.Name == m.key })
			if at < 0 {
				return r.fault(m.span, "the alias %q names %q, which is not among the rules of the correlation", alias.key, m.key)
			}
			if !m.node.scalar() || m.node.text == "" {
				return r.fault(m.span, "the alias %q needs the name of a field for %q", alias.key, m.key)
			}
			fields[at] = m.node.text
		}
		r.Aliases[alias.key] = fields
	}
	return nil
}

func (r *Correlation) readCondition(n *node, bounds, field, boolean bool) error {
	v, ok := n.get("condition")
	if !ok || v.kind == null {
		if bounds {
			return r.fault(n.span, "the correlation has no condition").WithHint("write how many are needed, such as condition: {gte: 10}")
		}
		r.needAll()
		return nil
	}
	if r.Type == FirstSeenType || r.Type == AbsentType {
		return r.fault(v.span, "a correlation of type %s has no condition", r.Type)
	}
	if v.kind == str {
		if !boolean {
			return r.fault(v.span, "the condition of type %s must be a comparison", r.Type).WithHint("such as condition: {gte: 10}")
		}
		return r.readExpr(v)
	}
	if v.kind != mapping {
		return r.fault(v.span, "the condition must be a map").WithHint("such as condition: {gte: 10}")
	}
	for i := range v.keys {
		m := &v.keys[i]
		switch key := strings.ToLower(m.key); key {
		case "gt", "gte", "lt", "lte", "eq", "neq":
			f, err := strconv.ParseFloat(m.node.text, 64)
			if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || !m.node.scalar() {
				return r.fault(m.node.span, "%s needs a number", key)
			}
			r.Condition.Bounds = append(r.Condition.Bounds, Bound{key, f})
		case "field":
			if err := r.readFields(v, m.key, &r.Condition.Fields); err != nil {
				return err
			}
		case "percentile":
			f, err := strconv.ParseFloat(m.node.text, 64)
			if err != nil || !(f > 0 && f <= 100) {
				return r.fault(m.node.span, "percentile must be above 0 and at most 100")
			}
			if r.Type != ValuePercentile {
				return r.fault(m.span, "a correlation of type %s has no percentile", r.Type)
			}
			r.Condition.Percentile = f
		default:
			return r.fault(m.span, "a condition has no key %q", m.key).WithHint("keys are gt, gte, lt, lte, eq, neq, field and percentile")
		}
	}
	switch {
	case field && len(r.Condition.Fields) == 0:
		return r.fault(v.span, "a correlation of type %s needs a field in its condition", r.Type).WithHint("such as condition: {field: sourceIPAddress, gte: 5}")
	case field && r.Type != ValueCount && len(r.Condition.Fields) > 1:
		return r.fault(v.span, "a correlation of type %s looks at one field", r.Type)
	case !field && len(r.Condition.Fields) > 0:
		return r.fault(v.span, "a correlation of type %s has no field", r.Type)
	case len(r.Condition.Bounds) == 0:
		if bounds {
			return r.fault(v.span, "the condition has no comparison").WithHint("such as gte: 10")
		}
		r.needAll()
	}
	if !r.possible() {
		return r.fault(v.span, "no number satisfies this condition")
	}
	return nil
}

// needAll makes temporal types need all rules.
func (r *Correlation) needAll() {
	if r.Type == Temporal || r.Type == TemporalOrdered {
		r.Condition.Bounds = []Bound{{"gte", float64(len(r.Rules))}}
	}
}

// possible reports whether some number satisfies the bounds: one of them, or one
// next to them.
func (r *Correlation) possible() bool {
	for _, b := range r.Condition.Bounds {
		for _, n := range []float64{b.Value, math.Nextafter(b.Value, math.Inf(1)), math.Nextafter(b.Value, math.Inf(-1))} {
			if r.Condition.Holds(n) {
				return true
			}
		}
	}
	return len(r.Condition.Bounds) == 0
}

// readExpr reads a boolean condition over the rules of a temporal correlation.
func (r *Correlation) readExpr(v *node) error {
	names := make([]string, len(r.Rules))
	for i, to := range r.Rules {
		names[i] = to.Name
	}
	cond, fault := parseCondition(v.text, names, "rule")
	if fault != nil {
		return r.fault(r.within(v, fault.at), "%s", fault.msg).WithHint("%s", fault.hint)
	}
	if cond.holds(ruleSet(func(int) bool { return false })) {
		return r.fault(v.span, "the condition holds without any event").WithHint("a finding needs an event; for what is missing, use type absent")
	}
	r.Expr = &RuleExpr{cond}
	return nil
}

func (r *Correlation) readFirstSeen(n *node) error {
	for _, key := range []string{"fields", "scope", "learning", "expiry"} {
		if v, ok := n.get(key); ok && r.Type != FirstSeenType {
			return r.fault(v.span, "a correlation of type %s has no key %q", r.Type, key)
		}
	}
	if r.Type != FirstSeenType {
		return nil
	}
	if err := r.readFields(n, "scope", &r.GroupBy); err != nil { // another word for group-by
		return err
	}
	if err := r.readFields(n, "fields", &r.FirstSeen.Fields); err != nil {
		return err
	}
	if len(r.FirstSeen.Fields) == 0 {
		return r.fault(n.span, "the correlation does not say which fields to remember").WithHint("such as fields: [userAgent]")
	}
	if v, ok := n.get("timespan"); ok {
		return r.fault(v.span, "a correlation of type first_seen has no timespan").WithHint("use learning and expiry")
	}
	for _, f := range []struct {
		key   string
		unset string // what stands for 0
	}{{"learning", "none"}, {"expiry", "never"}} {
		into, d := &r.FirstSeen.Learning, DefaultLearning
		if f.key == "expiry" {
			into, d = &r.FirstSeen.Expiry, DefaultExpiry
		}
		*into = d
		v, ok := n.get(f.key)
		if !ok {
			continue
		}
		if v.text == f.unset {
			*into = 0
			continue
		}
		d, err := r.duration(v, f.key)
		if err != nil {
			return err
		}
		*into = d
	}
	return nil
}
