package knowledge

import (
	"maps"
	"slices"
)

// TransactionType implements exec.Knowledge.
func (k *Knowledge) TransactionType(name string) (map[string]string, bool) {
	settings, ok := k.txns()[name]
	return settings, ok
}

// TransactionTypeNames implements exec.Knowledge; the names are sorted.
func (k *Knowledge) TransactionTypeNames() []string { return slices.Sorted(maps.Keys(k.txns())) }

// loadTransactions reads transactiontypes.conf.
func (k *Knowledge) loadTransactions() map[string]map[string]string {
	all := map[string]map[string]string{}
	k.eachStanza("transactiontypes.conf", func(_, _ string, s *stanza) error {
		if s.name != "default" {
			all[s.name] = s.settings
		}
		return nil
	})
	return all
}
