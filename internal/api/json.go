package api

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"bluetrail/internal/diag"

	"github.com/klauspost/compress/gzhttp"
)

// answer writes v as JSON.
func answer(w http.ResponseWriter, status int, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	w.Write(append(data, '\n')) // an error means that the client is gone
	return nil
}

// ok writes v as JSON with status 200.
func ok(w http.ResponseWriter, v any) error { return answer(w, http.StatusOK, v) }

// none answers that something was done and there is nothing to say.
func none(w http.ResponseWriter) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// list is an answer with several items.
type list[T any] struct {
	Items []T    `json:"items"`
	Total int    `json:"total"`          // of all pages
	Next  string `json:"next,omitempty"` // the cursor of the next page
}

// listOf returns a list of one page.
func listOf[T any](items []T) list[T] {
	if items == nil {
		items = []T{}
	}
	return list[T]{Items: items, Total: len(items)}
}

// maxJSON bounds the body of a request in JSON, in bytes.
const maxJSON = 1 << 20

// decode reads the JSON body of a request strictly into the struct that v
// points to.
func decode(w http.ResponseWriter, r *http.Request, v any) error {
	return decodeUpTo(w, r, v, maxJSON)
}

// decodeLarge is decode for bodies up to maxBody.
func decodeLarge(w http.ResponseWriter, r *http.Request, v any) error {
	return decodeUpTo(w, r, v, maxBody)
}

func decodeUpTo(w http.ResponseWriter, r *http.Request, v any, most int64) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, most))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			return badRequest("the request has more than one JSON value")
		}
		return nil
	}
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return err
	case err == io.EOF:
		return badRequest("the request has no body; send JSON")
	case errors.As(err, &kind):
		return badRequest("%q must be %s, not %s", kind.Field, jsonKind(kind.Type), kind.Value)
	}
	if name, found := strings.CutPrefix(err.Error(), "json: unknown field "); found {
		if plain, uerr := strconv.Unquote(name); uerr == nil {
			name = plain
		}
		e := badRequest("the request has an unknown key %q", name)
		e.Hint = diag.Suggest(name, keysOf(reflect.TypeOf(v)), "keys")
		return e
	}
	return badRequest("the request is not JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
}

func jsonKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	}
	return "a number"
}

// keysOf returns the keys of a struct's JSON.
func keysOf(t reflect.Type) (keys []string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-":
		case f.Anonymous && name == "":
			keys = append(keys, keysOf(f.Type)...)
		case name == "":
			keys = append(keys, f.Name)
		default:
			keys = append(keys, name)
		}
	}
	return keys
}

// number reads a query parameter between least and most; absent is what it is
// when it is not there.
func number(r *http.Request, name string, absent, least, most int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return absent, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, badRequest("%s=%q must be a number between %d and %d", name, text, least, most)
	}
	return n, nil
}

// lines writes a stream of JSON, a value a line.
type lines struct {
	w   io.Writer
	ctl *http.ResponseController
}

// stream begins an answer of lines.
func stream(w http.ResponseWriter) *lines {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("X-Accel-Buffering", "no")       // proxies pass each line on at once
	w.Header().Set(gzhttp.HeaderNoCompression, "1") // which would hold the first lines back
	w.WriteHeader(http.StatusOK)
	return &lines{w, http.NewResponseController(w)}
}

// write sends one line.
func (l *lines) write(v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if _, err := l.w.Write(append(data, '\n')); err != nil {
		return err
	}
	return l.ctl.Flush()
}
