package enrich

import "fmt"

// Faults are the lines of a file that could not be used. They stop nothing else.
type Faults struct {
	Lines int    // how many
	First int    // the first of them, counted from 1
	Why   string // what is wrong with it
}

// Add counts a line.
func (f *Faults) Add(line int, format string, args ...any) {
	if f.Lines++; f.Lines == 1 {
		f.First, f.Why = line, fmt.Sprintf(format, args...)
	}
}

// Err returns nil if there are none.
func (f *Faults) Err() error {
	switch f.Lines {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("line %d cannot be used: %s", f.First, f.Why)
	}
	return fmt.Errorf("%d lines cannot be used, the first is line %d: %s", f.Lines, f.First, f.Why)
}
