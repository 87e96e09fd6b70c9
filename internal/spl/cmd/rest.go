package cmd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Rest lists what Splunk's REST endpoints would return for the local data.
type Rest struct {
	Path  string // as written
	Count int    // 0 = all
	list  *service
	name  string // the single object at the end of the path; "" = all
}

// service is an endpoint that rest supports, without its path prefix.
type service struct {
	path string
	doc  string
	rows func(ctx context.Context, env *exec.Env) (exec.Operator, error)
}

// services are sorted by path.
var services []service

func init() {
	services = []service{
		{"admin/macros", "the macros: title, definition, args", restMacros},
		{"configs/conf-macros", "the macros: title, definition, args", restMacros},
		{"configs/conf-savedsearches", "the saved searches: title, search", restSaved},
		{"data/indexes", "the indexes: title, totalEventCount, minTime, maxTime", restIndexes},
		{"data/lookup-table-files", "the files of lookups: title", restLookups(true)},
		{"data/transforms/lookups", "the definitions of lookups: title", restLookups(false)},
		{"saved/searches", "the saved searches: title, search", restSaved},
	}
	doc := "Lists what a search can use here, always with `splunk_server`. It makes no network requests. The paths, after\n" +
		"`/services/` or `/servicesNS/<user>/<app>/`:"
	for _, s := range services {
		doc += "\n`" + s.path + "`: " + s.doc + "."
	}
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "rest", Kind: syntax.KindGenerating,
		Summary: "List the available saved searches, macros, lookups or indexes.",
		Syntax:  "rest <path> [count=<n>]",
		Doc:     doc,
		Args: []syntax.Arg{
			{Name: "<path>", Doc: "What to list; append the name of an item to list only that one."},
			{Name: "count", Default: "0", Doc: "Maximum number of rows; 0 means all."},
			{Name: "splunk_server, splunk_server_group, timeout, f", Doc: "Accepted for compatibility; ignored."},
		},
		Examples: []syntax.Example{{
			Saved:  "index=aws errorCode=AccessDenied | stats count by user",
			Search: `| rest /services/saved/searches splunk_server=local | table title search`,
			Want:   []string{`{"title":"example","search":"index=aws errorCode=AccessDenied | stats count by user"}`},
		}},
		Parse: parseRest,
	})
}

