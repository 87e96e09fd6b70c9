package judge

import (
	"crypto/sha256"

	"encoding/hex"
	"fmt"
	"slices"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/match"
)

// event is a match with its caller resolved. It does not change.
type event struct {
	*match.Match
	who finding.Who
}

// field reads the values of a field from an event.
type field func(e *event) []string

// identityFields come from the resolver, whatever the match says.
var identityFields = map[string]func(*finding.Who) string{
	"actor":       func(w *finding.Who) string { return w.Actor },
	"actor_type":  func(w *finding.Who) string { return w.Type },
	"session_id":  func(w *finding.Who) string { return w.Session },
	"actor_chain": func(w *finding.Who) string { return w.Chain },
}

// briefFields are those that every match has, by their names in records and in
// searches.
var briefFields = map[string]func(*match.Event) string{
	"eventID":            func(e *match.Event) string { return e.ID },
	"eventName":          func(e *match.Event) string { return e.Name },
	"eventSource":        func(e *match.Event) string { return e.Source },
	"recipientAccountId": func(e *match.Event) string { return e.Account },
	"awsRegion":          func(e *match.Event) string { return e.Region },
	"sourceIPAddress":    func(e *match.Event) string { return e.SourceIP },
	"userAgent":          func(e *match.Event) string { return e.UserAgent },
	"errorCode":          func(e *match.Event) string { return e.ErrorCode },
	"outcome":            func(e *match.Event) string { return e.Outcome },
	"object":             func(e *match.Event) string { return e.Object },
}

// fieldOf returns how to read a field: from the caller, from the wanted values, or
// from what every match has.
func fieldOf(wanted []string, name string) (field, error) {
	if get, ok := identityFields[name]; ok {
		return func(e *event) []string { return one(get(&e.who)) }, nil
	}
	if i := slices.Index(wanted, name); i >= 0 {
		return func(e *event) []string { return e.Of(int32(i)) }, nil
	}
	if get, ok := briefFields[name]; ok {
		return func(e *event) []string { return one(get(&e.Event)) }, nil
	}
	return nil, fmt.Errorf("the matches do not hold the field %q", name)
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// maxCombinations bounds how many tuples the lists of values of one event make.
const maxCombinations = 16

// combine returns every tuple with one value of each field, nil if a field has none.
func combine(lists [][]string, stats *Stats) [][]string {
	if !slices.ContainsFunc(lists, func(l []string) bool { return len(l) != 1 }) {
		tuple := make([]string, len(lists))
		for i, list := range lists {
			tuple[i] = shorten(list[0])
		}
		return [][]string{tuple}
	}
	out := [][]string{nil}
	for _, list := range lists {
		if len(list) == 0 {
			return nil
		}
		var next [][]string
		for _, t := range out {
			for i, v := range list {
				if slices.Contains(list[:i], v) {
					continue
				}
				if len(next) == maxCombinations {
					stats.Combined++
					break
				}
				next = append(next, append(t[:len(t):len(t)], shorten(v)))
			}
		}
		out = next
	}
	return out
}

// maxKey is how long a value in a key may be.
const maxKey = 256

// shorten replaces the end of a long value by a hash, so that keys stay small and
// different.
func shorten(s string) string {
	if len(s) <= maxKey {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return s[:maxKey-34] + "…" + hex.EncodeToString(sum[:15])
}
