package splrule

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/knowledge"
	"bluetrail/internal/splunktime"
)

// scheduleKeys are the keys of our schedule block.
var scheduleKeys = []string{"cron", "every", "earliest", "latest", "timezone", "lateness", "throttle", "alert"}

// scheduleOf reads the schedule block of ours, or else the deployment of the
// published content.
func scheduleOf(m map[string]any) (s Schedule, a Alert, err error) {
	block := m["schedule"]
	if block == nil {
		d, _ := first(objectOf(below(m, "deployment", "scheduling")), "cron_schedule").(string)
		s.Cron = strings.TrimSpace(d)
		s.Earliest, s.Latest = text(below(m, "deployment", "scheduling", "earliest_time")), text(below(m, "deployment", "scheduling", "latest_time"))
		if s.Earliest == "" {
			s.Earliest = text(first(m, "earliest", "earliest_time"))
		}
		if s.Latest == "" {
			s.Latest = text(first(m, "latest", "latest_time"))
		}
		return s, a, s.check()
	}
	b, ok := block.(map[string]any)
	if !ok {
		return s, a, errors.New("schedule must have keys such as every: 1h")
	}
	for key := range b {
		if !slices.Contains(scheduleKeys, key) {
			return s, a, fmt.Errorf("schedule has an unknown key %q (%s)", key, diag.Suggest(key, scheduleKeys, "keys"))
		}
	}
	s.Cron, s.Earliest, s.Latest, s.Zone = text(b["cron"]), text(b["earliest"]), text(b["latest"]), text(b["timezone"])
	for _, d := range []struct {
		key string
		dst *time.Duration
	}{{"every", &s.Every}, {"lateness", &s.Lateness}} {
		if b[d.key] != nil {
			if *d.dst, err = period(text(b[d.key])); err != nil {
				return s, a, fmt.Errorf("schedule.%s: %w", d.key, err)
			}
			if *d.dst == 0 {
				return s, a, fmt.Errorf("schedule.%s must be more than 0", d.key)
			}
		}
	}
	if a.Suppress, err = throttleOf(b["throttle"]); err != nil {
		return s, a, err
	}
	if t := text(b["alert"]); t != "" {
		a.Type, a.Condition = "custom", t
	}
	return s, a, s.check()
}

func objectOf(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// throttleOf reads throttle: 1h, or throttle: {period: 1h, fields: [user]}.
func throttleOf(v any) (s Suppress, err error) {
	if v == nil {
		return s, nil
	}
	if m, ok := v.(map[string]any); ok {
		for key := range m {
			if key != "period" && key != "fields" {
				return s, fmt.Errorf("schedule.throttle has an unknown key %q; it takes period and fields", key)
			}
		}
		s.Fields = texts(m["fields"])
		v = m["period"]
	}
	if s.Period, err = period(text(v)); err != nil {
		return s, fmt.Errorf("schedule.throttle: %w", err)
	}
	return s, nil
}

// period reads a length of time: 90s, 15m, 1h30m, 1d, 2w, or seconds.
func period(s string) (time.Duration, error) {
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return time.Duration(n) * time.Second, nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return d, nil
	}
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	n, err := strconv.Atoi(s[:digits])
	switch unit := splunktime.Unit(strings.ToLower(s[digits:])); {
	case err != nil || n > 1e6:
	case unit == "s":
		return time.Duration(n) * time.Second, nil
	case unit == "m":
		return time.Duration(n) * time.Minute, nil
	case unit == "h":
		return time.Duration(n) * time.Hour, nil
	case unit == "d":
		return time.Duration(n) * 24 * time.Hour, nil
	case unit == "w":
		return time.Duration(n) * 7 * 24 * time.Hour, nil
	}
	return 0, fmt.Errorf("%q is not a length of time; write it as 15m, 1h or 1d", s)
}

// loadConf reads the searches of a savedsearches.conf.
func loadConf(file string) ([]Rule, error) {
	saved, err := knowledge.ReadSaved(file)
	faults := []error{err}
	var rules []Rule
	for i := range saved {
		r, err := fromSaved(&saved[i])
		if err != nil {
			if len(faults) <= maxFaults {
				faults = append(faults, fmt.Errorf("line %d: [%s]: %w", saved[i].Line, saved[i].Name, err))
			}
			continue
		}
		r.File = file
		rules = append(rules, r)
	}
	return rules, errors.Join(faults...)
}

