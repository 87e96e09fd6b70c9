package knowledge

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
)

// classes are the event types and tags from all folders.
type classes struct {
	types []filter.EventType
	tags  []filter.FieldTag
}

// EventTypes implements exec.Knowledge. It returns those of eventtypes.conf, by
// name.
func (k *Knowledge) EventTypes() []filter.EventType { return k.classes().types }

// FieldTags implements exec.Knowledge. It returns the enabled tags of
// tags.conf, by field, value and tag.
func (k *Knowledge) FieldTags() []filter.FieldTag { return k.classes().tags }

func (k *Knowledge) loadClasses() *classes {
	types, tags := map[string]filter.EventType{}, map[filter.FieldTag]bool{}
	k.eachStanza("eventtypes.conf", func(_, _ string, s *stanza) error {
		if Truth(s.settings["disabled"], false) {
			delete(types, s.name)
			return nil
		}
		if strings.Contains(s.name, "%") {
			return errors.New("event types with fields in their names are not supported")
		}
		text := strings.TrimSpace(s.settings["search"])
		if text == "" {
			return errors.New("search is missing")
		}
		text, err := syntax.ExpandMacros(text, k, expr.EvalConstant)
		if err != nil {
			return err
		}
		e, err := syntax.ParseSearch("search", text)
		if err != nil {
			return err
		}
		if len(syntax.SearchQueries(e)) > 0 {
			return errors.New("an event type cannot use a subsearch; put the values into the search, or look them up with a lookup")
		}
		types[s.name] = filter.EventType{Name: s.name, Search: e}
		for _, tag := range strings.Fields(s.settings["tags"]) {
			tags[filter.FieldTag{Field: "eventtype", Value: s.name, Tag: tag}] = true
		}
		return nil
	})
	k.eachStanza("tags.conf", func(_, _ string, s *stanza) error {
		field, value, ok := strings.Cut(s.name, "=")
		if !ok || field == "" {
			return errors.New("write a stanza of tags as [field=value]")
		}
		if plain, err := url.PathUnescape(value); err == nil { // percent-encoded, such as %20
			value = plain
		}
		for tag, state := range s.settings {
			switch strings.ToLower(state) {
			case "enabled", "disabled":
				tags[filter.FieldTag{Field: strings.TrimSpace(field), Value: strings.TrimSpace(value), Tag: tag}] = strings.EqualFold(state, "enabled")
			default:
				return fmt.Errorf("the tag %q must be enabled or disabled, not %q", tag, state)
			}
		}
		return nil
	})
	c := &classes{}
	for _, t := range types {
		c.types = append(c.types, t)
	}
	slices.SortFunc(c.types, func(a, b filter.EventType) int { return strings.Compare(a.Name, b.Name) })
	for t, enabled := range tags {
		if enabled {
			c.tags = append(c.tags, t)
		}
	}
	slices.SortFunc(c.tags, func(a, b filter.FieldTag) int {
		return strings.Compare(a.Field+"\x00"+a.Value+"\x00"+a.Tag, b.Field+"\x00"+b.Value+"\x00"+b.Tag)
	})
	c.types = slices.DeleteFunc(c.types, func(t filter.EventType) bool {
		_, err := filter.ExpandClasses(t.Search, c)
		if err != nil {
			k.problem(fmt.Errorf("eventtypes.conf: [%s]: %w", t.Name, err))
		}
		return err != nil
	})
	return c
}

// EventTypes implements filter.Classes.
func (c *classes) EventTypes() []filter.EventType { return c.types }

// FieldTags implements filter.Classes.
func (c *classes) FieldTags() []filter.FieldTag { return c.tags }

// SavedFilter implements filter.Classes; event types cannot use saved searches.
func (c *classes) SavedFilter(name string) (filter.Expr, error) {
	return nil, errors.New("an event type cannot use a saved search")
}
