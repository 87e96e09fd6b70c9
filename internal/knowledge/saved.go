package knowledge

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// SavedSearch implements exec.Knowledge.
func (k *Knowledge) SavedSearch(name string) (string, bool) {
	text, ok := k.saved()[name]
	return text, ok
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

// ReadSaved reads the searches of one file in their order; stanzas that only
// change settings are left out. It returns those it could read together with
// the error.
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