// fromSaved reads a stanza.
func fromSaved(s *knowledge.Saved) (Rule, error) {
	set := s.Settings
	r := Rule{
		Line: s.Line, ID: set["action.correlationsearch.id"], Name: s.Name, Kind: SPL, Description: set["description"], Search: strings.TrimSpace(set["search"]),
		Disabled: knowledge.Truth(set["disabled"], false),
	}
	r.Severity = severityTyped("")
	for _, v := range []string{set["alert.severity"], set["action.risk.param._risk_score"], set["action.notable.param.severity"]} { // the last one wins
		named := severityNamed(v)
		switch score, err := strconv.ParseFloat(v, 64); {
		case v == "":
		case named != "":
			r.Severity = named
		case v == set["alert.severity"] && severityNumbered(v) != "":
			r.Severity = severityNumbered(v)
		case err == nil:
			r.Severity = severityScored(score)
		}
	}
	r.Tags = attackTags(texts(below(jsonList(set["action.correlationsearch.annotations"]), "mitre_attack")))
	risk := objectsOf(jsonList(set["action.risk.param._risk"]))
	_, r.Risk = entityOf(map[string]any{"risk_objects": anyList(risk)})
	if field := set["action.risk.param._risk_object"]; field != "" && !slices.Contains(r.Risk, field) {
		r.Risk = append(r.Risk, field)
	}
	r.Schedule = Schedule{Cron: set["cron_schedule"], Earliest: set["dispatch.earliest_time"], Latest: set["dispatch.latest_time"]}
	if strings.HasPrefix(r.Schedule.Earliest, "rt") || strings.HasPrefix(r.Schedule.Latest, "rt") { // a real-time search
		r.Schedule.Earliest, r.Schedule.Latest = "", ""
	}
	if err := r.Schedule.check(); err != nil {
		return r, err
	}
	var err error
	r.Alert, err = alertOf(set)
	return r, err
}

func anyList(list []map[string]any) (out []any) {
	for _, m := range list {
		out = append(out, m)
	}
	return out
}

// alertTypes and relations are the values of counttype and relation.
var (
	alertTypes = []string{"number of events", "number of hosts", "number of sources", "custom", "always"}
	relations  = []string{"greater than", "less than", "equal to", "not equal to", "rises by", "drops by"}
)

// alertOf reads when a saved search alerts.
func alertOf(set map[string]string) (a Alert, err error) {
	a.Type = cmpOr(strings.ToLower(set["counttype"]), strings.ToLower(set["alert_type"]))
	a.Condition = strings.TrimSpace(set["alert_condition"])
	if a.Condition != "" {
		a.Type = "custom"
	}
	switch {
	case a.Type == "" || a.Type == "always":
		a.Type = ""
	case !slices.Contains(alertTypes, a.Type):
		return a, fmt.Errorf("counttype %q is none of %s", a.Type, strings.Join(alertTypes, ", "))
	case a.Type == "custom":
		if a.Condition == "" {
			return a, errors.New("counttype = custom needs an alert_condition")
		}
	default:
		a.Relation = strings.ToLower(cmpOr(set["relation"], set["alert_comparator"]))
		if !slices.Contains(relations, a.Relation) {
			return a, fmt.Errorf("relation %q is none of %s", a.Relation, strings.Join(relations, ", "))
		}
		quantity := strings.TrimSpace(cmpOr(set["quantity"], set["alert_threshold"]))
		quantity, a.Percent = strings.CutSuffix(quantity, "%")
		if a.Quantity, err = strconv.ParseFloat(quantity, 64); err != nil {
			return a, fmt.Errorf("quantity %q is not a number", quantity)
		}
	}
	if knowledge.Truth(set["alert.suppress"], false) {
		if a.Suppress.Period, err = period(cmpOr(set["alert.suppress.period"], "60s")); err != nil {
			return a, fmt.Errorf("alert.suppress.period: %w", err)
		}
		a.Suppress.Fields = strings.FieldsFunc(set["alert.suppress.fields"], func(r rune) bool { return r == ',' || r == ' ' })
	}
	return a, nil
}

func cmpOr(s, other string) string {
	if s = strings.TrimSpace(s); s != "" {
		return s
	}
	return strings.TrimSpace(other)
}
