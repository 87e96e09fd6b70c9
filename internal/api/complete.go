package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"bluetrail/internal/event"
	"bluetrail/internal/search"
	"bluetrail/internal/search/job"
	"bluetrail/internal/spl/syntax"
)

// candidate is something that may stand at the cursor.
type candidate struct {
	Label  string `json:"label"`
	Insert string `json:"insert"`
	Kind   string `json:"kind"`
	Detail string `json:"detail,omitempty"`
	Doc    string `json:"doc,omitempty"`

	rank int
}

// mostCandidates bounds how many are returned.
const mostCandidates = 60

func (s *Server) completeSearch(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Text   string `json:"text"`
		Cursor int    `json:"cursor"`
	}
	if err := decode(w, r, &in); err != nil {
		return err
	}
	if in.Cursor < 0 || in.Cursor > len(in.Text) || !utf8.ValidString(in.Text[:in.Cursor]) {
		return badRequest("the cursor must be between 0 and the length of the text in bytes, and not within a character")
	}
	at := cursorIn(in.Text, in.Cursor)
	items, err := s.candidates(r.Context(), &at)
	if err != nil {
		return err
	}
	return ok(w, struct {
		Place Place       `json:"place"`
		Items []candidate `json:"items"`
	}{Place{at.from, at.to}, items})
}

// cursor is where in a search something is typed.
type cursor struct {
	from, to int    // what is to be replaced
	word     string // what is typed of it
	command  string // of the part of the pipeline; "" = its name is typed
	first    bool   // it is the first part, which has no command's name
	macro    bool   // a macro's name is typed
	quoted   bool   // within quotes
	field    string // whose value is typed
	inside   int    // how many parentheses are open
	by       bool   // behind BY, AS or OVER
	before   string // of the part, up to the word
}

// cursorIn finds out where a cursor is, by a look at what stands before it; the
// text need not be a search that can be read.
func cursorIn(text string, pos int) cursor {
	c := cursor{first: true, to: pos}
	start, tick := 0, -1
	type open struct {
		start int
		first bool
		char  byte
	}
	var stack []open
	for i := 0; i < pos; i++ {
		switch b := text[i]; {
		case c.quoted:
			if b == '\\' {
				i++
			} else if b == '"' {
				c.quoted = false
			}
		case tick >= 0:
			if b == '`' {
				tick = -1
			}
		case b == '"':
			c.quoted = true
		case b == '`':
			tick = i
		case b == '|':
			start, c.first = i+1, false
			for len(stack) > 0 && stack[len(stack)-1].char == '(' {
				stack = stack[:len(stack)-1]
			}
		case b == '[':
			stack = append(stack, open{start, c.first, b})
			start, c.first = i+1, true
		case b == '(':
			stack = append(stack, open{start, c.first, b})
		case b == ']' || b == ')':
			want := map[byte]byte{']': '[', ')': '('}[b]
			for len(stack) > 0 {
				top := stack[len(stack)-1]
				stack = stack[:len(stack)-1]
				if top.char == '[' {
					start, c.first = top.start, top.first
				}
				if top.char == want {
					break
				}
			}
		}
	}
	for i := len(stack) - 1; i >= 0 && stack[i].char == '('; i-- {
		c.inside++
	}
	if tick >= 0 {
		c.macro, c.from, c.word = true, tick+1, text[tick+1:pos]
		c.to = pos + wordLength(text[pos:])
		return c
	}
	part := text[min(start, pos):pos]
	n := len(part)
	for n > 0 {
		r, size := utf8.DecodeLastRuneInString(part[:n])
		if !isWord(r) && !(c.quoted && r != '"') {
			break
		}
		n -= size
	}
	c.word, c.before, c.from = part[n:], part[:n], pos-(len(part)-n)
	if !c.quoted {
		c.to = pos + wordLength(text[pos:])
	}
	trimmed := strings.TrimLeftFunc(c.before, unicode.IsSpace)
	if !c.first {
		if trimmed == "" {
			return c
		}
		c.command, c.first = strings.ToLower(trimmed[:wordLength(trimmed)]), false
	}
	lead := strings.TrimRight(strings.TrimSuffix(c.before, `"`), " ")
	if op := strings.TrimRight(lead, "=<>!"); op != lead {
		op = strings.TrimRight(op, " ")
		m := len(op)
		for m > 0 {
			r, size := utf8.DecodeLastRuneInString(op[:m])
			if !isWord(r) {
				break
			}
			m -= size
		}
		c.field = op[m:]
	}
	words := strings.Fields(strings.ToLower(trimmed))
	c.by = slices.ContainsFunc(words, func(w string) bool { return w == "by" || w == "over" || w == "as" })
	return c
}

