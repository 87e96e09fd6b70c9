package incident

import (
	"html/template"
	"io"
)

// page is self-contained: it loads nothing, and html/template escapes all values.
var page = template.Must(template.New("trace").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Trace of {{.Name}}</title>
<style>
:root{color-scheme:light dark;--line:#8886;--bad:#b3261e;--quiet:#666}
@media (prefers-color-scheme:dark){:root{--bad:#ff8a80;--quiet:#aaa}}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem;max-width:70rem}
ul{list-style:none;border-left:2px solid var(--line);padding-left:1rem;margin:.3rem 0 .8rem}
code{overflow-wrap:anywhere}.denied,.error{color:var(--bad)}.quiet{color:var(--quiet)}
</style></head><body><h1>Trace of <code>{{.Name}}</code></h1>
{{template "node" .}}</body></html>
{{define "node"}}<details open><summary><b>{{.Kind}} <code>{{.Name}}</code></b>{{if .Made}} <span class="quiet">made by {{.Made}} at {{.At.Format "2006-01-02 15:04:05Z07:00"}}</span>{{end}} — {{.Calls}} calls</summary><ul>
{{range .Deeds}}<li class="{{.Outcome}}"><span class="quiet">{{.First.Format "2006-01-02 15:04:05Z07:00"}}</span> {{if .Write}}<b>{{.Text}}</b>{{else}}{{.Text}}{{end}} <span class="quiet">{{.Source}}</span>{{range .Objects}} <code>{{.}}</code>{{end}}</li>
{{end}}{{if .More}}<li class="quiet">{{.More}} further calls</li>{{end}}
{{range .Children}}<li>{{template "node" .}}</li>{{end}}</ul></details>{{end}}`))

// WriteHTML writes the trace as one page.
func (t *Trace) WriteHTML(w io.Writer) error { return page.Execute(w, t.Root) }
