// Package lookup holds lookup tables and finds their rows by keys.
package lookup

import (
	"strings"

	"bluetrail/internal/vector"
)

// Table is a lookup: rows of named columns and how keys match them. An empty
// cell is a missing value. It must not be changed.
type Table struct {
	Name          string
	Columns       []string
	Rows          [][]string
	Lists         map[int]int       // column -> where its rows have several values, behind the columns; see SplitList
	Match         map[string]string // column -> EXACT, WILDCARD or CIDR; EXACT when absent
	IgnoreCase    bool
	MaxMatches    int // 0 = 100
	MinMatches    int
	DefaultMatch  string
	TimeField     string
	TimeFormat    string
	MaxOffsetSecs int
	MinOffsetSecs int
	Bytes         int      // of memory that it takes, about; 0 = few
	Notes         []string // what was odd about the file, for the user's eyes
}

// Value returns a cell as a value, an empty one as null.
func (t *Table) Value(row, col int) vector.Value {
	cells := t.Rows[row]
	if col < 0 || col >= len(cells) || cells[col] == "" {
		return vector.Value{}
	}
	if at, ok := t.Lists[col]; ok && at < len(cells) && cells[at] != "" {
		if list, ok := SplitList(cells[at]); ok {
			return vector.Strings(list)
		}
	}
	return vector.String(cells[col])
}

// ListColumn begins the name of the column in a file that has the several
// values of another column, as Splunk writes them.
const ListColumn = "__mv_"

// JoinList writes several values as one text: each between dollar signs, with
// those in it doubled, and semicolons between.
func JoinList(values []string) string {
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteByte(';')
		}
		b.WriteString("$" + strings.ReplaceAll(v, "$", "$$") + "$")
	}
	return b.String()
}

// SplitList reads what JoinList writes.
func SplitList(s string) ([]string, bool) {
	var list []string
	for {
		if !strings.HasPrefix(s, "$") {
			return nil, false
		}
		var b strings.Builder
		i := 1
		for ; i < len(s); i++ {
			if s[i] == '$' {
				if i+1 == len(s) || s[i+1] != '$' {
					break
				}
				i++
			}
			b.WriteByte(s[i])
		}
		if i >= len(s) {
			return nil, false
		}
		list = append(list, b.String())
		switch rest := s[i+1:]; {
		case rest == "":
			return list, true
		case rest[0] != ';':
			return nil, false
		default:
			s = rest[1:]
		}
	}
}
