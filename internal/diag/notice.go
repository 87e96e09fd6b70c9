package diag

import "fmt"

// Level says how much a notice matters.
type Level uint8

// The levels of notices.
const (
	Note    Level = iota // worth knowing
	Warning              // the result may not be what was meant
	Problem              // some input could not be read
)

// Notice is something a person must know about work that went on all the same.
type Notice struct {
	Level  Level
	Object string // a file, a lookup, …; may be empty
	Text   string
}

// String returns the notice as one line.
func (n Notice) String() string {
	if n.Object == "" {
		return n.Text
	}
	return n.Object + ": " + n.Text
}

// More stands for n problems that are counted, not listed.
func More(n int64) Notice {
	return Notice{Level: Problem, Text: fmt.Sprintf("%d more similar problems", n)}
}
