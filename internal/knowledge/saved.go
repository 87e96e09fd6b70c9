package knowledge

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
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
type Saved struct {
	Name     string
	Settings map[string]string // search is never empty
	Line     int               // of its stanza, counted from 1
}

// ReadSaved reads the searches of a file in order. The local/ folder beside a
// default/ folder changes the settings of its searches; what only stands in local/
// is read from there. Stanzas without a search are skipped. It returns the readable
// searches together with the error.
func ReadSaved(file string) ([]Saved, error) {
	stanzas, problems, text, err := readStanzas(file)
	if err != nil {
		return nil, err
	}
	app := filepath.Dir(filepath.Dir(file))
	beside := func(layer string) map[string]*stanza {
		other := filepath.Join(app, layer, filepath.Base(file))
		list, bad, _, err := readStanzas(other)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			problems = append(problems, fmt.Errorf("cannot read %q: %w", other, err))
		case layer == "local": // default's own faults are told where it is read
			problems = append(problems, bad...)
		}
		byName := map[string]*stanza{}
		for _, s := range list {
			byName[s.name] = s
		}
		return byName
	}
	var over, under map[string]*stanza
	switch filepath.Base(filepath.Dir(file)) {
	case "default":
		over = beside("local")
	case "local":
		if under = beside("default"); len(under) > 0 {
			problems = nil
		}
	}
	var list []Saved
	line, at := 1, 0
	for _, s := range stanzas {
		line, at = line+strings.Count(text[at:s.span.Start], "\n"), s.span.Start
		if under[s.name] != nil {
			continue
		}
		if o := over[s.name]; o != nil {
			maps.Copy(s.settings, o.settings)
		}
		if strings.TrimSpace(s.settings["search"]) != "" {
			list = append(list, Saved{s.name, s.settings, line})
		}
	}
	return list, errors.Join(problems...)
}

func readStanzas(file string) (list []*stanza, problems []error, text string, err error) {
	if text, err = readText(file); err != nil {
		return nil, nil, "", err
	}
	list, problems = parseConf(file, text)
	return list, problems, text, nil
}
