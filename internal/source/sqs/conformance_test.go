package sqs

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/source"
	"bluetrail/internal/source/sourcetest"
)

func TestConformance(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.Case {
		q, b, db := &queue{}, &bucket{objects: map[string][]byte{}, failing: map[string]int{}}, letters(t)
		write := func(name, text string) {
			b.objects[name] = []byte(text)
			q.put(announce(url.QueryEscape(name)))
		}
		return sourcetest.Case{
			Open: func(*testing.T) (source.Source, func() error) {
				o := options(q, b, db)
				o.Visibility, o.retry = time.Hour, time.Hour
				s := New(o)
				return s, func() error { s.Close(); return nil }
			},
			Put:     func(_ *testing.T, name string, records []string) { write(name, strings.Join(records, "\n")+"\n") },
			Break:   func(_ *testing.T, name string) { write(name, "\x1f\x8bno gzip") },
			Endless: true,
		}
	})
}
