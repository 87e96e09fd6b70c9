package api

import (
	"bytes"
	"cmp"
	_ "embed"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"bluetrail/internal/auth"

	"github.com/goccy/go-yaml"
)

func (s *Server) docsRoutes() []route {
	return []route{
		{"GET /api/v1/openapi.yaml", auth.None, s.description},
		{"GET /api/docs", auth.None, s.docs},
		{"GET /api/docs.css", auth.None, s.docsStyle},
	}
}

// description serves openapi.yaml, which holds nothing secret.
func (*Server) description(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	w.Write(Description) // an error means that the client is gone
	return nil
}

//go:embed docs.html
var docsHTML string

//go:embed docs.css
var docsCSS []byte

func (*Server) docsStyle(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Write(docsCSS) // an error means that the client is gone
	return nil
}

func (*Server) docs(w http.ResponseWriter, _ *http.Request) error {
	html, err := docsPage()
	if err != nil {
		return err
	}
	page(w, html)
	return nil
}

// docsPage makes a page of openapi.yaml that people read.
var docsPage = sync.OnceValues(func() ([]byte, error) {
	var doc apiDoc
	if err := yaml.Unmarshal(Description, &doc); err != nil {
		return nil, err
	}
	t, err := template.New("docs").Funcs(template.FuncMap{
		"schema": func(v any) string { return written(v) },
		"upper":  strings.ToUpper,
		"code":   paragraphs,
	}).Parse(docsHTML)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, struct {
		Doc     apiDoc
		Areas   []docArea
		Schemas []string
	}{doc, doc.areas(), slices.Sorted(maps.Keys(doc.Components.Schemas))})
	return b.Bytes(), err
})

// apiDoc is what the page shows of openapi.yaml.
type apiDoc struct {
	Info struct {
		Title, Version, Description string
	}
	Paths      map[string]map[string]any
	Components struct {
		Schemas map[string]any
	}
}

// docArea are the operations whose paths begin alike.
type docArea struct {
	Name string
	Ops  []docOp
}

type docOp struct {
	Method, Path, ID, Summary, Description string
	Open                                   bool
	Params                                 []any
	Body                                   any
	Answer                                 any
}

func (d *apiDoc) areas() (list []docArea) {
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, method := range []string{"get", "post", "put", "delete"} {
			op, ok := d.Paths[path][method].(map[string]any)
			if !ok {
				continue
			}
			text := func(key string) string { s, _ := op[key].(string); return s }
			o := docOp{Method: method, Path: path, ID: text("operationId"), Summary: text("summary"), Description: text("description")}
			if sec, ok := op["security"].([]any); ok && len(sec) == 0 {
				o.Open = true
			}
			o.Params, _ = op["parameters"].([]any)
			o.Body = inside(op, "requestBody", "content")
			if answers, ok := op["responses"].(map[string]any); ok {
				o.Answer = cmp.Or(inside(answers, "200", "content"), inside(answers, "201", "content"))
			}
			area, _, _ := strings.Cut(strings.TrimPrefix(path, "/api/v1/"), "/")
			if !strings.HasPrefix(path, "/api/v1/") {
				area = "Other paths"
			}
			if len(list) == 0 || list[len(list)-1].Name != area {
				list = append(list, docArea{Name: area})
			}
			at := &list[len(list)-1]
			at.Ops = append(at.Ops, o)
		}
	}
	return list
}

func inside(v any, keys ...string) any {
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return v
}

// written writes a part of the description compactly, keys in order.
func written(v any) string {
	data, err := yaml.MarshalWithOptions(v, yaml.Indent(2))
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(data))
}

func paragraphs(text string) []string { return strings.Split(strings.TrimSpace(text), "\n\n") }
