package tune

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"bluetrail/internal/store/files"
)

// Bounds of what is remembered of events.
const (
	maxEvents   = 50_000
	maxFalse    = 20_000   // events of false findings
	maxInterned = 32 << 20 // bytes of different values
	maxValue    = 512      // bytes of a value; longer ones are of no use in a filter
	maxPerEvent = 60       // values of one event
	maxDepth    = 6        // of requestParameters
)

// event is what a filter can see of a record.
type event struct {
	id     string  // eventID
	values []int32 // see evidence.pairs, ascending
}

// pair is a value of a field.
type pair struct{ field, value string }

// evidence is the events that the rules match. It is safe for concurrent use.
type evidence struct {
	known map[string]bool // events of false findings, which are kept in any case

	mu      sync.Mutex
	events  map[string]*event
	pairs   []pair
	numbers map[pair]int32
	size    int
	left    int // events not kept
}

func newEvidence(known map[string]bool) *evidence {
	return &evidence{known: known, events: map[string]*event{}, numbers: map[pair]int32{}}
}

// record takes a record that some rule matches.
func (e *evidence) record(r *files.Record) {
	var doc map[string]any
	d := json.NewDecoder(bytes.NewReader(r.Raw))
	d.UseNumber()
	if d.Decode(&doc) != nil {
		return
	}
	id, _ := doc["eventID"].(string)
	if id == "" {
		return // findings name their events by ID
	}
	pairs := pairsOf(doc)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.events[id] != nil {
		return
	}
	if len(e.events) >= maxEvents+maxFalse || len(e.events) >= maxEvents && !e.known[id] {
		e.left++
		return
	}
	ev := &event{id: id}
	for _, p := range pairs {
		n, ok := e.numbers[p]
		if !ok {
			if e.size += len(p.field) + len(p.value); e.size > maxInterned {
				continue
			}
			n = int32(len(e.pairs))
			e.numbers[p] = n
			e.pairs = append(e.pairs, p)
		}
		ev.values = append(ev.values, n)
	}
	slices.Sort(ev.values)
	ev.values = slices.Compact(ev.values)
	e.events[id] = ev
}

// of returns the values that an event has of a field.
func (e *evidence) of(ev *event, field string) (values []string) {
	for _, n := range ev.values {
		if e.pairs[n].field == field {
			values = append(values, e.pairs[n].value)
		}
	}
	return values
}

// has reports whether an event has a value for which holds is true.
func (e *evidence) has(ev *event, field string, holds func(value string) bool) bool {
	return slices.ContainsFunc(ev.values, func(n int32) bool { return e.pairs[n].field == field && holds(e.pairs[n].value) })
}

// pairsOf returns the values of the fields that a filter may use, in an order of its
// own.
func pairsOf(doc map[string]any) (out []pair) {
	for _, f := range named {
		v := any(doc)
		for key := range strings.SplitSeq(f.name, ".") {
			m, _ := v.(map[string]any)
			v = m[key]
		}
		out = addPairs(out, f.name, v, maxDepth)
	}
	if params, ok := doc["requestParameters"].(map[string]any); ok {
		out = addPairs(out, "requestParameters", params, 0)
	}
	return out[:min(len(out), maxPerEvent)]
}

func addPairs(out []pair, name string, v any, depth int) []pair {
	if len(out) >= maxPerEvent {
		return out
	}
	text := ""
	switch v := v.(type) {
	case string:
		text = v
	case json.Number:
		text = v.String()
	case bool:
		text = strconv.FormatBool(v)
	case []any:
		for _, item := range v {
			if _, list := item.([]any); !list {
				out = addPairs(out, name, item, depth)
			}
		}
		return out
	case map[string]any:
		if depth < maxDepth {
			for _, key := range slices.Sorted(maps.Keys(v)) {
				if plainKey(key) && !isToken(key) {
					out = addPairs(out, name+"."+key, v[key], depth+1)
				}
			}
		}
		return out
	}
	if !plainValue(text) {
		return out
	}
	return append(out, pair{name, text})
}

// plainKey reports whether a key can be written in a filter as it is. Keys were written
// by callers, too.
func plainKey(key string) bool {
	const mostKey = 64
	return key != "" && len(key) <= mostKey && strings.IndexFunc(key, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	}) < 0
}

// isToken reports whether a parameter is made anew for each request.
func isToken(key string) bool {
	key = strings.ToLower(key)
	return strings.Contains(key, "token") || strings.Contains(key, "requestid") || strings.Contains(key, "idempoten") || strings.Contains(key, "nonce")
}

// plainValue reports whether a value can stand in a filter: people must be able to read
// all of it.
func plainValue(v string) bool {
	return v != "" && len(v) <= maxValue && utf8.ValidString(v) && strings.IndexFunc(v, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}
