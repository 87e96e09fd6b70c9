package exec

import "context"

// Sender sends results of searches to where alerts go. It is safe for concurrent use.
type Sender interface {
	// Send sends a result. The error says if there is no such output.
	Send(ctx context.Context, s *Sending) error
}

// Sending is a result that sendalert or sendemail sends.
type Sending struct {
	Output string   // the name of an output, "" = one of type email
	To     []string // addresses of sendemail
	Title  string
	Text   string
	Names  []string // fields, in order
	Rows   []map[string]string
	Total  int // rows, with those that are not in Rows
}
