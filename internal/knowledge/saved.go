package knowledge

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// SavedSearch implements spl.SavedSearches.
func (k *Knowledge) SavedSearch(name string) (string, bool) {
	text, ok := k.saved()[name]
	return text, ok
}

// SavedSearchNames implements spl.SavedSearches; the names are sorted.
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