func isWord(r rune) bool {
	return r == '_' || r == '.' || r == ':' || r == '{' || r == '}' || r == '-' || r == '*' || r == '/' || r == '@' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

func wordLength(text string) int {
	for i, r := range text {
		if !isWord(r) {
			return i
		}
	}
	return len(text)
}

// Commands by what their arguments are.
var (
	evaluating  = []string{"eval", "where", "fieldformat", "foreach"}
	aggregating = []string{"stats", "chart", "timechart", "eventstats", "streamstats", "tstats", "sistats", "geostats", "top", "rare"}
	looking     = []string{"lookup", "inputlookup", "outputlookup", "inputcsv", "outputcsv"}
)

// candidates returns what may stand at a cursor, the best first.
func (s *Server) candidates(ctx context.Context, c *cursor) ([]candidate, error) {
	var all []candidate
	add := func(list ...candidate) { all = append(all, list...) }
	know, err := s.cfg.Knowledge()
	if err != nil {
		return nil, err
	}
	met := s.met(ctx)
	fields := func(suffix string) {
		add(fieldCandidates(met, suffix)...)
	}
	searching := c.first || c.command == "search"
	switch {
	case c.macro:
		for _, name := range know.MacroNames() {
			add(candidate{Label: name, Insert: name, Kind: "macro"})
		}
	case c.field != "" && (searching || c.quoted):
		add(valueCandidates(met, c.field, c.quoted)...)
	case c.quoted:
	case searching:
		fields("=")
		for _, k := range []string{"AND", "OR", "NOT", "IN"} {
			add(candidate{Label: k, Insert: k + " ", Kind: "keyword", rank: 2})
		}
	case c.command == "":
		for _, d := range syntax.Commands() {
			add(candidate{Label: d.Name, Insert: d.Name + " ", Kind: "command", Detail: firstLine(d.Syntax), Doc: d.Summary})
		}
	case slices.Contains(evaluating, c.command):
		for _, f := range syntax.Functions() {
			add(candidate{Label: f.Name, Insert: f.Name + "(", Kind: "function", Detail: f.Syntax, Doc: firstSentence(f.Doc), rank: 1})
		}
		fields("")
	case slices.Contains(aggregating, c.command):
		if !c.by && c.inside == 0 {
			for _, g := range syntax.Aggregates() {
				insert := g.Name + "("
				if g.NoField {
					insert = g.Name
				}
				add(candidate{Label: g.Name, Insert: insert, Kind: "aggregate", Detail: g.Syntax, Doc: firstSentence(g.Doc)})
			}
			add(candidate{Label: "by", Insert: "by ", Kind: "keyword"}, candidate{Label: "as", Insert: "as ", Kind: "keyword", rank: 2})
			s.arguments(c, add)
		}
		if c.by || c.inside > 0 || c.command == "top" || c.command == "rare" {
			fields("")
		}
	case slices.Contains(looking, c.command):
		for _, name := range know.LookupNames() {
			add(candidate{Label: name, Insert: name, Kind: "lookup"})
		}
		s.arguments(c, add)
		if c.command == "lookup" {
			fields("")
		}
	default:
		s.arguments(c, add)
		fields("")
	}
	return best(all, c.word), nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// arguments adds the named arguments of the command.
func (s *Server) arguments(c *cursor, add func(...candidate)) {
	d := syntax.LookupCommand(c.command)
	if d == nil {
		return
	}
	for _, a := range d.Args {
		for name := range strings.SplitSeq(a.Name, ", ") {
			if strings.ContainsAny(name, "<[( ") {
				continue
			}
			add(candidate{Label: name, Insert: name + "=", Kind: "argument", Detail: a.Default, Doc: a.Doc, rank: 1})
		}
	}
}

// fieldCandidates returns the fields that events have, and those of the
// catalogue.
func fieldCandidates(met *job.Fields, suffix string) (list []candidate) {
	seen := map[string]bool{}
	for _, f := range met.List {
		seen[f.Name] = true
		one := candidate{Label: f.Name, Insert: f.Name + suffix, Kind: "field"}
		if met.Events > 0 {
			one.Detail = fmt.Sprintf("in %d%% of events", (f.Count*100+met.Events-1)/met.Events)
		}
		if known := event.Lookup(f.Name); known != nil {
			one.Doc = firstSentence(known.Doc)
		}
		if strings.HasPrefix(f.Name, "date_") {
			one.rank = 2
		}
		list = append(list, one)
	}
	for _, f := range event.Fields() {
		if !seen[f.Name] {
			list = append(list, candidate{Label: f.Name, Insert: f.Name + suffix, Kind: "field", Doc: firstSentence(f.Doc), rank: 1})
		}
	}
	return list
}

func valueCandidates(met *job.Fields, field string, quoted bool) (list []candidate) {
	i := slices.IndexFunc(met.List, func(f job.Field) bool { return f.Name == field })
	if i < 0 {
		return nil
	}
	for _, v := range met.List[i].Values {
		insert := v.Value
		switch {
		case quoted:
			insert = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(insert)
		case insert == "" || wordLength(insert) < len(insert):
			insert = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(insert) + `"`
		}
		list = append(list, candidate{Label: v.Value, Insert: insert, Kind: "value", Detail: fmt.Sprintf("%d events", v.Count)})
	}
	return list
}

// best returns the candidates that go with what is typed: those that begin with
// it, then those that contain it.
func best(all []candidate, typed string) []candidate {
	typed = strings.ToLower(typed)
	list := []candidate{}
	for _, c := range all {
		label := strings.ToLower(c.Label)
		switch {
		case strings.HasPrefix(label, typed):
		case len(typed) > 1 && strings.Contains(label, typed):
			c.rank += 4
		default:
			continue
		}
		list = append(list, c)
	}
	slices.SortStableFunc(list, func(a, b candidate) int { return cmp.Compare(a.rank, b.rank) })
	return list[:min(len(list), mostCandidates)]
}

// summary is what completion knows of the events: their fields and frequent
// values, from the newest ones.
type summary struct {
	mu      sync.Mutex
	fields  *job.Fields
	made    time.Time
	pending chan struct{} // closed once it is made; nil = nobody makes it
}

// Bounds of the summary.
const (
	summaryAge    = 5 * time.Minute
	summaryWait   = 300 * time.Millisecond // a completion waits no longer
	summaryEvents = 3000
	summaryValues = 40
	longestValue  = 200
)

// met returns the summary; it may be empty while it is made for the first time.
func (s *Server) met(ctx context.Context) *job.Fields {
	m := &s.summary
	m.mu.Lock()
	if m.pending == nil && (m.fields == nil || time.Since(m.made) > summaryAge) && s.cfg.Jobs != nil {
		m.pending = make(chan struct{})
		go s.summarize()
	}
	have, pending := m.fields, m.pending
	m.mu.Unlock()
	if have == nil && pending != nil {
		select {
		case <-pending:
		case <-time.After(summaryWait):
		case <-ctx.Done():
		}
		m.mu.Lock()
		have = m.fields
		m.mu.Unlock()
	}
	if have == nil {
		return &job.Fields{}
	}
	return have
}

// summarize makes the summary anew.
func (s *Server) summarize() {
	text := fmt.Sprintf("index=* | head %d | fieldsummary maxvals=%d", summaryEvents, summaryValues)
	f := &job.Fields{}
	err := s.cfg.Jobs.Once(context.Background(), job.Ask{Search: text}, false, func(sr *search.Search) error {
		return f.Take(context.Background(), sr)
	})
	for i := range f.List {
		f.List[i].Values = slices.DeleteFunc(f.List[i].Values, func(v job.ValueCount) bool { return len(v.Value) > longestValue })
	}
	m := &s.summary
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		m.fields = f
	} else if m.fields == nil {
		m.fields = &job.Fields{}
	}
	m.made = time.Now()
	close(m.pending)
	m.pending = nil
}
