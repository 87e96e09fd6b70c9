package message

import (
	"bytes"
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"text/template"
	"time"
)

// Bounds of what a template writes, in bytes.
const (
	MaxTitle = 1 << 10
	MaxBody  = 32 << 10
)

// Template writes a message for people. What it gets of the message is escaped already,
// so that only the template's own text is markup.
type Template struct{ title, text *template.Template }

// Parse reads templates; empty ones stand for what Heading and Facts say.
func Parse(title, text string) (*Template, error) {
	t := &Template{}
	for _, p := range []struct {
		name, text string
		to         **template.Template
	}{{"title", title, &t.title}, {"text", text, &t.text}} {
		if p.text == "" {
			continue
		}
		x, err := template.New(p.name).Option("missingkey=error").Funcs(template.FuncMap{
			"upper": strings.ToUpper, "lower": strings.ToLower, "clip": func(most int, s string) string { return Clip(s, most) },
			"join": func(sep string, list words) string { return strings.Join(list, sep) },
		}).Parse(p.text)
		if err != nil {
			return nil, fmt.Errorf("cannot read the template %s: %w", p.name, err)
		}
		*p.to = x
	}
	sample := Sample(strings.Repeat("0", 32), time.Unix(0, 0))
	if _, err := t.Title(&sample, Plain); err != nil {
		return nil, err
	}
	_, err := t.Text(&sample, Plain)
	return t, err
}

// OwnText reports whether there is a template for the text.
func (t *Template) OwnText() bool { return t.text != nil }

// Title writes the title of a message, one line.
func (t *Template) Title(m *Message, esc Escape) (string, error) {
	if t.title == nil || m.Alert == nil {
		return esc(m.Heading()), nil
	}
	s, err := run(t.title, m, esc, MaxTitle)
	return strings.Join(strings.Fields(s), " "), err
}

// Text writes the text of a message.
func (t *Template) Text(m *Message, esc Escape) (string, error) {
	if t.text != nil && m.Alert != nil {
		return run(t.text, m, esc, MaxBody)
	}
	var b strings.Builder
	for _, f := range m.Facts() {
		if b.Len() > MaxBody-2*maxValue {
			b.WriteString("…\n")
			break
		}
		b.WriteString(esc(f.Name) + ": " + esc(f.Value) + "\n")
	}
	return b.String(), nil
}

// run runs a template and keeps the first most bytes.
func run(t *template.Template, m *Message, esc Escape, most int) (string, error) {
	w := &limited{left: most}
	if err := t.Execute(w, data(reflect.ValueOf(m).Elem(), esc)); err != nil && !w.full {
		return "", fmt.Errorf("cannot run the template %s: %w", t.Name(), err)
	}
	if w.full {
		return Clip(strings.ToValidUTF8(w.String(), "")+"…", most), nil
	}
	return w.String(), nil
}

// limited takes so many bytes.
type limited struct {
	bytes.Buffer
	left int
	full bool
}

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	if len(p) > l.left {
		l.full = true
		l.Buffer.Write(p[:l.left])
		l.left = 0
		return 0, fmt.Errorf("the text is too long")
	}
	l.left -= len(p)
	return l.Buffer.Write(p)
}

// words are a list that prints as its values.
type words []string

func (w words) String() string { return strings.Join(w, ", ") }

// data returns a value as a template gets it: structs by the JSON names of their fields,
// texts escaped.
func data(v reflect.Value, esc Escape) any {
	if v.CanInterface() {
		if t, ok := v.Interface().(encoding.TextMarshaler); ok && v.Kind() != reflect.Pointer {
			text, _ := t.MarshalText()
			return string(text)
		}
	}
	switch v.Kind() {
	case reflect.String:
		return esc(v.String())
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return data(v.Elem(), esc)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.String {
			list := make(words, v.Len())
			for i := range list {
				list[i] = esc(v.Index(i).String())
			}
			return list
		}
		list := make([]any, v.Len())
		for i := range list {
			list[i] = data(v.Index(i), esc)
		}
		return list
	case reflect.Map:
		m := map[string]any{}
		for _, k := range v.MapKeys() {
			m[esc(k.String())] = data(v.MapIndex(k), esc)
		}
		return m
	case reflect.Struct:
		m := map[string]any{}
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			m[name] = data(v.Field(i), esc)
		}
		return m
	}
	return v.Interface()
}
