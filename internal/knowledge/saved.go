package knowledge

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
)

// SavedSearch implements exec.Knowledge.
func (k *Knowledge) SavedSearch(name string) (string, bool) {
	text, ok := k.saved()[name]
	return text, ok
}

// SavedFilter implements filter.Classes. It returns the saved search as a
// condition, which is possible only if the search has no commands.
func (k *Knowledge) SavedFilter(name string) (filter.Expr, error) {
	text, ok := k.SavedSearch(name)
	if !ok {
		e := fmt.Errorf("there is no saved search %q", name)
		if hint := diag.Suggest(name, k.SavedSearchNames(), "saved searches"); hint != "" {
			e = fmt.Errorf("%w (%s)", e, hint)
		}
		return nil, e
	}
	text, err := syntax.ExpandMacros(text, k, expr.EvalConstant)
	if err != nil {
		return nil, fmt.Errorf("cannot read the saved search %q: %w", name, err)
	}
	q, err := syntax.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("cannot read the saved search %q: %w", name, err)
	}
	search, ok := q.Stages[0].Cmd.(interface{ Filter() filter.Expr })
	if !ok || len(q.Stages) > 1 {
		return nil, fmt.Errorf("the saved search %q has commands, so it is no condition of a search; run it with | savedsearch", name)
	}
	if e := search.Filter(); len(syntax.SearchQueries(e)) == 0 {
		return e, nil
	}
	return nil, fmt.Errorf("the saved search %q has a subsearch, so it is no condition of a search; run it with | savedsearch", name)
}

// SavedSearchNames implements exec.Knowledge; the names are sorted.
func (k *Knowledge) SavedSearchNames() []string { return slices.Sorted(maps.Keys(k.saved())) }

// loadSaved reads savedsearches.conf.
func (k *Knowledge) loadSaved() map[string]string {
	all := map[string]string{}
	k.eachStanza("savedsearches.conf", func(_, _ string, s *stanza) error {
		text := strings.TrimSpace(s.settings["search"])
		if text == "" {
			return errors.New("search is missing")
		}
		all[s.name] = text
		return nil
	})
	return all
}

// Saved is one search of a savedsearches.conf.
type Saved struct{ Name, Description, Search string }

// ReadSaved reads the searches of a file in order; stanzas that only change
// settings are skipped. It returns the readable searches together with the
// error.
func ReadSaved(file string) ([]Saved, error) {
	text, err := readText(file)
	if err != nil {
		return nil, err
	}
	stanzas, problems := parseConf(file, text)
	var list []Saved
	for _, s := range stanzas {
		if text := strings.TrimSpace(s.settings["search"]); text != "" {
			list = append(list, Saved{s.name, s.settings["description"], text})
		}
	}
	return list, errors.Join(problems...)
}
