package spl

import (
	"context"

	"bluetrail/internal/filter"
	"bluetrail/internal/lookup"
)

// Knowledge is what searches reach by name: lookups, saved searches,
// transaction types, extractions, event types and tags. It is safe for
// concurrent use. Lists of names are sorted.
type Knowledge interface {
	// Table opens a lookup by definition name or file name. The error of an
	// unknown one says which there are, and is ErrNoTable.
	Table(name string) (*lookup.Table, error)
	// WriteTable stores a table under a definition's or a file's name, in the
	// place of what has it. Nothing is changed when that fails or ctx ends.
	WriteTable(ctx context.Context, name string, t *lookup.Table) error
	LookupNames() []string

	SavedSearch(name string) (text string, ok bool)
	SavedSearchNames() []string

	// TransactionType returns the settings of a stanza of transactiontypes.conf.
	TransactionType(name string) (settings map[string]string, ok bool)
	TransactionTypeNames() []string

	Extraction(name string) (Extraction, bool)
	ExtractionNames() []string

	filter.Classes
}
