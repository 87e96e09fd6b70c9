package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"bluetrail/internal/auth"
	"bluetrail/internal/diag"
	"bluetrail/internal/event"
	"bluetrail/internal/plan"
	"bluetrail/internal/search"
	"bluetrail/internal/search/job"
	"bluetrail/internal/spl/syntax"
)

func (s *Server) languageRoutes() []route {
	words := func(list func(r *http.Request) ([]word, error)) func(http.ResponseWriter, *http.Request) error {
		return func(w http.ResponseWriter, r *http.Request) error {
			items, err := list(r)
			if err != nil {
				return err
			}
			return ok(w, listOf(items))
		}
	}
	return []route{
		{"POST /api/v1/search/parse", auth.Viewer, s.parseSearch},
		{"POST /api/v1/search/complete", auth.Viewer, s.completeSearch},
		{"GET /api/v1/language/commands", auth.Viewer, words(commandWords)},
		{"GET /api/v1/language/functions", auth.Viewer, words(functionWords)},
		{"GET /api/v1/language/aggregates", auth.Viewer, words(aggregateWords)},
		{"GET /api/v1/language/fields", auth.Viewer, words(s.fieldWords)},
		{"GET /api/v1/language/macros", auth.Viewer, words(s.macroWords)},
	}
}

// word is a command, function, aggregate, field or macro, with what is known of
// it.
type word struct {
	Name     string        `json:"name"`
	Aliases  []string      `json:"aliases,omitempty"`
	Kind     string        `json:"kind,omitempty"`
	Group    string        `json:"group,omitempty"`
	Syntax   string        `json:"syntax,omitempty"`
	Summary  string        `json:"summary,omitempty"`
	Doc      string        `json:"doc,omitempty"`
	Args     []wordArg     `json:"args,omitempty"`
	Examples []wordExample `json:"examples,omitempty"`
}

type wordArg struct {
	Name    string `json:"name"`
	Default string `json:"default,omitempty"`
	Doc     string `json:"doc"`
}

type wordExample struct {
	Doc    string   `json:"doc,omitempty"`
	Search string   `json:"search"`
	Events []string `json:"events,omitempty"`
	Rows   []string `json:"rows,omitempty"`
}

func examplesOf(list []syntax.Example) (out []wordExample) {
	for _, e := range list {
		out = append(out, wordExample{e.Doc, e.Search, e.Events, e.Want})
	}
	return out
}

func commandWords(*http.Request) (list []word, err error) {
	for _, d := range syntax.Commands() {
		w := word{Name: d.Name, Aliases: d.Aliases, Kind: string(d.Kind), Syntax: d.Syntax, Summary: d.Summary, Doc: d.Doc, Examples: examplesOf(d.Examples)}
		for _, a := range d.Args {
			w.Args = append(w.Args, wordArg{a.Name, a.Default, a.Doc})
		}
		list = append(list, w)
	}
	return list, nil
}

func functionWords(*http.Request) (list []word, err error) {
	for _, d := range syntax.Functions() {
		list = append(list, word{Name: d.Name, Aliases: d.Aliases, Group: d.Group, Syntax: d.Syntax, Summary: firstSentence(d.Doc), Doc: d.Doc, Examples: examplesOf(d.Examples)})
	}
	return list, nil
}

func aggregateWords(*http.Request) (list []word, err error) {
	for _, d := range syntax.Aggregates() {
		list = append(list, word{Name: d.Name, Aliases: d.Aliases, Syntax: d.Syntax, Summary: firstSentence(d.Doc), Doc: d.Doc, Examples: examplesOf(d.Examples)})
	}
	return list, nil
}

// firstSentence returns the beginning of a doc.
func firstSentence(doc string) string {
	doc = strings.Join(strings.Fields(doc), " ")
	if i := strings.Index(doc, ". "); i >= 0 {
		return doc[:i+1]
	}
	return doc
}