func parseRest(p *syntax.Parser) (syntax.Command, error) {
	c := &Rest{}
	start := p.Peek().Span
	for !p.AtEnd() {
		err := p.Options([]string{"count", "splunk_server", "splunk_server_group", "timeout", "f"}, func(o syntax.Option) (err error) {
			if o.Name == "count" {
				c.Count, err = o.Int(0)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if p.AtEnd() {
			break
		}
		tok, err := p.Take()
		if err != nil {
			return nil, err
		}
		if tok.Kind != syntax.Word && tok.Kind != syntax.Quoted || c.Path != "" {
			return nil, p.Unexpected(tok, "a path such as /services/saved/searches")
		}
		c.Path = tok.Text
		if err := c.find(tok.Span); err != nil {
			return nil, err
		}
	}
	if c.Path == "" {
		return nil, diag.At(start, "rest needs a path").WithHint("rest /services/saved/searches")
	}
	return c, nil
}

// find looks up the endpoint that the path names.
func (c *Rest) find(span diag.Span) error {
	path := strings.Trim(c.Path, "/")
	if rest, ok := strings.CutPrefix(path, "servicesNS/"); ok {
		parts := strings.SplitN(rest, "/", 3)
		path = parts[len(parts)-1]
	}
	path = strings.TrimPrefix(path, "services/")
	var known []string
	for i := range services {
		s := &services[i]
		known = append(known, s.path)
		if path == s.path {
			c.list = s
			return nil
		}
		if name, ok := strings.CutPrefix(path, s.path+"/"); ok {
			c.list, c.name = s, name
			return nil
		}
	}
	e := diag.At(span, "there is no Splunk server to ask for %q", c.Path).WithHint("%s", diag.DidYouMean(path, known))
	if e.Hint == "" {
		e.Hint = "to list what is available, use /services/ and " + strings.Join(known, ", ")
	}
	return e
}

// Print implements syntax.Command.
func (c *Rest) Print() string {
	s := "rest " + filter.Quote(c.Path)
	if c.Count > 0 {
		s += fmt.Sprintf(" count=%d", c.Count)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Rest) Needs(out filter.FieldSet) filter.FieldSet { return out }

// Generate implements exec.Generating.
func (c *Rest) Generate(ctx context.Context, env *exec.Env) (exec.Operator, error) {
	o, err := c.list.rows(ctx, env)
	if err != nil {
		return nil, err
	}
	if c.name != "" {
		m, err := filter.NewMatcher(&filter.Compare{Field: "title", Op: "=", Value: c.name, Case: true}, env.Now)
		if err != nil {
			return nil, err
		}
		o = exec.Mapped(o, selector{m})
	}
	if c.Count > 0 {
		o = &op.First{In: o, Left: c.Count}
	}
	return o, nil
}

// entries builds a table of titles; fill sets the other columns.
func entries(titles []string, columns []string, fill func(b *vector.Builder, title string)) exec.Operator {
	b := vector.NewBuilder(append(append([]string{"title"}, columns...), "splunk_server")...)
	for _, title := range titles {
		b.Add()
		b.Set("title", vector.String(title))
		b.Set("splunk_server", vector.String(event.Server))
		if fill != nil {
			fill(b, title)
		}
	}
	return exec.Rows(b.Batch())
}

func restSaved(_ context.Context, env *exec.Env) (exec.Operator, error) {
	known := env.Knowledge
	if known == nil {
		return entries(nil, []string{"search"}, nil), nil
	}
	return entries(known.SavedSearchNames(), []string{"search"}, func(b *vector.Builder, title string) {
		if text, ok := known.SavedSearch(title); ok {
			b.Set("search", vector.String(text))
		}
	}), nil
}

// maxMacroArgs bounds the number of macro arguments to look for.
const maxMacroArgs = 20

func restMacros(_ context.Context, env *exec.Env) (exec.Operator, error) {
	macros := map[string]syntax.Macro{}
	var titles []string
	if env.Macros != nil {
		for _, name := range env.Macros.MacroNames() {
			for n := range maxMacroArgs + 1 {
				m, ok := env.Macros.Macro(name, n)
				if !ok {
					continue
				}
				title := name
				if n > 0 {
					title = fmt.Sprintf("%s(%d)", name, n)
				}
				macros[title] = m
				titles = append(titles, title)
			}
		}
	}
	return entries(titles, []string{"definition", "args"}, func(b *vector.Builder, title string) {
		b.Set("definition", vector.String(macros[title].Definition))
		if args := macros[title].Args; len(args) > 0 {
			b.Set("args", vector.String(strings.Join(args, ",")))
		}
	}), nil
}

// restLookups lists the lookup files, or the lookup definitions.
func restLookups(files bool) func(context.Context, *exec.Env) (exec.Operator, error) {
	return func(_ context.Context, env *exec.Env) (exec.Operator, error) {
		var titles []string
		if known := env.Knowledge; known != nil {
			titles = slices.DeleteFunc(known.LookupNames(), func(name string) bool {
				lower := strings.ToLower(name)
				return files != (strings.HasSuffix(lower, ".csv") || strings.HasSuffix(lower, ".csv.gz"))
			})
		}
		return entries(titles, nil, nil), nil
	}
}

func restIndexes(ctx context.Context, env *exec.Env) (exec.Operator, error) {
	return run(ctx, env, `search index=* | stats count AS totalEventCount min(_time) AS minTime max(_time) AS maxTime BY index`+
		` | eval minTime=strftime(minTime, "%Y-%m-%dT%H:%M:%S%z"), maxTime=strftime(maxTime, "%Y-%m-%dT%H:%M:%S%z"), splunk_server="`+event.Server+`"`+
		` | rename index AS title | table title totalEventCount minTime maxTime splunk_server`)
}
