package filter

import (
	"strings"

	"bluetrail/internal/diag"
)

// EventType is a named search; matching events have the name in eventtype.
type EventType struct {
	Name   string
	Search Expr
}

// FieldTag is a tag of events in which a field has a value. Event types are
// tagged as values of eventtype.
type FieldTag struct{ Field, Value, Tag string }

// Classes are the event types and tags besides the built-in ones.
type Classes interface {
	EventTypes() []EventType
	FieldTags() []FieldTag
	// SavedFilter returns the saved search with that name as an expression.
	SavedFilter(name string) (Expr, error)
}

// savedField is the field name in a test that refers to a saved search.
const savedField = "savedsearch"

// maxClassDepth limits the nesting of event types that use other event types.
const maxClassDepth = 20

// maxClassTests limits the size of the expanded class tests, in parts of the
// search. An event type that uses itself twice reaches this limit long before
// the depth limit.
const maxClassTests = 100000

// ExpandClasses replaces tests of eventtype, tag, tag::field and savedsearch
// with the definitions in classes. It expands only = and IN; != stays as it is.
// classes may be nil.
func ExpandClasses(e Expr, classes Classes) (Expr, error) {
	x := &expander{classes: classes}
	if classes != nil {
		x.types, x.tags = classes.EventTypes(), classes.FieldTags()
	}
	return x.expand(e, 0)
}

type expander struct {
	classes Classes // nil = none
	types   []EventType
	tags    []FieldTag
	tests   int // parts visited
}

func (x *expander) expand(e Expr, depth int) (Expr, error) {
	if x.tests++; x.tests > maxClassTests {
		return nil, diag.At(e.Place(), "the event types and tags of this search expand to more than %d conditions", maxClassTests).WithHint("does one use itself?")
	}
	if depth > maxClassDepth {
		return nil, diag.At(e.Place(), "event types and tags refer to each other more than %d levels deep", maxClassDepth).WithHint("does one use itself?")
	}
	list := func(args []Expr) ([]Expr, error) {
		out := make([]Expr, len(args))
		for i, a := range args {
			var err error
			if out[i], err = x.expand(a, depth); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	switch e := e.(type) {
	case *And:
		args, err := list(e.Args)
		return &And{Span: e.Span, Args: args}, err
	case *Or:
		args, err := list(e.Args)
		return &Or{Span: e.Span, Args: args}, err
	case *Not:
		arg, err := x.expand(e.Arg, depth)
		return &Not{Span: e.Span, Arg: arg}, err
	case *In:
		if !classField(e.Field) {
			return e, nil
		}
		args := make([]Expr, len(e.Values))
		for i, v := range e.Values {
			args[i] = &Compare{Span: e.Span, Field: e.Field, Op: "=", Value: v}
		}
		return x.expand(&Or{Span: e.Span, Args: args}, depth)
	case *Compare:
		if e.Op == "=" && classField(e.Field) && e.Sub == nil {
			return x.class(e, depth)
		}
	}
	return e, nil
}

func classField(name string) bool {
	return name == "eventtype" || name == savedField || name == "tag" || strings.HasPrefix(name, "tag::")
}

// class expands a test of eventtype or a tag with all definitions that satisfy
// it.
func (x *expander) class(e *Compare, depth int) (Expr, error) {
	if e.Field == savedField {
		return x.saved(e, depth)
	}
	any := &Or{Span: e.Span, Args: []Expr{e}}
	wanted := Wildcard(e.Value, e.Case)
	if e.Field == "eventtype" {
		for _, t := range x.types {
			if wanted(t.Name) {
				s, err := x.expand(t.Search, depth+1)
				if err != nil {
					return nil, err
				}
				any.Args = append(any.Args, s)
			}
		}
		return any, nil
	}
	_, field, _ := strings.Cut(e.Field, "::")
	for _, t := range x.tags {
		if !wanted(t.Tag) || field != "" && field != t.Field {
			continue
		}
		s, err := x.expand(&Compare{Span: e.Span, Field: t.Field, Op: "=", Value: t.Value}, depth+1)
		if err != nil {
			return nil, err
		}
		any.Args = append(any.Args, s)
	}
	return any, nil
}

// saved returns the saved search that a test refers to.
func (x *expander) saved(e *Compare, depth int) (Expr, error) {
	if x.classes == nil {
		return nil, diag.At(e.Span, "there are no saved searches").WithHint("give the folder of savedsearches.conf with --knowledge")
	}
	s, err := x.classes.SavedFilter(e.Value)
	if err != nil {
		return nil, diag.At(e.Span, "%s", err)
	}
	return x.expand(s, depth+1)
}