// fieldWords lists the catalogue and what other fields events have.
func (s *Server) fieldWords(r *http.Request) (list []word, err error) {
	known := map[string]bool{}
	for _, f := range event.Fields() {
		known[f.Name] = true
		list = append(list, word{Name: f.Name, Group: string(f.Group), Summary: firstSentence(f.Doc), Doc: f.Doc})
	}
	for _, f := range s.met(r.Context()).List {
		if !known[f.Name] {
			list = append(list, word{Name: f.Name, Group: "record"})
		}
	}
	slices.SortFunc(list, func(a, b word) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

func (s *Server) macroWords(*http.Request) (list []word, err error) {
	know, err := s.cfg.Knowledge()
	if err != nil {
		return nil, err
	}
	for _, name := range know.MacroNames() {
		for args := range maxMacroArgs {
			if m, ok := know.Macro(name, args); ok {
				w := word{Name: name, Syntax: "`" + name + "`", Summary: m.Definition}
				if args > 0 {
					w.Syntax = "`" + name + "(" + strings.Join(m.Args, ", ") + ")`"
				}
				list = append(list, w)
			}
		}
	}
	return list, nil
}

// maxMacroArgs bounds the overloads of a macro that are listed.
const maxMacroArgs = 10

type parsedCommand struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Text    string `json:"text"`
	Place   *Place `json:"place,omitempty"`
	Summary string `json:"summary,omitempty"`
}

type parsedStep struct {
	Where string `json:"where"`
	What  string `json:"what"`
}

type parsed struct {
	OK       bool            `json:"ok"`
	Error    *errorBody      `json:"error,omitempty"`
	Commands []parsedCommand `json:"commands"`
	Events   bool            `json:"events"`
	Front    string          `json:"front"`
	Writes   bool            `json:"writes"`
	Expanded string          `json:"expanded,omitempty"`
	Steps    []parsedStep    `json:"steps,omitempty"`
}

func (s *Server) parseSearch(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Search   string `json:"search"`
		Earliest string `json:"earliest"`
		Latest   string `json:"latest"`
		Explain  bool   `json:"explain"`
	}
	if err := decode(w, r, &in); err != nil {
		return err
	}
	know, err := s.cfg.Knowledge()
	if err != nil {
		return err
	}
	out := parsed{Commands: []parsedCommand{}}
	fault := func(err error) error {
		e := asError(searchError(err, in.Search))
		if e == nil {
			e = &Error{Code: "bad_search", Message: err.Error()}
		}
		body := e.body()
		out.OK, out.Error = false, &body
		return ok(w, out)
	}
	q, err := plan.Parse(in.Search, know)
	if err == nil {
		err = syntax.Check(q)
	}
	if err != nil {
		return fault(err)
	}
	out.OK = true
	if q.Text != in.Search {
		out.Expanded = q.Text
	}
	parts := job.PartsOf(q)
	out.Events, out.Front, out.Writes = parts.Events, parts.Front, parts.Writes
	for _, st := range q.Stages {
		out.Commands = append(out.Commands, parsedCommand{st.Def.Name, string(st.Def.Kind), st.Cmd.Print(), &Place{st.Span.Start, st.Span.End}, st.Def.Summary})
	}
	if !in.Explain {
		return ok(w, out)
	}
	err = s.cfg.Jobs.Once(r.Context(), job.Ask{Search: in.Search, Earliest: in.Earliest, Latest: in.Latest, User: user(r), Refused: refusedIndexes(r)}, mayWrite(r), func(sr *search.Search) error {
		for _, step := range sr.Steps() {
			out.Steps = append(out.Steps, parsedStep{step.Where, diag.Printable(step.What)})
		}
		return errExplained
	})
	if err != nil && !errors.Is(err, errExplained) {
		if errors.Is(err, context.Canceled) {
			return err
		}
		return fault(err)
	}
	return ok(w, out)
}

// errExplained ends a search that is only explained, so that nothing that it
// would write is kept.
var errExplained = errors.New("explained")
