package config

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"bluetrail/internal/diag"

	"github.com/goccy/go-yaml"
)

// nearKey names the key that may be meant where an error is about an unknown one, or
// those that there are.
func nearKey(err error, data []byte) string {
	var unknown *yaml.UnknownFieldError
	m := unknownKey.FindStringSubmatch(err.Error())
	if m == nil || !errors.As(err, &unknown) || unknown.Token == nil {
		return ""
	}
	lines := strings.Split(string(data), "\n")
	at := min(unknown.Token.Position.Line, len(lines)) - 1
	section := topLevel(lines, at)
	if section == "sources" {
		return nearSourceKey(m[1], kindAt(lines, at))
	}
	keys := ownKeys(reflect.TypeFor[Config](), nil)
	if f := field(reflect.ValueOf(Config{}), section); f.IsValid() {
		keys = keysOf(f.Type(), nil)
	}
	if near := diag.DidYouMean(m[1], keys); near != "" {
		return "; " + near
	}
	return ""
}

var (
	unknownKey = regexp.MustCompile(`unknown field "([^"]+)"`)
	topKey     = regexp.MustCompile(`^([A-Za-z_]\w*):`)
	kindKey    = regexp.MustCompile(`\bkind:\s*["']?(\w*)`)
)

// topLevel returns the key of the section that a line lies in.
func topLevel(lines []string, at int) string {
	for ; at >= 0; at-- {
		if m := topKey.FindStringSubmatch(lines[at]); m != nil {
			return m[1]
		}
	}
	return ""
}

// kindAt returns the kind of the source whose entry has a line.
func kindAt(lines []string, at int) string {
	inside := func(i int) bool { return i >= 0 && i < len(lines) && topKey.FindString(lines[i]) == "" }
	begins := func(i int) bool { return strings.HasPrefix(strings.TrimSpace(lines[i]), "- ") }
	first, end := at, at+1
	for !begins(first) && inside(first-1) {
		first--
	}
	for inside(end) && !begins(end) {
		end++
	}
	if m := kindKey.FindStringSubmatch(strings.Join(lines[first:end], "\n")); m != nil {
		return m[1]
	}
	return KindDir
}

// nearSourceKey is nearKey of a source.
func nearSourceKey(key, kind string) string {
	k, ok := kinds[kind]
	if !ok {
		return fmt.Sprintf("; there is no kind %q of source either: the kinds are %s", kind, strings.Join(sourceKinds(), ", "))
	}
	common := []string{"kind", "name", "index", "sourcetype", "host", "quiet"}
	if near := diag.DidYouMean(key, append(keysOf(reflect.TypeOf(k.keys), nil), common...)); near != "" {
		return "; " + near
	}
	own := ownKeys(reflect.TypeOf(k.keys), nil)
	slices.Sort(own)
	return fmt.Sprintf("; the keys of a source of kind %s are %s", cmp.Or(kind, KindDir), strings.Join(append(own, common...), ", "))
}

// keysOf returns the keys of a type and of all types within it.
func keysOf(t reflect.Type, keys []string) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return keys
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if name, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); name != "" && name != "-" {
			keys = append(keys, name)
		}
		keys = keysOf(f.Type, keys)
	}
	return keys
}
