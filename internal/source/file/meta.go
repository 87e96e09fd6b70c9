package file

import (
	"bluetrail/internal/event"
)

// Meta returns what is known of the records of a file beside their text. An
// empty sourcetype is told from each record.
func (f *File) Meta(index, sourcetype string) event.Meta {
	m := event.Meta{Index: index, Sourcetype: sourcetype, Source: f.Path, Host: event.DefaultHost, Fallback: f.Mod.UnixNano(), Guessed: true}
	if !f.Delivered.IsZero() {
		m.Fallback, m.Guessed = f.Delivered.UnixNano(), false
	}
	if m.Index == "" {
		m.Index = event.DefaultIndex
	}
	return m
}
