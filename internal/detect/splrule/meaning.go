package splrule

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/detect/rule"
)

// severityOf returns the severity that a document gives: by name, or by the risk
// score of the published content.
func severityOf(m map[string]any, kind string) rule.Severity {
	for _, v := range []any{m["severity"], m["level"], below(m, "tags", "severity"), below(m, "tags", "risk_severity")} {
		if s := severityNamed(text(v)); s != "" {
			return s
		}
	}
	scores := []any{below(m, "tags", "risk_score"), m["risk_score"], below(m, "finding", "entity", "score")}
	for _, path := range riskPaths {
		for _, o := range objectsOf(below(m, path...)) {
			scores = append(scores, first(o, "score", "risk_score"))
		}
	}
	best := -1.0
	for _, v := range scores {
		if f, err := strconv.ParseFloat(text(v), 64); err == nil {
			best = max(best, f)
		}
	}
	if best < 0 {
		impact, err := strconv.ParseFloat(text(below(m, "tags", "impact")), 64)
		confidence, err2 := strconv.ParseFloat(text(below(m, "tags", "confidence")), 64)
		if err == nil && err2 == nil {
			best = impact * confidence / 100
		}
	}
	if best >= 0 {
		return severityScored(best)
	}
	return severityTyped(kind)
}

// severityNamed reads the name of a severity, also Splunk's and the usual short
// forms; "" for anything else.
func severityNamed(name string) rule.Severity {
	switch strings.ToLower(name) {
	case "informational", "info", "information", "debug", "unknown":
		return rule.Informational
	case "low":
		return rule.Low
	case "medium", "moderate", "warn", "warning":
		return rule.Medium
	case "high", "error":
		return rule.High
	case "critical", "severe", "fatal":
		return rule.Critical
	}
	return ""
}

// severityScored maps a risk score from 0 to 100 as the published content does.
func severityScored(score float64) rule.Severity {
	switch {
	case score <= 20:
		return rule.Informational
	case score <= 40:
		return rule.Low
	case score <= 60:
		return rule.Medium
	case score <= 80:
		return rule.High
	}
	return rule.Critical
}

// severityTyped is the severity of a rule that gives none.
func severityTyped(kind string) rule.Severity {
	switch strings.ToLower(kind) {
	case "anomaly":
		return rule.Low
	case "hunting", "baseline", "investigation":
		return rule.Informational
	case "correlation":
		return rule.High
	}
	return rule.Medium
}

// severityNumbered maps alert.severity of savedsearches.conf as Splunk's pages name
// its numbers: 1 info, 2 low, 3 medium, 4 high, 5 and 6 critical.
func severityNumbered(text string) rule.Severity {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 1 {
		return ""
	}
	return rule.Severities[min(n, len(rule.Severities))-1]
}

// mitreOf returns the ATT&CK ids of a document as Sigma's tags.
func mitreOf(m map[string]any) []string {
	var tags []string
	for _, v := range []any{below(m, "tags", "mitre_attack_id"), m["mitre_attack_id"], m["mitre"]} {
		tags = append(tags, attackTags(texts(v))...)
	}
	if list, ok := m["tags"].([]any); ok { // as in Sigma
		tags = append(tags, texts(list)...)
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}

func attackTags(ids []string) (tags []string) {
	for _, id := range ids {
		tags = append(tags, "attack."+strings.TrimPrefix(strings.ToLower(id), "attack."))
	}
	return tags
}

// riskPaths are where the published content, in its several ages, lists whom a row
// is about.
var riskPaths = [][]string{{"rba", "risk_objects"}, {"intermediate_findings", "entities"}, {"risk_objects"}}

// entityOf returns the fields that say whom a row is about: those that a rule of
// ours names, and those that its risk objects and observables name, users before
// others and victims before attackers.
func entityOf(m map[string]any) (entity, risk []string) {
	entity = texts(m["entity"])
	add := func(users bool, kind, field string) {
		kind = strings.ToLower(kind)
		isUser := strings.Contains(kind, "user") || strings.Contains(kind, "identity")
		if isUser == users && field != "" && !slices.Contains(risk, field) {
			risk = append(risk, field)
		}
	}
	var objects []map[string]any
	if o, ok := below(m, "finding", "entity").(map[string]any); ok {
		objects = append(objects, o)
	}
	for _, path := range riskPaths {
		objects = append(objects, objectsOf(below(m, path...))...)
	}
	observables := objectsOf(below(m, "tags", "observable"))
	for _, role := range []string{"victim", ""} {
		for _, o := range observables {
			if role == "" || slices.ContainsFunc(texts(o["role"]), func(s string) bool { return strings.EqualFold(s, role) }) {
				objects = append(objects, map[string]any{"field": o["name"], "type": o["type"]})
			}
		}
	}
	for _, users := range []bool{true, false} {
		for _, o := range objects {
			add(users, text(first(o, "type", "risk_object_type")), text(first(o, "field", "risk_object_field")))
		}
	}
	return entity, risk
}

// objectsOf returns the objects of a list, or a single one.
func objectsOf(v any) (list []map[string]any) {
	items, ok := v.([]any)
	if !ok {
		items = []any{v}
	}
	for _, item := range items {
		if m, ok := item.(map[string]any); ok {
			list = append(list, m)
		}
	}
	return list
}

// whom are the fields that say whom a row is about when the rule does not.
var whom = []string{"actor", "user", "user_arn", "userIdentity.arn", "src_user", "src", "src_ip", "sourceIPAddress", "aws_account_id"}

// EntityFields returns the fields whose first value that a row has says whom it is
// about, the most telling first.
func (r *Rule) EntityFields() []string { return slices.Concat(r.Risk, whom) }

// jsonList reads a setting that holds JSON; nil when it does not.
func jsonList(text string) any {
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return nil
	}
	return v
}
