package inspect

import (
	"encoding/json"
	"slices"
	"strings"
)

// policy is the policy of a bucket, queue or key.
type policy struct {
	Statement list[statement]
}

type statement struct {
	Effect    string
	Principal principal
	Action    list[string]
	Condition map[string]map[string]list[string]
}

// list is a list that JSON may write as its only element.
type list[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (l *list[T]) UnmarshalJSON(text []byte) error {
	var many []T
	if err := json.Unmarshal(text, &many); err == nil {
		*l = many
		return nil
	}
	var one T
	err := json.Unmarshal(text, &one)
	*l = list[T]{one}
	return err
}

// principal is who a statement is about; Anyone = "*", alone or for AWS.
type principal struct {
	Anyone   bool
	Services list[string]
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *principal) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		p.Anyone = one == "*"
		return nil
	}
	var m map[string]list[string]
	err := json.Unmarshal(text, &m)
	p.Anyone, p.Services = slices.Contains(m["AWS"], "*"), m["Service"]
	return err
}

// allows reports whether an action of a service is among the actions of a statement.
func (s *statement) allows(action string) bool {
	return slices.ContainsFunc(s.Action, func(a string) bool {
		a, action := strings.ToLower(a), strings.ToLower(action)
		prefix, star := strings.CutSuffix(a, "*")
		return a == action || star && strings.HasPrefix(action, prefix)
	})
}

// narrowed reports whether a statement has a condition on one of some keys.
func (s *statement) narrowed(keys ...string) bool {
	for _, values := range s.Condition {
		for key := range values {
			if slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, key) }) {
				return true
			}
		}
	}
	return false
}

// from are the keys that say for whom a service acts.
var from = []string{"aws:SourceArn", "aws:SourceAccount", "aws:SourceOrgID"}

// anyone returns the actions that everybody may do, without any condition.
func (p *policy) anyone() (actions []string) {
	for i := range p.Statement {
		if s := &p.Statement[i]; s.Effect == "Allow" && s.Principal.Anyone && len(s.Condition) == 0 {
			actions = append(actions, s.Action...)
		}
	}
	return actions
}

// service reports whether services may do an action, and whether each statement that
// says so is narrowed to a source.
func (p *policy) service(action string, services ...string) (may, narrow bool) {
	narrow = true
	for i := range p.Statement {
		s := &p.Statement[i]
		if s.Effect != "Allow" || !s.allows(action) || !slices.ContainsFunc(s.Principal.Services, func(name string) bool { return slices.Contains(services, name) }) {
			continue
		}
		may = true
		narrow = narrow && s.narrowed(from...)
	}
	return may, may && narrow
}

// tlsOnly reports whether requests without TLS are denied.
func (p *policy) tlsOnly() bool {
	return slices.ContainsFunc(p.Statement, func(s statement) bool {
		return s.Effect == "Deny" && s.Principal.Anyone && s.narrowed("aws:SecureTransport")
	})
}
