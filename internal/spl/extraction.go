package spl

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
