package hec

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math"
	"strconv"
	"strings"

	"bluetrail/internal/config"
	"bluetrail/internal/event"
	"bluetrail/internal/jsonscan"
	"bluetrail/internal/source/inbox"
)

// maxDepth bounds the nesting of a request, as that of a record.
const maxDepth = 512

// parser takes a request of /services/collector/event apart.
type parser struct {
	token  *config.Token
	source *config.Source
	meta   event.Meta // of events that name none
	time   int64      // likewise
	body   *inbox.Body
	stream string

	parts []inbox.Part
	index map[event.Meta]int
	count int   // events so far
	bad   reply // of the first event that was refused; Code success = none
}

// refuse notes what is wrong with the current event.
func (p *parser) refuse(c code) {
	if p.bad.Code == success {
		p.bad = of(c).at(p.count)
	}
}

// parse reads the objects of a body, one after the other. Events with wrong metadata
// are left out; text that is no JSON ends it.
func (p *parser) parse() error {
	text := p.body.Text
	for i := jsonscan.Space(text, 0); i < len(text); i = jsonscan.Space(text, i) {
		if text[i] != '{' {
			p.refuse(invalidFormat)
			return nil
		}
		end, err := jsonscan.Skip(text, i, maxDepth)
		if err != nil {
			p.refuse(invalidFormat)
			return nil
		}
		if err := p.event(text[i:end:end]); err != nil {
			return err
		}
		p.count++
		i = end
	}
	if p.count == 0 && p.bad.Code == success {
		p.bad = of(noData)
	}
	return nil
}

// envelope is what an object says beside the event.
type envelope struct {
	event, fields []byte
	time          []byte
	meta          event.Meta
	wrong         bool // a member has a wrong type
}

func (p *parser) event(raw []byte) error {
	e := envelope{meta: p.meta}
	_, _ = jsonscan.Object(raw, 0, maxDepth, func(key string, val []byte) bool {
		switch key {
		case "event":
			e.event = val
		case "fields":
			e.fields = val
		case "time":
			e.time = val
		case "host":
			e.text(val, &e.meta.Host)
		case "source":
			e.text(val, &e.meta.Source)
		case "sourcetype":
			e.text(val, &e.meta.Sourcetype)
		case "index":
			e.text(val, &e.meta.Index)
		}
		return true
	})
	when, timed := p.time, true
	if e.time != nil && string(e.time) != "null" {
		when, timed = parseTime(jsonscan.Scalar(e.time))
	}
	fields, flat := flatFields(e.fields)
	kind := jsonscan.Composite
	if e.event != nil {
		kind = jsonscan.KindOf(e.event)
	}
	blank := kind == jsonscan.String && strings.TrimSpace(jsonscan.Text(e.event)) == ""
	switch {
	case e.event == nil || string(e.event) == "null":
		p.refuse(eventRequired)
	case blank:
		p.refuse(eventBlank)
	case e.wrong || !timed:
		p.refuse(invalidFormat)
	case !flat:
		p.refuse(fieldsError)
	case !Allowed(p.token, p.source, e.meta.Index):
		p.refuse(incorrectIndex)
	default:
		text, copied := record(raw, e.event, fields)
		if copied {
			if err := p.body.Grow(int64(len(text))); err != nil {
				return err
			}
		}
		return p.add(e.meta, inbox.Piece{Text: text, Time: when})
	}
	return nil
}

func (e *envelope) text(val []byte, to *string) {
	switch {
	case string(val) == "null":
	case jsonscan.KindOf(val) != jsonscan.String:
		e.wrong = true
	default:
		if s := jsonscan.Text(val); s != "" {
			*to = strings.Clone(s)
		}
	}
}

// add puts a piece to those with the same metadata.
func (p *parser) add(meta event.Meta, piece inbox.Piece) error {
	at, ok := p.index[meta]
	if !ok {
		if at = len(p.parts); at >= inbox.MaxParts {
			return inbox.ErrTooMany
		}
		p.index[meta] = at
		p.parts = append(p.parts, inbox.Part{Meta: meta, Stream: p.stream + "\n" + strconv.Itoa(at)})
	}
	if err := p.body.Grow(inbox.PieceBytes); err != nil {
		return err
	}
	p.parts[at].Pieces = append(p.parts[at].Pieces, piece)
	return nil
}

