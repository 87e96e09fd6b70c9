package list

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"bluetrail/internal/enrich"
)

// stix reads a bundle of STIX 2.1: indicators whose pattern compares addresses. Source:
// STIX 2.1, sections 4.7 (Indicator) and 9 (patterns).
func (l *List) stix(data []byte, now time.Time) error {
	var bundle struct {
		Objects []json.RawMessage `json:"objects"`
	}
	if err := json.Unmarshal(data, &bundle); err != nil {
		var bare []json.RawMessage // without a bundle
		if json.Unmarshal(data, &bare) != nil {
			return fmt.Errorf("it is not a STIX bundle: %w", err)
		}
		bundle.Objects = bare
	}
	if bundle.Objects == nil {
		return errors.New(`it is not a STIX bundle: there are no "objects"`)
	}
	for i, raw := range bundle.Objects {
		var o struct {
			Type, Name, Description, Pattern string
			PatternType                      string    `json:"pattern_type"`
			ValidFrom                        time.Time `json:"valid_from"`
			ValidUntil                       time.Time `json:"valid_until"`
			Revoked                          bool
			Labels                           []string
			Types                            []string `json:"indicator_types"`
		}
		if err := json.Unmarshal(raw, &o); err != nil {
			l.Faults.Add(i+1, "object %d: %v", i+1, err)
			continue
		}
		switch {
		case o.Type != "indicator" || o.PatternType != "" && o.PatternType != "stix":
			l.Others++
			continue
		case o.Revoked, !o.ValidUntil.IsZero() && o.ValidUntil.Before(now), o.ValidFrom.After(now):
			l.Expired++
			continue
		}
		addresses, err := pattern(o.Pattern)
		if err != nil {
			l.Faults.Add(i+1, "object %d: %v", i+1, err)
			continue
		}
		if len(addresses) == 0 {
			l.Others++
			continue
		}
		reason := o.Name
		for _, more := range []string{o.Description, strings.Join(o.Types, ", "), strings.Join(o.Labels, ", ")} {
			if reason == "" {
				reason = more
			}
		}
		for _, a := range addresses {
			list, err := prefixes(a)
			if err != nil {
				l.Faults.Add(i+1, "object %d: %v", i+1, err)
				continue
			}
			for _, p := range list {
				l.add(p, reason)
			}
		}
	}
	return nil
}

// comparison is a comparison of addresses in a pattern.
var comparison = regexp.MustCompile(`(?i)(?:ipv[46]-addr:value|network-traffic:(?:src|dst)_ref\.value)\s*(=|ISSUBSET|IN)\s*('(?:[^'\\]|\\.)*'|\([^)]*\))`)

// joins are what makes more of a pattern than a choice of addresses.
var joins = regexp.MustCompile(`(?i)\b(AND|FOLLOWEDBY|NOT|ISSUPERSET|LIKE|MATCHES)\b|!=|[<>]`)

var quoted = regexp.MustCompile(`'((?:[^'\\]|\\.)*)'`)

// pattern returns the addresses that a pattern compares with, none if it is about
// something else. It fails if an address alone does not decide.
func pattern(p string) (addresses []string, err error) {
	found := comparison.FindAllStringSubmatch(p, -1)
	if len(found) == 0 {
		if strings.Contains(p, "-addr:value") {
			return nil, fmt.Errorf("the pattern %q does not compare addresses with =, IN or ISSUBSET", enrich.Shorten(p, 60))
		}
		return nil, nil
	}
	if joins.MatchString(quoted.ReplaceAllString(p, "''")) {
		return nil, fmt.Errorf("the pattern %q asks for more than an address", enrich.Shorten(p, 60))
	}
	for _, m := range found {
		for _, q := range quoted.FindAllStringSubmatch(m[2], -1) {
			addresses = append(addresses, strings.ReplaceAll(q[1], `\`, ""))
		}
	}
	return addresses, nil
}

// mispEvent is an event of MISP. Source: the MISP core format, section 2.
type mispEvent struct {
	Info      string
	Attribute []mispAttribute
	Object    []struct{ Attribute []mispAttribute }
}

type mispAttribute struct {
	Type, Value, Comment, Category string
	Deleted                        bool
	ToIDs                          *bool `json:"to_ids"`
}

// misp reads one event, a list of events, or what MISP's search answers.
func (l *List) misp(data []byte) error {
	type envelope struct {
		Event     *mispEvent
		Response  json.RawMessage
		Attribute []mispAttribute
	}
	n := 0
	var read func(data []byte, depth int) error
	read = func(data []byte, depth int) error {
		if depth > 4 {
			return errors.New("its lists nest too deeply")
		}
		var many []json.RawMessage
		if json.Unmarshal(data, &many) == nil {
			for _, one := range many {
				if err := read(one, depth+1); err != nil {
					l.Faults.Add(n+1, "event %d: %v", n+1, err)
				}
			}
			return nil
		}
		var e envelope
		if err := json.Unmarshal(data, &e); err != nil {
			return err
		}
		switch {
		case e.Event != nil:
			n++
			l.attributes(e.Event.Attribute, e.Event.Info)
			for _, o := range e.Event.Object {
				l.attributes(o.Attribute, e.Event.Info)
			}
		case e.Response != nil:
			return read(e.Response, depth+1)
		case e.Attribute != nil:
			l.attributes(e.Attribute, "")
		default:
			return errors.New(`it has neither "Event" nor "response"`)
		}
		return nil
	}
	if err := read(data, 0); err != nil {
		return fmt.Errorf("it is not a MISP event: %w", err)
	}
	return nil
}

func (l *List) attributes(list []mispAttribute, info string) {
	for i, a := range list {
		value := a.Value
		switch a.Type {
		case "ip-src", "ip-dst":
		case "ip-src|port", "ip-dst|port":
			value, _, _ = strings.Cut(value, "|")
		case "domain|ip":
			_, value, _ = strings.Cut(value, "|")
		default:
			l.Others++
			continue
		}
		if a.Deleted || a.ToIDs != nil && !*a.ToIDs { // MISP: not for detection
			l.Others++
			continue
		}
		found, err := prefixes(value)
		if err != nil {
			l.Faults.Add(i+1, "attribute %d: %v", i+1, err)
			continue
		}
		reason := info
		if a.Comment != "" {
			reason = strings.TrimPrefix(info+": "+a.Comment, ": ")
		}
		if reason == "" {
			reason = a.Category
		}
		for _, p := range found {
			l.add(p, reason)
		}
	}
}
