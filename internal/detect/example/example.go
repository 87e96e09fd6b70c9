// Package example completes the events that the tests of rules are written with: a test
// names the fields that matter, a standard record supplies the others.
package example

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// MaxRepeat bounds how often one event of a test may repeat.
const MaxRepeat = 10_000

// Account and Region are where the standard record was made.
const (
	Account = "111122223333"
	Region  = "us-east-1"
)

// Event is an event as a test describes it, to be repeated and varied.
type Event struct {
	fields map[string]any
	repeat int
	after  time.Duration // between the event before and the first of these
	every  time.Duration // between repetitions
	vary   []variation
}

// variation is a field that differs between repetitions: the i-th has values[i%len].
type variation struct {
	path   string
	values []any
}

// Read reads an event, a JSON object. Beside the fields of a record it may have `as`,
// who called; `repeat`, `every` and `vary`; and `after`, the time since the event
// before. A key of the object may be a path with dots. A null removes the field.
func Read(raw []byte) (*Event, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		return nil, fmt.Errorf("an event must be a map: %w", err)
	}
	e := &Event{repeat: 1, after: time.Second, every: time.Second}
	for _, f := range []struct {
		key  string
		into *time.Duration
	}{{"after", &e.after}, {"every", &e.every}} {
		v, ok := m[f.key]
		if !ok {
			continue
		}
		d, err := duration(v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.key, err)
		}
		*f.into = d
		delete(m, f.key)
	}
	if err := e.readVary(m); err != nil {
		return nil, err
	}
	if v, ok := m["repeat"]; ok {
		var n int
		if err := json.Unmarshal(fmt.Append(nil, v), &n); err != nil || n < 1 || n > MaxRepeat {
			return nil, fmt.Errorf("repeat must be a number from 1 to %d", MaxRepeat)
		}
		e.repeat = n
		delete(m, "repeat")
	}
	fields, err := standard(m)
	if err != nil {
		return nil, err
	}
	e.fields = fields
	for _, v := range e.vary { // while the rule is read, not when its tests run
		if err := set(clone(fields).(map[string]any), v.path, v.values[0]); err != nil {
			return nil, fmt.Errorf("vary: %w", err)
		}
	}
	return e, nil
}

// readVary reads {path: [values]}. Without repeat, each value comes up once.
func (e *Event) readVary(m map[string]any) error {
	v, ok := m["vary"]
	if !ok {
		return nil
	}
	delete(m, "vary")
	by, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("vary must be a map from fields to lists of values")
	}
	for path, values := range by {
		list, ok := values.([]any)
		if !ok || len(list) == 0 || len(list) > MaxRepeat {
			return fmt.Errorf("vary: %s must have a list of 1 to %d values", path, MaxRepeat)
		}
		e.vary = append(e.vary, variation{path, list})
		e.repeat = max(e.repeat, len(list))
	}
	slices.SortFunc(e.vary, func(a, b variation) int { return strings.Compare(a.path, b.path) })
	return nil
}

// Each calls yield with the records that the event stands for, and the time since the
// one before. They have an eventTime and an eventID only if the test gives them.
func (e *Event) Each(yield func(record []byte, after time.Duration) error) error {
	after := e.after
	for i := range e.repeat {
		fields := clone(e.fields).(map[string]any)
		for _, v := range e.vary {
			if err := set(fields, v.path, clone(v.values[i%len(v.values)])); err != nil {
				return err
			}
		}
		raw, err := json.Marshal(fields)
		if err != nil {
			return err
		}
		if err := yield(raw, after); err != nil {
			return err
		}
		after = e.every
	}
	return nil
}

// standard completes what a test says of a record.
func standard(given map[string]any) (map[string]any, error) {
	account, _ := given["recipientAccountId"].(string)
	if account == "" {
		account = Account
	}
	out := map[string]any{
		"eventVersion": "1.11", "eventType": "AwsApiCall", "eventCategory": "Management", "managementEvent": true, "awsRegion": Region,
		"recipientAccountId": account, "sourceIPAddress": "198.51.100.7", "userAgent": "aws-cli/2.27.0 exec-env/none command/example",
	}
	if name, _ := given["eventName"].(string); name != "" {
		out["readOnly"] = slices.ContainsFunc(reads, func(verb string) bool { return strings.HasPrefix(name, verb) })
	}
	who, named := given["as"]
	if _, own := given["userIdentity"]; named || !own {
		text, _ := who.(string)
		if !named {
			text = "alice"
		}
		id, err := identity(text, account)
		if err != nil {
			return nil, err
		}
		maps.Copy(out, id)
	}
	delete(given, "as")
	if given["eventSource"] == "signin.amazonaws.com" && given["eventName"] == "ConsoleLogin" {
		out["eventType"] = "AwsConsoleSignIn"
		if id, ok := out["userIdentity"].(map[string]any); ok && (id["type"] == "IAMUser" || id["type"] == "Root") {
			delete(id, "accessKeyId") // there is no session yet
			delete(id, "sessionContext")
		}
	}
	// Paths come after whole objects, so that they may amend them.
	for _, k := range slices.SortedFunc(maps.Keys(given), func(a, b string) int {
		return cmp.Or(strings.Count(a, ".")-strings.Count(b, "."), strings.Compare(a, b))
	}) {
		v := given[k]
		if more, ok := v.(map[string]any); ok && k == "userIdentity" && named {
			merge(out[k].(map[string]any), more)
			continue
		}
		if err := set(out, k, v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// reads are the verbs of calls that change nothing.
var reads = []string{"Get", "List", "Describe", "Head", "Search", "BatchGet", "Lookup", "Check"}

// merge puts the members of more into base. A null removes a member.
func merge(base, more map[string]any) {
	for k, v := range more {
		old, isMap := base[k].(map[string]any)
		if new, ok := v.(map[string]any); ok && isMap {
			merge(old, new)
		} else if v == nil {
			delete(base, k)
		} else {
			base[k] = v
		}
	}
}

// set puts a value at a path. A null removes the field.
func set(m map[string]any, path string, v any) error {
	keys := strings.Split(path, ".")
	for i, key := range keys[:len(keys)-1] {
		next, ok := m[key].(map[string]any)
		if !ok {
			if m[key] != nil {
				return fmt.Errorf("%s: %s is no map", path, strings.Join(keys[:i+1], "."))
			}
			if v == nil {
				return nil
			}
			next = map[string]any{}
			m[key] = next
		}
		m = next
	}
	if last := keys[len(keys)-1]; v == nil {
		delete(m, last)
	} else {
		m[last] = v
	}
	return nil
}

// clone copies maps; lists and scalars are never changed in place.
func clone(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = clone(v)
	}
	return out
}

// duration reads a number and a unit, as in 90s, 15m, 12h or 30d.
func duration(v any) (time.Duration, error) {
	s := fmt.Sprint(v)
	unit := time.Duration(1)
	if n, ok := strings.CutSuffix(s, "d"); ok {
		s, unit = n+"h", 24
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > 10*365*24*time.Hour/unit {
		return 0, fmt.Errorf("%q is not a number and a unit, such as 90s, 15m, 12h or 30d", v)
	}
	return d * unit, nil
}
