package exec

import (
	"context"
	"errors"

	"bluetrail/internal/enrich"
	"bluetrail/internal/filter"
	"bluetrail/internal/lookup"
)

// Extraction says how fields are made of text: a stanza of transforms.conf that
// is no lookup. It has a regular expression or delimiters.
type Extraction struct {
	Name   string
	Source string // the field that holds the text

	Regex  string
	Format string // "name::$1 …", "" = the named groups

	PairDelims, KVDelims string   // sets of characters
	Fields               []string // names of the pieces, when there are no KVDelims

	Add       bool // keep all values of a field rather than the first
	RawKeys   bool // leave other characters than letters, digits and _ in names
	KeepEmpty bool
}

// Knowledge is what searches reach by name: lookups, saved searches,
// transaction types, extractions, event types and tags. It is safe for
// concurrent use. Lists of names are sorted.
type Knowledge interface {
	// Table opens a lookup by definition name or file name. The error of an
	// unknown one says which there are, and is ErrNoTable. Reading the file ends when
	// env says that the search is cancelled.
	Table(env *Env, name string) (*lookup.Table, error)
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

// ErrNoTable is what the error of Knowledge.Table is when nothing has the name.
var ErrNoTable = errors.New("there is no such lookup")

// Collector takes what collect gives, and puts it into the store once the
// search has ended well. It is safe for concurrent use.
type Collector interface {
	Collect(e Collected) error
}

// Collected is an event for an index, one JSON object.
type Collected struct {
	Index, Source, Sourcetype, Host string
	Event                           []byte
}

// Geo finds where addresses are; false for what the database does not know
// and for what is no address.
type Geo interface {
	Lookup(ip string) (enrich.Location, bool)
}
