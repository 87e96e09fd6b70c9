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
	Place  int64  // for a part of a file that could not be read: its byte offset there, unpacked; or one of the below
	Text   string
}

// Places of problems that have no offset.
const (
	Whole  = -1 // the object as a whole
	Others = -2 // further ones, which are counted
)

// Unreadable is the problem of an object that could not be read as a whole.
func Unreadable(object, why string) Notice {
	return Notice{Level: Problem, Object: object, Place: Whole, Text: why}
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
