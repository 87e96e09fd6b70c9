package config

import (
	"reflect"
	"regexp"
	"strings"

	"bluetrail/internal/diag"
)

var unknownKey = regexp.MustCompile(`unknown field "([^"]+)"`)

// nearKey names the key that may be meant where an error is about an unknown one.
func nearKey(err error) string {
	m := unknownKey.FindStringSubmatch(err.Error())
	if m == nil {
		return ""
	}
	if near := diag.DidYouMean(m[1], keysOf(reflect.TypeFor[Config](), nil)); near != "" {
		return "; " + near
	}
	return ""
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