// record returns the text of a record. An event that is JSON, or JSON in a string, is
// the record; what is not remains in its envelope.
func record(raw, val []byte, fields []field) (text []byte, copied bool) {
	text = val
	switch val[0] {
	case '{', '[':
	case '"':
		s := bytes.TrimSpace([]byte(jsonscan.Text(val)))
		end := 0
		if len(s) > 0 && (s[0] == '{' || s[0] == '[') {
			if n, err := jsonscan.Skip(s, 0, maxDepth); err == nil {
				end = n
			}
		}
		if end == 0 || end < len(s) {
			return raw, false
		}
		text, copied = s, true
	default:
		return raw, false
	}
	return withFields(text, fields), copied || len(fields) > 0
}

// field is an indexed field of an event.
type field struct {
	name string
	val  []byte
}

// flatFields returns the indexed fields; ok is false unless they are an object of
// scalars and arrays of scalars.
func flatFields(val []byte) (fields []field, ok bool) {
	if val == nil || string(val) == "null" {
		return nil, true
	}
	if val[0] != '{' {
		return nil, false
	}
	ok = true
	scalar := func(v []byte) bool { return jsonscan.KindOf(v) != jsonscan.Composite }
	_, _ = jsonscan.Object(val, 0, maxDepth, func(key string, v []byte) bool {
		if v[0] == '[' {
			_, _ = jsonscan.Array(v, 0, maxDepth, func(x []byte) bool { ok = ok && scalar(x); return ok })
		} else {
			ok = ok && scalar(v)
		}
		fields = append(fields, field{strings.Clone(key), v})
		return ok
	})
	return fields, ok
}

// withFields adds fields to the end of a record, so that searches find them under their
// names. Those that the record has itself, and those of bluetrail, are left out.
func withFields(text []byte, fields []field) []byte {
	if len(fields) == 0 || text[0] != '{' {
		return text
	}
	has := map[string]bool{}
	_, _ = jsonscan.Object(text, 0, maxDepth, func(key string, _ []byte) bool { has[key] = true; return true })
	out := bytes.TrimRight(text, " \t\r\n")
	out = append(make([]byte, 0, len(out)+64), out[:len(out)-1]...)
	none := len(has) == 0
	for _, f := range fields {
		if has[f.name] || f.name == "" || strings.HasPrefix(f.name, "_") || event.IsDefault(f.name) {
			continue
		}
		if !none {
			out = append(out, ',')
		}
		has[f.name], none = true, false
		out = append(jsonscan.AppendQuoted(out, f.name), ':')
		out = append(out, f.val...)
	}
	return append(out, '}')
}

// Allowed reports whether a token may write to an index.
func Allowed(t *config.Token, s *config.Source, index string) bool {
	if index == t.Index && index != "" || index == s.Index && t.Index == "" || index == event.DefaultIndex && t.Index == "" && s.Index == "" {
		return true
	}
	for _, x := range t.Indexes {
		if x == index || x == "*" && config.ValidIndex(index) {
			return true
		}
	}
	return false
}

// parseTime parses seconds since 1970, with or without a fraction.
func parseTime(text string) (ns int64, ok bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(f) || f < 0 || f > 1<<33 {
		return 0, false
	}
	whole, fraction, _ := strings.Cut(strings.TrimSpace(text), ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil { // 1.7e9
		return int64(f * 1e9), true
	}
	fraction = (fraction + "000000000")[:9]
	n, err := strconv.ParseInt(fraction, 10, 64)
	if err != nil {
		return int64(f * 1e9), true
	}
	return sec*1e9 + n, true
}

// streamOf names the records of a request without eventID: the same request sent again
// has the same name.
func streamOf(token, channel string, text []byte) string {
	return fmt.Sprintf("hec %s %s %x", token, channel, sha256.Sum256(text))
}
